"""Rows that were made lately, so that what many ask for is encoded once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from shopsearch.encoders.shared_rows import SharedRows

Row = NDArray[np.float32]  # (D,)


class RowMemory:
    """The rows of the contents asked for last, in memory, by key; threads share it.

    Equal keys that are asked for at the same time are made once: the others wait for the row, or
    for the error, of the first. An error is not remembered. With a `size` of 0 each is made anew.
    A row takes 4 D bytes and some 300 more. What is not in memory is looked for among the `shared`.
    """

    def __init__(self, size: int, shared: SharedRows | None = None) -> None:
        self._size = size
        self._shared = shared
        self._lock = threading.Lock()
        self._rows: OrderedDict[str, Row] = OrderedDict()
        self._making: dict[str, _Making] = {}
        self._hits = 0
        self._misses = 0

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def hits(self) -> int:
        """How many rows were there, or were being made by another thread."""
        return self._hits

    @property
    def misses(self) -> int:
        """How many rows had to be made."""
        return self._misses

    def row(self, key: str, make: Callable[[], Row]) -> Row:
        """The row of a key; it is shared, and cannot be written into. Raises what `make` raises."""
        if not self._size:
            return self._shared_or(key, make)
        with self._lock:
            if (known := self._rows.get(key)) is not None:
                self._rows.move_to_end(key)
                self._hits += 1
                return known
            making = self._making.get(key)
            if making is None:
                self._misses += 1
                own = self._making[key] = _Making()
            else:
                self._hits += 1
        return self._made(key, own, make) if making is None else making.result()

    def _made(self, key: str, making: _Making, make: Callable[[], Row]) -> Row:
        try:
            made = self._shared_or(key, make)
            row = making.row = made.copy()  # it may be a part of a batch, and keep all of it
            row.flags.writeable = False
        except BaseException as error:
            making.error = error
            raise
        finally:
            with self._lock:
                del self._making[key]
                if making.row is not None:
                    self._keep(key, making.row)
            making.is_over.set()
        return row

    def _shared_or(self, key: str, make: Callable[[], Row]) -> Row:
        if self._shared is None:
            return make()
        row = self._shared.get(key)
        if row is None:
            row = make()
            self._shared.put(key, row)
        return row

    def _keep(self, key: str, row: Row) -> None:
        self._rows[key] = row
        if len(self._rows) > self._size:
            self._rows.popitem(last=False)


class _Making:
    """A row that a thread is making."""

    def __init__(self) -> None:
        self.is_over = threading.Event()
        self.row: Row | None = None
        self.error: BaseException | None = None

    def result(self) -> Row:
        self.is_over.wait()
        if self.row is None:
            assert self.error is not None  # noqa: S101 - it is over, one of the two is there
            raise self.error
        return self.row
