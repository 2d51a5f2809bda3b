"""What preferences do to an order: products that fulfil them rise, all others stay as they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import Lexicon, PartKind, ProductFilter, UnderstoodPart
from shopsearch.domain.key_sets import are_in, common
from shopsearch.index import VectorIndex
from shopsearch.languages import ENGLISH, Language
from shopsearch.ranking.word_features import titles_with
from shopsearch.understanding.words import JOINING, words_of

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
    phrase: tuple[str, ...]  # its folded words
    words: Lexicon  # of the products

    @property
    def log_factor(self) -> float:
        """Of the odds of a score; above 0."""
        return math.log(FACTORS[self.part.kind])

    def raises(self, keys: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(N,) which of N products that pass the filter it raises.

        Those whose title has the words too, whatever their field tells: feeds have gaps and names
        of their own.
        """
        raised = are_in(keys, self.keys)
        if self.phrase and not raised.all():
            known, sketches = self.words.sketches(keys[~raised])
            raised |= np.isin(keys, known[titles_with(sketches, self.phrase)])
        return raised


def preferences_of(
    parts: Sequence[UnderstoodPart],
    where: ProductFilter,
    index: VectorIndex,
    words: Lexicon,
    language: Language = ENGLISH,
) -> tuple[Preference, ...]:
    """The preferences of a query with this filter; one that no product fulfils changes nothing."""
    found = []
    for part in parts:
        said = (word.folded for word in words_of(part.text, language))
        phrase = tuple(word for word in said if word not in JOINING)
        keys = index.fields.matching(_both(where, [part]))
        found.append(Preference(part, keys, phrase, words))
    return tuple(found)


def best_of(preferences: Sequence[Preference]) -> list[ProductFilter]:
    """What the nearest are wanted of: of what fulfils all, or else of what fulfils each."""
    told = [one for one in preferences if len(one.keys)]
    if not told:
        return []
    if len(reduce(common, (one.keys for one in told))):
        return [_both(ProductFilter(), [one.part for one in told])]
    return [one.part.where for one in told]


def _both(where: ProductFilter, parts: Sequence[UnderstoodPart]) -> ProductFilter:
    wished = (condition for part in parts for condition in part.where.conditions)
    return ProductFilter((*where.conditions, *wished))
