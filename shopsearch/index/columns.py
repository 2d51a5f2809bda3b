"""What a `ProductFilter` asks about, column by column, so that a condition costs no Python loop."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import (
    Among,
    AnyOf,
    Between,
    Condition,
    Exists,
    FieldCounts,
    FilterRow,
    Narrowing,
    ProductFilter,
    Withheld,
)
from shopsearch.index.column import Column, Mask

ARRAYS_FILE = "filters.npz"
WORDS_FILE = "filters.json"


class FilterColumns:
    """The filter rows of an index by position, 0 to n-1. Rows are added at the end only."""

    def __init__(self) -> None:
        self._columns: dict[str, Column] = {}
        self._length = 0
        self._codes: dict[str, NDArray[np.int64]] = {}  # by field: made when they are asked for
        self._groups: dict[str, NDArray[np.int64]] = {}
        self._numbers: dict[str, NDArray[np.float64]] = {}

    def __len__(self) -> int:
        return self._length

    def extend(self, rows: Sequence[FilterRow]) -> None:
        """Add rows; they get the next positions."""
        values: dict[str, list[tuple[int, tuple[str, ...] | float]]] = {}
        for position, row in enumerate(rows, start=self._length):
            for field, value in row.items():
                values.setdefault(field, []).append((position, value))
        for field, some in values.items():
            self._columns.setdefault(field, Column()).extend(some)
        self._length += len(rows)
        self._codes, self._groups, self._numbers = {}, {}, {}

    def mask(self, where: ProductFilter) -> Mask:
        """(n,) which rows fulfil all conditions."""
        mask = np.ones(self._length, dtype=np.bool_)
        for condition in where.conditions:
            mask &= self._fulfilled(condition)
        return mask

    def mask_of(self, rows: NDArray[np.int64], where: ProductFilter) -> Mask:
        """(M,) which of some ascending rows fulfil all conditions; no others are looked at."""
        part = FilterColumns()
        part._length = len(rows)
        part._columns = {
            field: self._columns[field].part(rows)
            for field in _fields_of(where)
            if field in self._columns
        }
        return part.mask(where)

    def counts(
        self,
        field: str,
        mask: Mask,
        *,
        limit: int,
        named: Iterable[str],
        once_per: str | None = None,
        containing: str = "",
    ) -> FieldCounts:
        """What the rows of the mask have in one field; see `Column.counts`. Rows that have the same
        word in the field `once_per` count once.
        """
        groups = None
        if once_per is not None and once_per in self._columns:
            groups = self._groups_by(once_per)
        return self._columns.get(field, Column()).counts(mask, limit, named, groups, containing)

    def numbers(self, field: str) -> NDArray[np.float64]:
        """(n,) the number of each row in one field; NaN where it has none. Not to be written to."""
        numbers = self._numbers.get(field)
        if numbers is None:
            numbers = np.full(self._length, np.nan)
            self._columns.get(field, Column()).numbers_into(numbers)
            numbers.setflags(write=False)
            if field in self._columns:
                self._numbers[field] = numbers
        return numbers

    def words_between(self, field: str, low: float, high: float) -> list[str]:
        """The words of one field that are numbers within bounds."""
        return self._columns.get(field, Column()).words_between(low, high)

    def fields(self) -> tuple[str, ...]:
        """The fields that rows have, in the order in which they came."""
        return tuple(self._columns)

    def codes(self, field: str) -> NDArray[np.int64]:
        """(n,) the code of the first word of each row in one field; -1 where it has none. Not to be
        written to.
        """
        codes = self._codes.get(field)
        if codes is None:
            codes = np.full(self._length, -1, dtype=np.int64)
            self._columns.get(field, Column()).codes_into(codes)
            codes.setflags(write=False)
            if field in self._columns:
                self._codes[field] = codes
        return codes

    def _groups_by(self, field: str) -> NDArray[np.int64]:
        """(n,) the same, but that each row without a word has a number of its own."""
        groups = self._groups.get(field)
        if groups is None:
            codes = self.codes(field)
            own = codes.max(initial=0) + 1 + np.arange(len(codes))
            groups = self._groups[field] = np.where(codes < 0, own, codes)
        return groups

    def taken(self, positions: NDArray[np.int64]) -> FilterColumns:
        """A copy that holds the rows at these positions alone, in this order."""
        new_position = np.full(self._length, -1, dtype=np.int64)
        new_position[positions] = np.arange(len(positions))
        copy = FilterColumns()
        moved = {field: column.taken(new_position) for field, column in self._columns.items()}
        copy._columns = {field: column for field, column in moved.items() if not column.is_empty()}
        copy._length = len(positions)
        return copy

    def save(self, folder: Path) -> None:
        """Write two files."""
        arrays = {
            f"{place}.{name}": array
            for place, column in enumerate(self._columns.values())
            for name, array in column.arrays().items()
        }
        np.savez(folder / ARRAYS_FILE, **arrays)  # type: ignore[arg-type]
        words = {
            "length": self._length,
            "fields": [
                {"name": field, "vocabulary": column.vocabulary()}
                for field, column in self._columns.items()
            ],
        }
        (folder / WORDS_FILE).write_text(json.dumps(words), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> FilterColumns:
        """Read what `save` wrote."""
        words = json.loads((folder / WORDS_FILE).read_text(encoding="utf-8"))
        columns = cls()
        columns._length = words["length"]
        with np.load(folder / ARRAYS_FILE, allow_pickle=False) as arrays:
            for place, field in enumerate(words["fields"]):
                own = {
                    name: arrays[f"{place}.{name}"]
                    for name in ("codes", "owners", "numbers", "number_owners")
                }
                columns._columns[field["name"]] = Column.restored(field["vocabulary"], own)
        return columns

    def _fulfilled(self, condition: Condition | Narrowing) -> Mask:
        mask = np.zeros(self._length, dtype=np.bool_)
        column = self._columns.get(condition.field, Column())
        match condition:
            case AnyOf():
                column.any_of(condition.values, mask)
                return ~mask if condition.negate else mask
            case Between():
                column.between(condition.low, condition.high, mask)
                return mask
            case Exists():
                column.exists(mask)
                return mask if condition.present else ~mask
            case Among():  # the keys are known to the slots alone
                return ~mask
            case Withheld():  # the keys are known to the slots alone
                for filtered in condition.filters:
                    mask |= self.mask(filtered)
                return ~mask


def _fields_of(where: ProductFilter) -> set[str]:
    """What a filter asks about."""
    fields = {one.field for one in where.conditions}
    nested = (one.filters for one in where.conditions if isinstance(one, Withheld))
    return fields.union(*(_fields_of(one) for filters in nested for one in filters))
