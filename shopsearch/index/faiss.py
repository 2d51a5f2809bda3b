"""The index on FAISS: exact up to 50,000 products, a navigable graph (HNSW) beyond; on request,
short codes in memory and the vectors themselves, of 16-bit numbers, in a mapped file.

To put a vector into a graph takes a thousand times as long as to append it to a list, and a graph
forgets nothing. So a graph is kept as it was read; what came later is in a tail beside it that is
compared as a whole, and what was replaced or deleted is dead. When the tail has grown, it becomes
part of the graph; when many are dead, the graph is built anew. With codes it is the same.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import EVERYTHING, FilterRow, Neighbours, ProductFilter
from shopsearch.errors import IndexFault
from shopsearch.index.coded_vectors import CodedVectors
from shopsearch.index.codes import Recipe
from shopsearch.index.column import Mask
from shopsearch.index.faiss_vectors import FaissVectors
from shopsearch.index.growing import Growing
from shopsearch.index.half_rows import HalfRows
from shopsearch.index.kinds import CODED_KINDS, FAISS_KINDS, FaissKind
from shopsearch.index.slots import Slots
from shopsearch.index.vectors import (
    best,
    checked_entries,
    checked_queries,
    cosines,
    no_neighbours,
)

FLAT_UP_TO = 50_000  # vectors; comparing them all takes some milliseconds
TAIL_UP_TO = 2048  # vectors beside a graph; to compare them takes less than to ask the graph
COMPACT_ABOVE = 0.2  # dead positions in a graph, as a part of all; they slow every search down
REMADE_AT_ONCE = 1 << 14  # vectors
TAIL_FILE = "tail.npy"
ARGUMENTS_FILE = "index.json"


class FaissIndex:
    """A `VectorIndex` on FAISS. `kind` "auto" is flat or a graph by size, chosen again as it grows.

    The kinds of `codes` keep vectors of 16-bit numbers: their scores, and what `fetch` gives, are
    of these.
    """

    def __init__(
        self, dimension: int, kind: FaissKind = "auto", *, m: int = 32, ef_construction: int = 200
    ) -> None:
        if kind not in FAISS_KINDS:
            raise ValueError(
                f"the kind of a FAISS index is one of {', '.join(FAISS_KINDS)}, not {kind!r}"
            )
        self._wanted: FaissKind = kind
        self._m = m
        self._ef_construction = ef_construction
        self._dimension = dimension
        self._slots = Slots()
        self._vectors = self._new(is_graph=kind == "hnsw")
        self._tail = _no_rows(dimension)  # the vectors after those

    @property
    def kind(self) -> str:
        """What it is at the moment: "faiss-flat", "faiss-hnsw" or the like."""
        return f"faiss-{self._vectors.kind}"

    @property
    def dimension(self) -> int:
        """See `VectorIndex.dimension`."""
        return self._dimension

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
        if not len(keys):
            return
        self._append(self._vectors.as_kept(vectors))
        self._slots.extend(keys, rows)
        if not self._vectors.grows_slowly and self._should_be_graph():
            remade = self._remade()
            self._vectors, self._slots = remade._vectors, remade._slots

    def delete(self, keys: NDArray[np.int64]) -> None:
        """See `VectorIndex.delete`."""
        self._slots.delete(keys)

    def search(
        self, queries: NDArray[np.float32], k: int, where: ProductFilter = EVERYTHING
    ) -> Neighbours:
        """See `VectorIndex.search`."""
        queries = checked_queries(queries, self.dimension)
        mask, n = self._slots.mask(where), len(self._vectors)
        found = no_neighbours(len(queries), min(k, len(self)))
        if found.keys.size:
            self._vectors.search(queries, mask[:n], self._slots.keys[:n], found)
            self._search_tail(queries, mask[n:], found)
        return found

    def fetch(self, keys: NDArray[np.int64]) -> NDArray[np.float32]:
        """See `VectorIndex.fetch`."""
        positions = self._slots.positions(keys)
        vectors = np.full((len(positions), self.dimension), np.nan, dtype=np.float32)
        vectors[positions >= 0] = self._at(positions[positions >= 0])
        return vectors

    def save(self, folder: Path) -> None:
        """See `VectorIndex.save`.

        What was written may be more compact than what is in memory: dead positions are left out,
        of a graph or of codes only when there are many, since all is built anew for that.
        """
        bearable = COMPACT_ABOVE * self._slots.n_positions if self._vectors.grows_slowly else 0
        too_many = self._slots.n_dead > bearable
        written = self._remade() if too_many else self
        if len(written._tail) and not written._vectors.is_as_read:  # it is written whole anyway
            written._put_in_the_tail()
        written._vectors.write(folder)
        if len(written._tail):
            np.save(folder / TAIL_FILE, written._tail.rows, allow_pickle=False)
        written._slots.save(folder)
        arguments = {"kind": self._wanted, "m": self._m, "ef_construction": self._ef_construction}
        (folder / ARGUMENTS_FILE).write_text(json.dumps(arguments), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> FaissIndex:
        """Read what `save` wrote."""
        arguments = json.loads((folder / ARGUMENTS_FILE).read_text(encoding="utf-8"))
        recipe = _recipe(**arguments)
        read = FaissVectors.read(folder) if recipe is None else CodedVectors.read(folder, recipe)
        index = cls(read.dimension, **arguments)
        index._vectors = read
        if (folder / TAIL_FILE).exists():
            index._tail = Growing(np.load(folder / TAIL_FILE, allow_pickle=False))
        index._slots = Slots.load(folder)
        n_vectors = len(read) + len(index._tail)
        if n_vectors != index._slots.n_positions:
            raise IndexFault(
                f"{folder} holds {n_vectors} vectors but {index._slots.n_positions} keys: "
                "run `shopsearch reindex`"
            )
        return index

    def _new(self, *, is_graph: bool) -> FaissVectors | CodedVectors:
        recipe = _recipe(self._wanted, self._m, self._ef_construction)
        if recipe is not None:
            return CodedVectors(recipe, HalfRows(self.dimension))
        if is_graph:
            return FaissVectors.graph(self.dimension, self._m, self._ef_construction)
        return FaissVectors.flat(self.dimension)

    def _should_be_graph(self) -> bool:
        return self._wanted == "hnsw" or (self._wanted == "auto" and len(self) > FLAT_UP_TO)

    def _remade(self) -> FaissIndex:
        """The same index without dead positions; a graph where it is one or should be one."""
        alive = self._slots.survivors()
        copy = FaissIndex(
            self.dimension, self._wanted, m=self._m, ef_construction=self._ef_construction
        )
        copy._vectors = self._new(is_graph=self._vectors.is_graph or self._should_be_graph())
        for start in range(0, len(alive), REMADE_AT_ONCE):
            copy._vectors.add(self._at(alive[start : start + REMADE_AT_ONCE]))
        copy._slots = self._slots.taken(alive)
        return copy

    def _append(self, vectors: NDArray[np.float32]) -> None:
        """Put vectors at the end: of the tail, where there is a graph or are codes."""
        if not self._vectors.grows_slowly:
            self._vectors.add(vectors)
            return
        self._tail.extend(vectors)
        if len(self._tail) > TAIL_UP_TO:
            self._put_in_the_tail()

    def _put_in_the_tail(self) -> None:
        """Make the tail part of the graph, or of what will have codes."""
        self._vectors.add(self._tail.rows)
        self._tail = _no_rows(self.dimension)

    def _at(self, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """(N, D) the vectors at some positions."""
        n = len(self._vectors)
        is_late = positions >= n
        if not is_late.any():
            return self._vectors.at(positions)
        vectors = np.empty((len(positions), self.dimension), dtype=np.float32)
        vectors[~is_late] = self._vectors.at(positions[~is_late])
        vectors[is_late] = self._tail.rows[positions[is_late] - n]
        return vectors

    def _search_tail(self, queries: NDArray[np.float32], mask: Mask, found: Neighbours) -> None:
        """Put in those of the tail that pass a mask over it and are nearer than what was found."""
        if not mask.any():
            return
        keys = self._slots.keys[len(self._vectors) :][mask]  # (M,)
        vectors = self._tail.rows[mask]  # (M, D)
        for query, known, score in zip(queries, found.keys, found.scores, strict=True):
            near = cosines(np.einsum("md,d->m", vectors, query))  # in this thread, unlike `@`
            n = int(np.count_nonzero(known >= 0))
            nearest, cosine = best(
                np.append(score[:n], near), np.append(known[:n], keys), len(known)
            )
            known[: len(nearest)], score[: len(nearest)] = nearest, cosine


def _recipe(kind: FaissKind, m: int, ef_construction: int) -> Recipe | None:
    """How codes are made; None for kinds that have none."""
    return Recipe(kind, m, ef_construction) if kind in CODED_KINDS else None


def _no_rows(dimension: int) -> Growing[np.float32]:
    return Growing(np.empty((0, dimension), dtype=np.float32))
