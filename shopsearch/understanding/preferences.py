"""What preferences do to an order: products that fulfil them rise, all others stay as they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import Among, Lexicon, PartKind, ProductFilter, UnderstoodPart
from shopsearch.index import VectorIndex
from shopsearch.languages import ENGLISH, Language
from shopsearch.ranking.word_features import titles_with
from shopsearch.understanding.words import JOINING, Word, words_of

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
    raised: NDArray[np.int64]  # these, and those that have the words in the title

    @property
    def log_factor(self) -> float:
        """Of the odds of a score; above 0."""
        return math.log(FACTORS[self.part.kind])


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
        keys = index.fields.matching(_both(where, [part]))
        titled = _titled(part, where, index, words, language)
        found.append(Preference(part, keys, np.union1d(keys, titled)))
    return tuple(found)


def _titled(
    part: UnderstoodPart,
    where: ProductFilter,
    index: VectorIndex,
    words: Lexicon,
    language: Language,
) -> NDArray[np.int64]:
    """The keys of products whose title has the words, whatever their field tells: feeds have gaps
    and names of their own.
    """
    said = [word for word in words_of(part.text, language) if word.folded not in JOINING]
    if not said:
        return np.empty(0, dtype=np.int64)
    held = words.holding([[_term(part.text, word, language)] for word in said])
    passing = ProductFilter((*where.conditions, Among(held)))
    keys, sketches = words.sketches(index.fields.matching(passing))
    return keys[titles_with(sketches, [word.folded for word in said])]


def _term(text: str, word: Word, language: Language) -> str:
    """A word as a lexical index is asked for it, which takes the ending off itself."""
    return word.folded if language is ENGLISH else text[word.span.start : word.span.end]


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
