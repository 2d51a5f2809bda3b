"""The words of products as the ranking compares them, hashed: see `domain.words.Sketches`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import Product
from shopsearch.domain.words import Sketches, word_hash
from shopsearch.ranking.stemming import stem, stem_words
from shopsearch.ranking.words import codes_in, folded_words

_TITLE_CHARS = 500
_FACTS_CHARS = 2_000
_NAMED_CHARS = 5_000
_STORY_CHARS = 6_000

Hashes = NDArray[np.uint32]


def sketched(products: Sequence[Product], columns: Sequence[Sequence[str]]) -> Sketches:
    """The sketches of N products; `columns` are their texts in the columns of a lexical index."""
    return Sketches.of([_places(*one) for one in zip(products, columns, strict=True)])


def _places(product: Product, columns: Sequence[str]) -> list[Hashes]:
    """In the order of `Place`."""
    *others, description = columns
    stems = [_hashed(map(stem, stem_words(text))) for text in (*others, description[:_STORY_CHARS])]
    title = folded_words(product.title[:_TITLE_CHARS])
    attributes = tuple(product.attributes.values())
    facts = " ".join((product.color, product.material, product.size, product.gender, *attributes))
    named = " ".join((product.title[:_TITLE_CHARS], product.product_id, product.gtin, *attributes))
    return [
        *stems,
        _hashed(title),
        _hashed(first + second for first, second in pairwise(title)),
        _hashed(folded_words(product.brand)),
        _hashed(set(folded_words(product.product_type))),
        _hashed(set(folded_words(facts[:_FACTS_CHARS]))),
        _hashed(codes_in(named[:_NAMED_CHARS])),
        _hashed(
            [whole(title if len(product.title) <= _TITLE_CHARS else folded_words(product.title))]
        ),
        _hashed([product.item_group_id] if product.item_group_id else []),
    ]


def whole(words: Sequence[str]) -> str:
    """All words of a title as one."""
    return " ".join(words)


def _hashed(words: Iterable[str]) -> Hashes:
    return np.array([_hash(word) for word in words], dtype=np.uint32)


_hash = lru_cache(maxsize=200_000)(word_hash)
