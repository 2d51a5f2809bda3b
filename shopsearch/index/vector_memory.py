"""Vectors that were fetched lately, so that they are not sent again."""

from __future__ import annotations

import threading
from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray


class VectorMemory:
    """Rows by number, as many as fit into so many bytes; those asked for longest ago go first.

    A number stands for the same vector for ever, so nothing here gets old.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._kept: OrderedDict[tuple[str, int], NDArray[np.float32]] = OrderedDict()
        self._lock = threading.Lock()

    def known(
        self, space: str, rows: NDArray[np.int64], vectors: NDArray[np.float32]
    ) -> NDArray[np.bool_]:
        """Fill in the vectors that are known; gives which are."""
        found = np.zeros(len(rows), dtype=np.bool_)
        with self._lock:
            for place, row in enumerate(rows.tolist()):
                vector = self._kept.get((space, row))
                if vector is not None:
                    self._kept.move_to_end((space, row))
                    vectors[place], found[place] = vector, True
        return found

    def keep(self, space: str, rows: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
        """Take note of vectors; those of NaN are none."""
        with self._lock:
            for row, vector in zip(rows.tolist(), vectors, strict=True):
                if not np.isnan(vector[0]) and (space, row) not in self._kept:
                    self._kept[space, row] = vector.copy()
                    self._bytes += vector.nbytes
            while self._bytes > self._max_bytes:
                _, gone = self._kept.popitem(last=False)
                self._bytes -= gone.nbytes
