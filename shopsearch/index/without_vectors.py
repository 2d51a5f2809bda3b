"""What is left of an index when its vectors are out of reach."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import EVERYTHING, FilterRow, Neighbours, ProductFilter
from shopsearch.errors import IndexUnavailable
from shopsearch.index.base import Fields, VectorIndex
from shopsearch.index.vectors import no_neighbours


class WithoutVectors:
    """A `VectorIndex` that knows the products and their fields, and takes all of them to be equally
    far from everything: what words say is all that tells them apart.
    """

    def __init__(self, index: VectorIndex) -> None:
        self._index = index

    @property
    def kind(self) -> str:
        """See `VectorIndex.kind`."""
        return self._index.kind

    @property
    def dimension(self) -> int:
        """See `VectorIndex.dimension`."""
        return self._index.dimension

    @property
    def fields(self) -> Fields:
        """See `VectorIndex.fields`."""
        return self._index.fields

    def __len__(self) -> int:
        return len(self._index)

    def search(
        self, queries: NDArray[np.float32], k: int, where: ProductFilter = EVERYTHING
    ) -> Neighbours:
        """As many products as are asked for, in ascending order of their keys, with cosine 0."""
        found = no_neighbours(len(queries), min(k, len(self)))
        keys = self.fields.matching(where)[: found.keys.shape[1]]
        found.keys[:, : len(keys)], found.scores[:, : len(keys)] = keys, 0.0
        return found

    def fetch(self, keys: NDArray[np.int64]) -> NDArray[np.float32]:
        """Zeros for the products that are there, NaN for the others."""
        there = np.isin(keys, self.fields.matching(EVERYTHING))
        vectors = np.full((len(keys), self.dimension), np.nan, dtype=np.float32)
        vectors[there] = 0.0
        return vectors

    def upsert(
        self, keys: NDArray[np.int64], vectors: NDArray[np.float32], rows: Sequence[FilterRow]
    ) -> None:
        """Raises `IndexUnavailable`."""
        raise _closed(len(keys), len(vectors), len(rows))

    def delete(self, keys: NDArray[np.int64]) -> None:
        """Raises `IndexUnavailable`."""
        raise _closed(len(keys))

    def save(self, folder: Path) -> None:
        """Raises `IndexUnavailable`."""
        raise _closed(folder)


def _closed(*given: object) -> IndexUnavailable:
    return IndexUnavailable(f"an index without its vectors takes nothing: {given}")
