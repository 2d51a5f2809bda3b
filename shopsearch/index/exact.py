"""The plain truth: every vector is compared with every query."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import EVERYTHING, FilterRow, Neighbours, ProductFilter
from shopsearch.index.growing import Growing
from shopsearch.index.slots import Slots
from shopsearch.index.vectors import (
    best,
    checked_entries,
    checked_queries,
    cosines,
    no_neighbours,
)

VECTORS_FILE = "vectors.npy"
QUERIES_AT_ONCE = 64  # so that memory does not grow with the number of queries
GATHER_BELOW = 0.5  # of all rows; copying more of them costs more than comparing them all


class ExactIndex:
    """A `VectorIndex` in numpy alone."""

    kind = "exact"

    def __init__(self, dimension: int) -> None:
        self._slots = Slots()
        self._vectors = Growing(np.empty((0, dimension), dtype=np.float32))  # (n_positions, D)

    @property
    def dimension(self) -> int:
        """See `VectorIndex.dimension`."""
        return int(self._vectors.rows.shape[1])

    @property
    def fields(self) -> Slots:
        """See `VectorIndex.fields`."""
        return self._slots

    def __len__(self) -> int:
        return len(self._slots)

    def upsert(
        self, keys: NDArray[np.int64], vectors: NDArray[np.float32], rows: Sequence[FilterRow]
    ) -> None:
        """See `VectorIndex.upsert`. Raises `IndexFault` for a row that is not of length one."""
        keys, vectors, rows = checked_entries(keys, vectors, rows, self.dimension)
        self._vectors.extend(vectors)
        self._slots.extend(keys, rows)

    def delete(self, keys: NDArray[np.int64]) -> None:
        """See `VectorIndex.delete`."""
        self._slots.delete(keys)

    def search(
        self, queries: NDArray[np.float32], k: int, where: ProductFilter = EVERYTHING
    ) -> Neighbours:
        """See `VectorIndex.search`."""
        queries = checked_queries(queries, self.dimension)
        found = no_neighbours(len(queries), min(k, len(self)))
        positions = np.flatnonzero(self._slots.mask(where))
        keys = self._slots.keys[positions]
        for start in range(0, len(queries), QUERIES_AT_ONCE):
            scores = self._scores(queries[start : start + QUERIES_AT_ONCE], positions)  # (q, M)
            for row, of_query in enumerate(scores, start):
                nearest, cosine = best(of_query, keys, found.keys.shape[1])
                found.keys[row, : len(nearest)] = nearest
                found.scores[row, : len(nearest)] = cosine
        return found

    def fetch(self, keys: NDArray[np.int64]) -> NDArray[np.float32]:
        """See `VectorIndex.fetch`."""
        positions = self._slots.positions(keys)
        vectors = np.full((len(positions), self.dimension), np.nan, dtype=np.float32)
        vectors[positions >= 0] = self._vectors.rows[positions[positions >= 0]]
        return vectors

    def save(self, folder: Path) -> None:
        """See `VectorIndex.save`; what was deleted or replaced is left out."""
        alive = self._slots.survivors()
        np.save(folder / VECTORS_FILE, self._vectors.rows[alive], allow_pickle=False)
        self._slots.taken(alive).save(folder)

    @classmethod
    def load(cls, folder: Path) -> ExactIndex:
        """Read what `save` wrote."""
        vectors = np.load(folder / VECTORS_FILE, allow_pickle=False)
        index = cls(vectors.shape[1])
        index._vectors = Growing(vectors)
        index._slots = Slots.load(folder)
        return index

    def _scores(
        self, queries: NDArray[np.float32], positions: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        vectors = self._vectors.rows
        if len(positions) < GATHER_BELOW * len(vectors):
            return cosines(queries @ vectors[positions].T)
        scores = queries @ vectors.T  # (Q, n_positions)
        if len(positions) < len(vectors):
            scores = scores[:, positions]
        return cosines(scores)
