"""Which key lies at which position of an index, and what a filter can ask about it.

Positions are given once, in the order of arrival. A replaced or deleted key leaves its position
behind as dead; `survivors` tells which to keep when the index is made anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
FEW = 64  # one of so many positions, or fewer, are looked at for themselves
SINGLE = 256  # keys, up to which each is looked up for itself

Scalar = TypeVar("Scalar", np.int64, np.float64)


@dataclass(frozen=True, slots=True)
class _Ordered:
    """The living keys in ascending order, and where they are."""

    keys: NDArray[np.int64]  # (M,)
    at: NDArray[np.int64] | None  # (M,) None: each at its own place in the order

    @classmethod
    def of(cls, keys: NDArray[np.int64], alive: NDArray[np.int64]) -> _Ordered:
        """Of all keys, those at the living positions."""
        if len(alive) == len(keys) and np.all(keys[1:] > keys[:-1]):
            return cls(keys, None)
        of_alive = keys[alive]
        order = np.argsort(of_alive, kind="stable")  # quick: they come nearly sorted
        return cls(of_alive[order], alive[order])

    def positions(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """(N,) of some keys; -1 where one is not there."""
        if not len(self.keys):
            return np.full(len(keys), -1, dtype=np.int64)
        places = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        at = places if self.at is None else self.at[places]
        return np.where(self.keys[places] == keys, at, -1)


class Slots:
    """The bookkeeping that all indexes share; vectors are theirs."""

    def __init__(self) -> None:
        self._keys = Growing(np.empty(0, dtype=np.int64))
        self._alive = Growing(np.empty(0, dtype=np.bool_))
        self._columns = FilterColumns()
        self._position_of: dict[int, int] = {}
        self._ordered: _Ordered | None = None  # made when it is asked for
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
        start = self.n_positions
        self._keys.extend(keys)
        self._alive.extend(np.ones(len(keys), dtype=np.bool_))
        self._columns.extend(rows)
        self._position_of.update(zip(keys.tolist(), range(start, start + len(keys)), strict=True))

    def delete(self, keys: NDArray[np.int64]) -> None:
        """Make the positions of these keys dead."""
        self._remembered, self._ordered = (None, self._remembered[1]), None
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
        few = self._few(where)
        mask = self._columns.mask(where) if few is None else self._mask_of_few(where, few)
        mask &= self._alive.rows
        for condition in where.conditions:
            if isinstance(condition, Withheld):
                known = (self._position_of.get(key) for key in condition.keys)
                mask[[position for position in known if position is not None]] = False
            elif isinstance(condition, Among) and condition is not few:
                mask &= self._is_among(condition.keys)
        return mask

    def _few(self, where: ProductFilter) -> Among | None:
        """What leaves so few keys that nothing else need be looked at."""
        several = (one for one in where.conditions if isinstance(one, Among))
        return next((one for one in several if len(one.keys) * FEW < self.n_positions), None)

    def _mask_of_few(self, where: ProductFilter, among: Among) -> Mask:
        """(n_positions,) where one of few keys passes what the columns tell of the filter."""
        rows = self.positions(among.keys)
        rows = np.sort(rows[rows >= 0])
        mask = np.zeros(self.n_positions, dtype=np.bool_)
        mask[rows[self._columns.mask_of(rows, where)]] = True
        return mask

    def _is_among(self, among: NDArray[np.int64]) -> Mask:
        """(n_positions,) where one of some ascending keys is or was."""
        keys = self.keys
        highest = int(among[-1]) if len(among) else 0
        if not 0 <= highest <= DENSE * max(len(keys), 1):
            return np.isin(keys, among)
        marks = np.zeros(highest + 2, dtype=np.bool_)  # the last stands for all that are higher
        marks[among[among >= 0]] = True
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
        return _taken(self._columns.numbers(field), self.positions(keys), np.nan)

    def words_between(self, field: str, low: float, high: float) -> list[str]:
        """The words of one field that are numbers within bounds, as they are spelled."""
        return self._columns.words_between(field, low, high)

    def names(self) -> tuple[str, ...]:
        """See `Fields.names`."""
        return self._columns.fields()

    def groups(self, field: str, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """See `Fields.groups`."""
        return _taken(self._columns.codes(field), self.positions(keys), -1)

    def positions(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """(N,) the positions of keys; -1 where a key is not there."""
        keys = np.asarray(keys, dtype=np.int64)
        if len(keys) <= SINGLE:
            found = [self._position_of.get(key, -1) for key in keys.tolist()]
            return np.array(found, dtype=np.int64)
        ordered = self._ordered
        if ordered is None:
            ordered = self._ordered = _Ordered.of(self.keys, self.survivors())
        return ordered.positions(keys)

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
