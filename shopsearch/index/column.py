"""One field of a `ProductFilter` in memory: the words and numbers of all rows, and who has them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import FieldCounts
from shopsearch.index.growing import Growing

NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
GATHERED = 16  # looking up one row costs as much as passing so many owners

Mask = NDArray[np.bool_]


def number(word: str) -> float:
    """A plain decimal number ("42", "42.5"), or NaN: "10 cm" and "1e3" are words."""
    return float(word) if NUMBER.fullmatch(word) else float("nan")


class Column:
    """One field of all rows: any number of words for each, or a number.

    Words are kept as codes into a vocabulary, in one flat list with the position of their owner.
    """

    def __init__(self) -> None:
        self._code_of: dict[str, int] = {}  # case-folded
        self._spellings: list[str] = []  # by code: as it came first
        self._word_numbers = Growing(np.empty(0, dtype=np.float64))  # by code; NaN where none
        self._codes = Growing(np.empty(0, dtype=np.int32))
        self._owners = Growing(np.empty(0, dtype=np.int64))
        self._numbers = Growing(np.empty(0, dtype=np.float64))
        self._number_owners = Growing(np.empty(0, dtype=np.int64))

    def extend(self, values: Sequence[tuple[int, tuple[str, ...] | float]]) -> None:
        """Add the values of rows, each with its position."""
        words = [
            (at, word)
            for at, value in values
            if isinstance(value, tuple)
            for word in _each_once(value)
        ]
        numbers = [(at, value) for at, value in values if not isinstance(value, tuple)]
        if words:
            self._codes.extend(np.array([self._code(word) for _, word in words], dtype=np.int32))
            self._owners.extend(np.array([at for at, _ in words], dtype=np.int64))
        if numbers:
            self._numbers.extend(np.array([value for _, value in numbers], dtype=np.float64))
            self._number_owners.extend(np.array([at for at, _ in numbers], dtype=np.int64))

    def any_of(self, wanted: Iterable[str], mask: Mask) -> None:
        """Set the mask where a row has one of the words, or the number that one of them spells."""
        folded = {word.casefold() for word in wanted}
        codes = [code for word in folded if (code := self._code_of.get(word)) is not None]
        if len(codes) == 1:
            _mark(mask, self._owners.rows, self._codes.rows == codes[0])
        elif codes:
            chosen = np.zeros(len(self._code_of), dtype=np.bool_)
            chosen[codes] = True
            _mark(mask, self._owners.rows, chosen.take(self._codes.rows))
        for value in {number(word) for word in folded}:
            _mark(mask, self._number_owners.rows, self._numbers.rows == value)

    def between(self, low: float | None, high: float | None, mask: Mask) -> None:
        """Set the mask where a row has a number within the bounds."""
        at_least = -np.inf if low is None else low
        at_most = np.inf if high is None else high
        numbers = self._numbers.rows
        within = (numbers >= at_least) & (numbers <= at_most)  # False for NaN
        _mark(mask, self._number_owners.rows, within)
        of_words = self._word_numbers.rows
        chosen = (of_words >= at_least) & (of_words <= at_most)
        if chosen.any():
            _mark(mask, self._owners.rows, chosen.take(self._codes.rows))

    def numbers_into(self, numbers: NDArray[np.float64]) -> None:
        """Set the number of each row that has one; of several words that are numbers, the first."""
        of_words = self._word_numbers.rows
        spelt = np.flatnonzero(~np.isnan(of_words).take(self._codes.rows))[::-1]
        # of an owner that repeats, the last assignment counts
        numbers[self._owners.rows.take(spelt)] = of_words.take(self._codes.rows.take(spelt))
        plain = np.flatnonzero(~np.isnan(self._numbers.rows))
        numbers[self._number_owners.rows.take(plain)] = self._numbers.rows.take(plain)

    def codes_into(self, codes: NDArray[np.int64]) -> None:
        """Set the code of the first word of each row that has one."""
        codes[self._owners.rows[::-1]] = self._codes.rows[::-1]  # the last assignment counts

    def exists(self, mask: Mask) -> None:
        """Set the mask where a row has a value."""
        mask[self._owners.rows] = True
        _mark(mask, self._number_owners.rows, ~np.isnan(self._numbers.rows))

    def counts(
        self,
        mask: Mask,
        limit: int,
        named: Iterable[str],
        groups: NDArray[np.int64] | None = None,
        containing: str = "",
    ) -> FieldCounts:
        """What the rows of the mask have: the `limit` most frequent words, and the named ones.

        Of equally frequent words those that came first are listed; of all, where `containing` is
        given, those that contain it. With `groups`, a number for each
        row, rows of one number count once for each word or number that they have.
        """
        of_words = _of_rows(self._owners.rows, mask)
        of_numbers = _of_rows(self._number_owners.rows, mask)
        codes, numbers = self._codes.rows[of_words], self._numbers.rows[of_numbers]
        is_number = ~np.isnan(numbers)
        numbers = numbers[is_number]
        owners = (self._owners.rows[of_words], self._number_owners.rows[of_numbers][is_number])
        n_rows = int(np.count_nonzero(mask))
        if groups is not None:
            codes = codes[_first_of_each(groups[owners[0]], codes)]
            numbers = numbers[_first_of_each(groups[owners[1]], numbers)]
            owners = (_different(groups[owners[0]]), _different(groups[owners[1]]))
            n_rows = len(_different(groups[mask]))
        counts = np.bincount(codes, minlength=len(self._code_of))  # (V,)
        found = np.where(self._contain(containing), counts, 0) if containing else counts
        listed = self._listed(counts, found, limit, named)
        return FieldCounts(
            words=tuple(word for word, _ in listed),
            counts=np.array([counts[code] for _, code in listed], dtype=np.int64),
            spellings=tuple(self._spellings[code] for _, code in listed),
            numbers=numbers,
            n_words=int(np.count_nonzero(found)),
            n_missing=n_rows - _n_different(owners),
        )

    def _contain(self, text: str) -> Mask:
        """(V,) which words contain a text."""
        return np.fromiter((text in word for word in self._code_of), np.bool_, len(self._code_of))

    def _listed(
        self,
        counts: NDArray[np.int64],
        found: NDArray[np.int64],
        limit: int,
        named: Iterable[str],
    ) -> list[tuple[str, int]]:
        """Words and codes: the most frequent found ones, and the named ones that any row has."""
        present = np.flatnonzero(found)
        rank = counts[present] * np.int64(len(counts)) - present  # no two are equal
        if limit < len(present):
            present = present[np.argpartition(-rank, limit)[:limit]]
        wanted = {self._code_of[word] for word in named if word in self._code_of}
        codes = sorted({*present.tolist(), *wanted})
        listed = [(self._spellings[code].casefold(), code) for code in codes]
        return sorted(listed, key=lambda one: (-int(counts[one[1]]), one[0]))

    def taken(self, new_position: NDArray[np.int64]) -> Column:
        """A copy with rows moved to new positions; those that moved to -1 are left out."""
        copy = Column()
        owners = new_position[self._owners.rows]
        codes, kept = self._codes.rows[owners >= 0], owners[owners >= 0]
        used, new_codes = np.unique(codes, return_inverse=True)
        for code in used.tolist():
            copy._code(self._spellings[code])
        copy._codes.extend(new_codes.astype(np.int32))
        copy._owners.extend(kept)
        owners = new_position[self._number_owners.rows]
        copy._numbers.extend(self._numbers.rows[owners >= 0])
        copy._number_owners.extend(owners[owners >= 0])
        return copy

    def part(self, rows: NDArray[np.int64]) -> Column:
        """Some rows alone, ascending ones, that are then 0 to M-1. Nothing can be added to it."""
        part = Column()
        part._code_of, part._spellings = self._code_of, self._spellings
        part._word_numbers = self._word_numbers
        places, counts = _places_of(self._owners.rows, rows)
        part._codes = Growing(self._codes.rows[places])
        part._owners = Growing(np.repeat(np.arange(len(rows)), counts))
        places, counts = _places_of(self._number_owners.rows, rows)
        part._numbers = Growing(self._numbers.rows[places])
        part._number_owners = Growing(np.repeat(np.arange(len(rows)), counts))
        return part

    def words_between(self, low: float, high: float) -> list[str]:
        """The words that are numbers within bounds, whoever has or had them."""
        of_words = self._word_numbers.rows
        chosen = np.flatnonzero((of_words >= low) & (of_words <= high))
        return [self._spellings[code] for code in chosen.tolist()]

    def is_empty(self) -> bool:
        """Whether no row has a value."""
        return not len(self._codes) and not len(self._numbers)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All but the vocabulary, by name."""
        return {
            "codes": self._codes.rows,
            "owners": self._owners.rows,
            "numbers": self._numbers.rows,
            "number_owners": self._number_owners.rows,
        }

    def vocabulary(self) -> list[str]:
        """The words as they are spelled, in the order of their codes."""
        return list(self._spellings)

    @classmethod
    def restored(cls, vocabulary: Sequence[str], arrays: dict[str, NDArray[Any]]) -> Column:
        """The column that `arrays` and `vocabulary` came from."""
        column = cls()
        for word in vocabulary:
            column._code(word)
        column._codes.extend(arrays["codes"])
        column._owners.extend(arrays["owners"])
        column._numbers.extend(arrays["numbers"])
        column._number_owners.extend(arrays["number_owners"])
        return column

    def _code(self, word: str) -> int:
        folded = word.casefold()
        code = self._code_of.setdefault(folded, len(self._code_of))
        if code == len(self._spellings):
            self._spellings.append(word)
            self._word_numbers.extend(np.array([number(folded)]))
        return code


def _each_once(words: Iterable[str]) -> Iterator[str]:
    """So that a row counts once per word, in whatever case it repeats it."""
    return iter({word.casefold(): word for word in words}.values())


def _of_rows(owners: NDArray[np.int64], mask: Mask) -> NDArray[np.int64]:
    """The places where an owner, of ascending ones, is a row of the mask."""
    rows = np.flatnonzero(mask)
    if len(rows) * GATHERED > len(owners):
        return np.flatnonzero(mask.take(owners))
    return _places_of(owners, rows)[0]


def _places_of(
    owners: NDArray[np.int64], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the owner, of ascending ones, is one of some ascending rows; how often each is."""
    begins = np.searchsorted(owners, rows, side="left")
    counts = np.searchsorted(owners, rows, side="right") - begins
    before = np.cumsum(counts) - counts
    places: NDArray[np.int64] = np.arange(int(counts.sum())) + np.repeat(begins - before, counts)
    return places, counts


def _first_of_each(groups: NDArray[np.int64], values: NDArray[Any]) -> NDArray[np.int64]:
    """The places where a value comes first in its group, ascending."""
    order = np.lexsort((values, groups))
    groups, values = groups[order], values[order]
    is_new = np.ones(len(order), dtype=np.bool_)
    is_new[1:] = (groups[1:] != groups[:-1]) | (values[1:] != values[:-1])
    return np.sort(order[is_new])


def _different(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each number once, ascending; of numbers that are about as small as they are many, as rows and
    groups are, marks are many times quicker than `np.unique`.
    """
    marks = np.zeros(int(numbers.max(initial=-1)) + 1, dtype=np.bool_)
    marks[numbers] = True
    return np.flatnonzero(marks)


def _n_different(ascending: Sequence[NDArray[np.int64]]) -> int:
    """How many different rows there are in several lists of ascending ones."""
    first, second = ascending
    if len(first) and len(second):
        return len(_different(np.concatenate([first, second])))
    rows = first if len(first) else second
    return int(np.count_nonzero(np.diff(rows))) + 1 if len(rows) else 0


def _mark(mask: Mask, owners: NDArray[np.int64], chosen: Mask) -> None:
    """Set the mask for the owners of what was chosen; indices are quicker here than a mask."""
    mask[owners.take(np.flatnonzero(chosen))] = True
