"""The named features that the second stage weighs, beside the cosine.

Each is a number from 0 to 1. Those of words are 0 for a product that has nothing to do with the
words: so words that occur nowhere leave the order as it is (see `word_features.py`). What a product
offers (see `offers.py`) and its similarities count for every product alike; no weights for them are
shipped.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from shopsearch.ranking.words import AskedWords


@dataclass(frozen=True, slots=True)
class Rarity:
    """How many of all products hold each word of a query."""

    n_products: int
    held_by: Mapping[str, int]

    def of(self, word: str) -> float:
        """The inverse document frequency (Robertson & Spärck Jones, 1976), above 0."""
        n = min(self.held_by.get(word, 0), self.n_products)
        return math.log(1.0 + (self.n_products - n + 0.5) / (n + 0.5))

    def weights(self, asked: AskedWords) -> dict[str, float]:
        """How much each of the wanted and unwanted words counts; corrected ones count less."""
        words = (*asked.wanted, *asked.unwanted)
        return {word: self.of(word) * asked.trust.get(word, 1.0) for word in words}


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
