"""The named features that the second stage weighs, beside the cosine.

Each is a number from 0 to 1. Those of words are 0 for a product that has nothing to do with the
words: so words that occur nowhere leave the order as it is. What a product offers (see `offers.py`)
and its similarities count for every product alike; no weights for them are shipped.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import Product
from shopsearch.languages import ENGLISH, Language
from shopsearch.ranking.words import AskedWords, codes_in, fold, folded_words, with_joined

SYNONYM = 0.7  # how much a synonym counts beside the word itself
_TITLE_CHARS = 500
_STORY_CHARS = 6_000


@dataclass(frozen=True, slots=True)
class Rarity:
    """How many of all products hold each word of a query."""

    n_products: int
    held_by: Mapping[str, int]

    def of(self, word: str) -> float:
        """The inverse document frequency (Robertson & Spärck Jones, 1976), above 0."""
        n = min(self.held_by.get(word, 0), self.n_products)
        return math.log(1.0 + (self.n_products - n + 0.5) / (n + 0.5))


class ProductWords:
    """The words of one product, place by place, read once for many queries."""

    def __init__(self, product: Product, language: Language = ENGLISH) -> None:
        words = folded_words(product.title[:_TITLE_CHARS], language)
        attributes = tuple(product.attributes.values())
        self.title_words = words
        self.title = with_joined(words)
        self.pairs = set(pairwise(words))
        self.brand = folded_words(product.brand, language)
        self.category = set(folded_words(product.product_type, language))
        told = (product.color, product.material, product.size, product.gender)
        self.facts = set(folded_words(" ".join((*told, *attributes))[:2000], language))
        story = product.description[:_STORY_CHARS]
        if language.stems_are_beginnings:
            self.story = fold(story, language)
        else:
            self.story = " ".join(folded_words(story, language))
        is_cut = len(product.title) > _TITLE_CHARS
        self.group = product.item_group_id
        self.whole_title = tuple(folded_words(product.title, language) if is_cut else words)
        named = (product.title[:_TITLE_CHARS], product.product_id, product.gtin)
        self._named = " ".join((*named, *attributes))[:5000]

    @cached_property
    def codes(self) -> frozenset[str]:
        """Its model numbers, see `codes_in`; few queries ask for one."""
        return frozenset(codes_in(self._named))


WORD_FEATURES = (
    "lexical",  # score of the lexical index, as a share of the best one's
    "title",  # share of the wanted words in the title; rare words count more (also below)
    "facts",  # ... in title, brand, category, colour, material, size or attributes
    "anywhere",  # ... in those or in the description
    "noun",  # the word for the kind of thing is in the title
    "category",  # share of the wanted words in the category
    "early",  # how early in the title the first wanted word comes
    "short",  # how little else the title says
    "brand",  # the query names the brand
    "number",  # share of the query's numbers that the title has, with the word that follows
    "code",  # share of the query's model numbers that the product has
    "unwanted",  # share of the unwanted words ("without ...") in the title
)


OFFER_FEATURES = (
    "price",  # how near to the median price of the best candidates
    "available",  # 1 in stock, 0 out of stock, 0.5 unknown or to be had later
    "popularity",  # its logarithm, as a share of the most popular candidate's
)

SIMILARITIES = (
    "image_similarity",  # cosine of the query's words and the product's picture; 0 where below
    "text_similarity",  # ... and the product's text
)

FEATURES = (*WORD_FEATURES, *OFFER_FEATURES, *SIMILARITIES)


def word_rows(
    asked: AskedWords,
    products: Sequence[ProductWords],
    lexical: NDArray[np.float32],
    rarity: Rarity,
) -> NDArray[np.float32]:
    """The features of N products for the words of a query: (N, F), columns as `WORD_FEATURES`.

    `lexical` holds the (N,) scores of the lexical index, 0 where it has none.
    """
    best = max(float(lexical.max(initial=0.0)), 1e-9)
    weights = {
        word: rarity.of(word) * asked.trust.get(word, 1.0)
        for word in (*asked.wanted, *asked.unwanted)
    }
    compared = Comparison(asked, weights)
    rows = [
        (float(score) / best, *compared.with_product(words))
        for words, score in zip(products, lexical, strict=True)
    ]
    return np.array(rows, dtype=np.float32).reshape(len(products), len(WORD_FEATURES))  # (N, F)


def is_exact(asked: AskedWords, words: ProductWords) -> bool:
    """Whether the words are the product's whole title, or a model number that it has."""
    if asked.codes:
        return words.codes.issuperset(asked.codes)
    return words.whole_title == asked.words


def is_of_brand(asked: AskedWords, words: ProductWords) -> bool:
    """Whether the words are the name of the product's brand, and nothing else."""
    return bool(words.brand) and tuple(words.brand) == asked.words


def is_variant(asked: AskedWords, reference: ProductWords, words: ProductWords) -> bool:
    """Whether a product is the reference in what the words ask for: "this, but in blue".

    It is of the same item group, or has the same title where the reference tells no group; and its
    title or facts hold a wanted word that those of the reference lack.
    """
    if reference.group:
        is_same = words.group == reference.group
    else:
        is_same = bool(words.whole_title) and words.whole_title == reference.whole_title
    new = (words.facts | words.title) - (reference.facts | reference.title)
    return is_same and not new.isdisjoint(asked.wanted)


class Comparison:
    """The words of one query, ready to be compared with many products.

    `weights` say how much each of the wanted and unwanted words counts.
    """

    def __init__(self, asked: AskedWords, weights: Mapping[str, float]) -> None:
        self._asked = asked
        self._weights = weights
        self._joined = {  # `ear buds` is wanted: then `earbuds` is it too
            first + second: {first, second}.intersection(asked.wanted)
            for first, second in pairwise(asked.words)
        }
        self._numbers = [
            (word, following)
            for word, following in pairwise((*asked.words, ""))
            if word[0].isdigit()
        ]
        self._wanted = frozenset(asked.wanted)
        self._alternatives = [
            (frozenset(one.stands_for) & self._wanted, frozenset(one.words))
            for one in asked.alternatives
        ]
        self._everything = sum(weights[word] for word in self._wanted)
        self._told = {
            word: _as_told(word, is_beginning=asked.language.stems_are_beginnings)
            for word in asked.wanted
        }

    def with_product(self, texts: ProductWords) -> tuple[float, ...]:
        """All features of words but the lexical score."""
        in_title = self._found(texts.title)
        in_category = self._wanted & texts.category
        in_facts = in_title | in_category | (self._wanted & {*texts.brand, *texts.facts})
        in_story = self._told_in(texts.story, self._wanted - in_facts)
        meant_in_title = self._meant(texts.title)
        meant = meant_in_title | self._meant({*texts.title, *texts.category, *texts.facts})
        title, facts = self._share(in_title, meant_in_title), self._share(in_facts, meant)
        noun = {self._asked.noun}
        return (
            title,
            facts,
            self._share(in_facts | in_story, meant),
            max(float(noun <= texts.title), SYNONYM * (noun <= meant_in_title)),
            self._share(in_category),
            self._earliness(texts),
            _part(len(in_title), len(texts.title_words)),
            float(self._names(texts.brand)),
            self._number_share(texts),
            self._code_share(texts),
            self._unwanted_share(texts),
        )

    def matched(self, texts: ProductWords) -> dict[str, tuple[str, ...]]:
        """The wanted words that each field of a product holds, in the order of the query; fields
        without any are left out.
        """
        found = {
            "title": self._found(texts.title),
            "brand": self._wanted & set(texts.brand),
            "category": self._wanted & texts.category,
            "facts": self._wanted & texts.facts,
            "description": self._told_in(texts.story, self._wanted),
        }
        return {
            field: tuple(word for word in self._asked.wanted if word in words)
            for field, words in found.items()
            if words
        }

    def held(self, texts: ProductWords) -> frozenset[str]:
        """The wanted words that a product has anywhere, or a synonym of."""
        there = {*texts.title, *texts.category, *texts.facts, *texts.brand}
        found = self._found(there)
        return found | self._told_in(texts.story, self._wanted - found) | self._meant(there)

    def _meant(self, there: set[str]) -> frozenset[str]:
        """The wanted words for which something stands that will do as well."""
        meant: frozenset[str] = frozenset()
        for wanted, words in self._alternatives:
            if words <= there:
                meant |= wanted
        return meant

    def _found(self, there: set[str]) -> frozenset[str]:
        found = set(self._wanted & there)
        for joined, words in self._joined.items():
            if joined in there:
                found |= words
        return frozenset(found)

    def _told_in(self, story: str, words: frozenset[str]) -> set[str]:
        return {word for word in words if self._is_told(word, story)}

    def _is_told(self, word: str, story: str) -> bool:
        """Whether a description has the word; a long one may have any ending."""
        return word in story and self._told[word].search(story) is not None

    def _share(
        self, found: frozenset[str] | set[str], meant: frozenset[str] = frozenset()
    ) -> float:
        of_synonyms = SYNONYM * sum(self._weights[word] for word in meant - found)
        return _part(sum(self._weights[word] for word in found) + of_synonyms, self._everything)

    def _earliness(self, texts: ProductWords) -> float:
        for place, word in enumerate(texts.title_words):
            if word in self._wanted:
                return 1.0 / (1.0 + place / 5.0)
        return 0.0

    def _names(self, brand: Sequence[str]) -> bool:
        return bool(brand) and set(brand) <= {*self._asked.words, *self._joined}

    def _number_share(self, texts: ProductWords) -> float:
        n_found = sum(
            (number, following) in texts.pairs if following else number in texts.title
            for number, following in self._numbers
        )
        return _part(n_found, len(self._numbers))

    def _code_share(self, texts: ProductWords) -> float:
        asked = self._asked.codes
        return _part(len(texts.codes.intersection(asked)), len(asked)) if asked else 0.0

    def _unwanted_share(self, texts: ProductWords) -> float:
        unwanted = self._asked.unwanted
        return _part(sum(word in texts.title for word in unwanted), len(unwanted))


def _as_told(word: str, *, is_beginning: bool) -> re.Pattern[str]:
    """How a description tells a word; the beginning of a long one will do where `is_beginning`."""
    if not is_beginning:
        return re.compile(rf"\b{re.escape(word)}\b")
    return re.compile(rf"\b{re.escape(word)}" + (r"s?\b" if len(word) <= 3 else ""))


def _part(some: float, everything: float) -> float:
    return some / everything if everything else 0.0
