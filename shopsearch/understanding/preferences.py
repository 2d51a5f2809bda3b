"""What preferences do to an order: products that fulfil them rise, all others stay as they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import PartKind, Product, ProductFilter, UnderstoodPart
from shopsearch.index import VectorIndex
from shopsearch.ranking.words import folded_words
from shopsearch.understanding.words import phrase_of, words_of

FACTORS = {  # of the odds of a score, see `ranking.rules.lifted`; measured, see decision 18
    PartKind.BRAND: 2.0,
    PartKind.COLOR: 1.25,
    PartKind.CATEGORY: 1.25,
    PartKind.GENDER: 1.25,
    PartKind.MATERIAL: 1.25,
}


@dataclass(frozen=True, slots=True)
class Preference:
    """A part of a query that raises products."""

    part: UnderstoodPart
    keys: NDArray[np.int64]  # that fulfil it and pass the filter of the query, ascending

    @property
    def log_factor(self) -> float:
        """Of the odds of a score; above 0."""
        return math.log(FACTORS[self.part.kind])

    def raised(self, keys: Sequence[int], products: Sequence[Product]) -> NDArray[np.bool_]:
        """(N,) which of N products fulfil it.

        A product whose title has the words does, whatever its field tells: feeds have gaps and
        names of their own.
        """
        fulfilled = np.isin(np.asarray(keys, dtype=np.int64), self.keys)
        phrase = phrase_of(words_of(self.part.text))
        for place in np.flatnonzero(~fulfilled).tolist():
            fulfilled[place] = _is_in(phrase, products[place].title)
        return fulfilled


def preferences_of(
    parts: Sequence[UnderstoodPart], where: ProductFilter, index: VectorIndex
) -> tuple[Preference, ...]:
    """The preferences of a query with this filter; one that no product fulfils changes nothing."""
    matched = [(part, index.matching(_both(where, [part]))) for part in parts]
    return tuple(Preference(part, keys) for part, keys in matched)


def best_of(preferences: Sequence[Preference]) -> list[ProductFilter]:
    """What the nearest are wanted of: of what fulfils all, or else of what fulfils each."""
    told = [one for one in preferences if len(one.keys)]
    if not told:
        return []
    if len(reduce(np.intersect1d, (one.keys for one in told))):
        return [_both(ProductFilter(), [one.part for one in told])]
    return [one.part.where for one in told]


def _both(where: ProductFilter, parts: Sequence[UnderstoodPart]) -> ProductFilter:
    wished = (condition for part in parts for condition in part.where.conditions)
    return ProductFilter((*where.conditions, *wished))


def _is_in(phrase: str, title: str) -> bool:
    """Whether a title has all words of a phrase, one after the other."""
    if not phrase or phrase[:3] not in title.casefold():  # most titles are ruled out cheaply
        return False
    return f" {phrase} " in f" {' '.join(folded_words(title))} "
