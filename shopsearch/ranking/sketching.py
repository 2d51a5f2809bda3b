"""The words of products as the ranking compares them, hashed: see `domain.words.Sketches`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache, partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import Product
from shopsearch.domain.words import Sketches, word_hash
from shopsearch.languages import ENGLISH, Language
from shopsearch.ranking.stemming import stem, stem_words
from shopsearch.ranking.words import codes_in, folded_words

_TITLE_CHARS = 500
_FACTS_CHARS = 2_000
_NAMED_CHARS = 5_000
_STORY_CHARS = 6_000

Hashes = NDArray[np.uint32]


def sketched(
    products: Sequence[Product], columns: Sequence[Sequence[str]], language: Language = ENGLISH
) -> Sketches:
    """The sketches of N products; `columns` are their texts in the columns of a lexical index."""
    both = zip(products, columns, strict=True)
    return Sketches.of([_places(product, texts, language) for product, texts in both])


def _places(product: Product, columns: Sequence[str], language: Language) -> list[Hashes]:
    """In the order of `Place`."""
    folded = partial(folded_words, language=language)
    *others, description = columns
    stems = [_stems(text, language) for text in (*others, description[:_STORY_CHARS])]
    title = folded(product.title[:_TITLE_CHARS])
    attributes = tuple(product.attributes.values())
    facts = " ".join((product.color, product.material, product.size, product.gender, *attributes))
    named = " ".join((product.title[:_TITLE_CHARS], product.product_id, product.gtin, *attributes))
    return [
        *stems,
        _hashed(title),
        _hashed(first + second for first, second in pairwise(title)),
        _hashed(folded(product.brand)),
        _hashed(set(folded(product.product_type))),
        _hashed(set(folded(facts[:_FACTS_CHARS]))),
        _hashed(codes_in(named[:_NAMED_CHARS])),
        _hashed([whole(title if len(product.title) <= _TITLE_CHARS else folded(product.title))]),
        _hashed([product.item_group_id] if product.item_group_id else []),
    ]


def _stems(text: str, language: Language) -> Hashes:
    return _hashed(stem(word, language) for word in stem_words(text, language))


def whole(words: Sequence[str]) -> str:
    """All words of a title as one."""
    return " ".join(words)


def _hashed(words: Iterable[str]) -> Hashes:
    return np.array([_hash(word) for word in words], dtype=np.uint32)


_hash = lru_cache(maxsize=200_000)(word_hash)
