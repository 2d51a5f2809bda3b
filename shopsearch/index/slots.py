"""Which key lies at which position of an index, and what a filter can ask about it.

Positions are given once, in the order of arrival. A replaced or deleted key leaves its position
behind as dead; `survivors` tells which to keep when the index is made anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import EVERYTHING, Among, FieldCounts, FilterRow, ProductFilter, Withheld
from shopsearch.index.column import Mask
from shopsearch.index.columns import FilterColumns
from shopsearch.index.growing import Growing

KEYS_FILE = "keys.npy"
ALIVE_FILE = "alive.npy"
DENSE = 20  # keys up to so many times as many as there are positions are looked up in one array
FEW = 32  # one of so many positions, or fewer, are looked up one by one

Scalar = TypeVar("Scalar", np.int64, np.float64)


class Slots:
    """The bookkeeping that all indexes share; vectors are theirs."""

    def __init__(self) -> None:
        self._keys = Growing(np.empty(0, dtype=np.int64))
        self._alive = Growing(np.empty(0, dtype=np.bool_))
        self._columns = FilterColumns()
        self._position_of: dict[int, int] = {}
        self._remembered: tuple[ProductFilter | None, Mask] = (None, np.empty(0, dtype=np.bool_))

    def __len__(self) -> int:
        return len(self._position_of)

    @property
    def n_positions(self) -> int:
        """How many positions there are, dead ones included."""
        return len(self._keys)

    @property
    def n_dead(self) -> int:
        """How many positions are dead."""
        return self.n_positions - len(self)

    @property
    def keys(self) -> NDArray[np.int64]:
        """(n_positions,) the key at each position."""
        return self._keys.rows

    def extend(self, keys: NDArray[np.int64], rows: Sequence[FilterRow]) -> None:
        """Give the next positions to keys that differ; where they were before is dead."""
        self.delete(keys)
        self._remembered = (None, self._remembered[1])
        start = self.n_positions
        self._keys.extend(keys)
        self._alive.extend(np.ones(len(keys), dtype=np.bool_))
        self._columns.extend(rows)
        self._position_of.update(zip(keys.tolist(), range(start, start + len(keys)), strict=True))

    def delete(self, keys: NDArray[np.int64]) -> None:
        """Make the positions of these keys dead."""
        self._remembered = (None, self._remembered[1])
        gone = [self._position_of.pop(key, None) for key in np.asarray(keys).tolist()]
        self._alive.rows[[position for position in gone if position is not None]] = False

    def mask(self, where: ProductFilter) -> Mask:
        """(n_positions,) where a living key passes the filter."""
        if not where:
            return self._alive.rows
        known, mask = self._remembered
        if known is where:
            return mask
        mask = self._mask(where)
        self._remembered = (where, mask)  # at once: other threads read the old pair or the new one
        return mask

    def _mask(self, where: ProductFilter) -> Mask:
        mask = self._columns.mask(where) & self._alive.rows
        for condition in where.conditions:
            if isinstance(condition, Withheld):
                known = (self._position_of.get(key) for key in condition.keys)
                mask[[position for position in known if position is not None]] = False
            elif isinstance(condition, Among):
                mask &= self._is_among(condition.keys)
        return mask

    def _is_among(self, among: NDArray[np.int64]) -> Mask:
        """(n_positions,) where one of some ascending keys is; it may be where one was, too."""
        keys = self.keys
        if len(among) * FEW < len(keys):
            is_there = np.zeros(len(keys), dtype=np.bool_)
            positions = self.positions(among)
            is_there[positions[positions >= 0]] = True
            return is_there
        highest = int(among[-1]) if len(among) else 0
        if not 0 <= highest <= DENSE * max(len(keys), 1):
            return np.isin(keys, among)
        marks = np.zeros(highest + 2, dtype=np.bool_)  # the last stands for all that are higher
        marks[among] = True
        is_among: Mask = marks[np.minimum(keys, highest + 1)]
        return is_among

    def matching(self, where: ProductFilter) -> NDArray[np.int64]:
        """The living keys that pass the filter, ascending."""
        matching: NDArray[np.int64] = self.keys[self.mask(where)]
        matching.sort(kind="stable")  # quick: they come nearly sorted
        return matching

    def counts(
        self,
        field: str,
        where: ProductFilter = EVERYTHING,
        *,
        limit: int,
        named: Sequence[str] = (),
        except_key: int | None = None,
        once_per: str | None = None,
        containing: str = "",
    ) -> FieldCounts:
        """See `Fields.counts`."""
        mask = self.mask(where)
        if except_key is not None and except_key in self._position_of:
            mask = mask.copy()
            mask[self._position_of[except_key]] = False
        return self._columns.counts(
            field, mask, limit=limit, named=named, once_per=once_per, containing=containing
        )

    def numbers(self, field: str, keys: NDArray[np.int64]) -> NDArray[np.float64]:
        """See `Fields.numbers`."""
        return _taken(self._columns.numbers(field), self._places(keys), np.nan)

    def words_between(self, field: str, low: float, high: float) -> list[str]:
        """The words of one field that are numbers within bounds, as they are spelled."""
        return self._columns.words_between(field, low, high)

    def names(self) -> tuple[str, ...]:
        """See `Fields.names`."""
        return self._columns.fields()

    def groups(self, field: str, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """See `Fields.groups`."""
        return _taken(self._columns.codes(field), self._places(keys), -1)

    def _places(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """(N,) the positions of keys, of many at once; -1 where a key is not there."""
        if len(keys) * FEW < self.n_positions:
            return self.positions(keys)
        alive = self.survivors()
        alive = alive[np.argsort(self.keys[alive], kind="stable")]  # quick: they come nearly sorted
        known = self.keys[alive]  # (M,) ascending
        places = np.searchsorted(known, keys)  # (N,)
        return np.where(np.append(known, -1)[places] == keys, np.append(alive, -1)[places], -1)

    def positions(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """(N,) the positions of keys; -1 where a key is not there."""
        found = [self._position_of.get(key, -1) for key in np.asarray(keys).tolist()]
        return np.array(found, dtype=np.int64)

    def survivors(self) -> NDArray[np.int64]:
        """The positions of the living."""
        return np.flatnonzero(self._alive.rows)

    def taken(self, positions: NDArray[np.int64]) -> Slots:
        """A copy that holds these living positions alone, in this order."""
        copy = Slots()
        copy._keys.extend(self.keys[positions])
        copy._alive.extend(np.ones(len(positions), dtype=np.bool_))
        copy._columns = self._columns.taken(positions)
        copy._position_of = dict(zip(copy.keys.tolist(), range(len(positions)), strict=True))
        return copy

    def save(self, folder: Path) -> None:
        """Write keys and filter columns."""
        np.save(folder / KEYS_FILE, self.keys, allow_pickle=False)
        np.save(folder / ALIVE_FILE, self._alive.rows, allow_pickle=False)
        self._columns.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Slots:
        """Read what `save` wrote."""
        slots = cls()
        slots._keys.extend(np.load(folder / KEYS_FILE, allow_pickle=False))
        slots._alive.extend(np.load(folder / ALIVE_FILE, allow_pickle=False))
        slots._columns = FilterColumns.load(folder)
        alive = slots.survivors()
        slots._position_of = dict(zip(slots.keys[alive].tolist(), alive.tolist(), strict=True))
        return slots


def _taken(values: NDArray[Scalar], places: NDArray[np.int64], otherwise: float) -> NDArray[Scalar]:
    """(N,) the values at some places; at -1 there is none."""
    taken = np.full(len(places), otherwise, dtype=values.dtype)
    is_there = places >= 0
    taken[is_there] = values[places[is_there]]
    return taken
