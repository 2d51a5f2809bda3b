"""A FAISS structure, flat or a graph (HNSW), and how a filtered search goes over it.

FAISS spreads the queries of a batch over threads (OpenMP); how many, is a matter for whoever starts
the process. A single query must be answered in the thread that asked: waiting for others made it
ten times slower on a busy machine. A graph search does so, and an exact search that has a selector.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import Neighbours
from shopsearch.index.column import Mask
from shopsearch.index.graph import Graph
from shopsearch.index.selecting import Selection
from shopsearch.index.sharing import Shared, link, read_once
from shopsearch.index.vectors import best, cosines

VECTORS_FILE = "vectors.faiss"
WRITTEN_AT_ONCE = 1 << 22  # bytes
GATHER_UP_TO = 1000  # matches that are copied together; of more, FAISS skips the others in place


class FaissVectors:
    """Vectors in the order in which they came; their places are all that it knows of them.

    What was read from a file is shared with whoever reads the same file, and copied before it is
    added to.
    """

    def __init__(self, structure: Any, shared: Shared | None = None) -> None:
        self._faiss = structure
        self._shared = shared  # where it is still as it was read

    @classmethod
    def flat(cls, dimension: int) -> FaissVectors:
        """No vectors yet; every search compares all."""
        return cls(faiss.IndexFlatIP(dimension))

    @classmethod
    def graph(cls, dimension: int, m: int, ef_construction: int) -> FaissVectors:
        """No vectors yet; a search goes from neighbour to neighbour."""
        structure = faiss.IndexHNSWFlat(dimension, m, faiss.METRIC_INNER_PRODUCT)
        structure.hnsw.efConstruction = ef_construction
        return cls(structure)

    @classmethod
    def read(cls, folder: Path) -> FaissVectors:
        """Read what `write` wrote."""
        shared = read_once(folder / VECTORS_FILE, faiss.read_index)
        return cls(shared.structure, shared)

    def __len__(self) -> int:
        return int(self._faiss.ntotal)

    @property
    def dimension(self) -> int:
        """D, the length of every vector."""
        return int(self._faiss.d)

    @property
    def kind(self) -> str:
        """What it is, as a setting names it."""
        return "hnsw" if self.is_graph else "flat"

    @property
    def is_graph(self) -> bool:
        """Whether a search may go over a graph."""
        return isinstance(self._faiss, faiss.IndexHNSW)

    @property
    def grows_slowly(self) -> bool:
        """Whether it takes long to put a vector in, so that few are better kept beside it."""
        return self.is_graph

    @property
    def is_as_read(self) -> bool:
        """Whether it was read from a file and nothing was added since."""
        return self._shared is not None

    @property
    def rows(self) -> NDArray[np.float32]:
        """(N, D) all vectors as they lie in FAISS, without a copy."""
        if not len(self):
            return np.empty((0, self.dimension), dtype=np.float32)
        n_numbers = len(self) * self.dimension
        flat: NDArray[np.float32] = faiss.rev_swig_ptr(self._storage.get_xb(), n_numbers)
        return flat.reshape(len(self), self.dimension)

    def at(self, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        """(M, D) the vectors at some positions."""
        return self.rows[positions]

    def as_kept(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Vectors as they will come out again: as they came."""
        return vectors

    def add(self, vectors: NDArray[np.float32]) -> None:
        """Put (N, D) vectors at the end."""
        if self._shared is not None:
            self._faiss, self._shared = faiss.clone_index(self._faiss), None
        self._faiss.add(vectors)

    def write(self, folder: Path) -> None:
        """Write everything; what is still as it was read becomes a second name of that file.

        Raises `OSError`.
        """
        path = folder / VECTORS_FILE
        if self.is_graph and self._shared is not None and link(self._shared, path):
            return
        write_structure(self._faiss, path)

    def search(
        self,
        queries: NDArray[np.float32],
        mask: Mask,
        keys: NDArray[np.int64],
        found: Neighbours,
    ) -> None:
        """Fill in the nearest of the vectors whose places pass the mask (N,), by their keys (N,).

        Rows of `found` keep their padding where fewer pass than they have columns.
        """
        n_matches = int(np.count_nonzero(mask))
        if not n_matches:
            return
        open_rows = np.arange(len(queries))
        if self.is_graph:
            open_rows = self._search_graph(queries, mask, n_matches, keys, found)
        if len(open_rows):
            self._search_all(queries, open_rows, mask, keys, found, n_matches=n_matches)

    @property
    def _storage(self) -> Any:
        return faiss.downcast_index(self._faiss.storage) if self.is_graph else self._faiss

    def _search_graph(
        self,
        queries: NDArray[np.float32],
        mask: Mask,
        n_matches: int,
        keys: NDArray[np.int64],
        found: Neighbours,
    ) -> NDArray[np.int64]:
        """Fill in what the graph finds; the rows of the queries that it cannot answer surely."""
        graph, k = Graph(self._faiss), min(found.keys.shape[1], n_matches)
        if not graph.is_worth_it(k, n_matches):
            return np.arange(len(queries))
        unsure = []
        for row, nearest in enumerate(graph.search(queries, k, mask, n_matches)):
            if nearest is None:
                unsure.append(row)
                continue
            near = cosines(nearest.scores)
            found.keys[row, :k], found.scores[row, :k] = best(near, keys[nearest.positions], k)
        return np.array(unsure, dtype=np.int64)

    def _search_all(
        self,
        queries: NDArray[np.float32],
        rows: NDArray[np.int64],
        mask: Mask,
        keys: NDArray[np.int64],
        found: Neighbours,
        *,
        n_matches: int,
    ) -> None:
        """Compare every match with the queries in these rows."""
        k = min(found.keys.shape[1], n_matches)
        if n_matches <= GATHER_UP_TO:
            positions = np.flatnonzero(mask)
            self._search_gathered(queries, rows, positions, keys[positions], found)
            return
        selection = Selection(mask)
        parameters = faiss.SearchParameters(sel=selection.selector)  # type: ignore[call-arg]
        scores, positions = self._nearest_with_ties(queries[rows], k, n_matches, parameters)
        for place, row in enumerate(rows.tolist()):
            nearest, cosine = best(scores[place], keys[positions[place]], k)
            found.keys[row, :k], found.scores[row, :k] = nearest, cosine

    def _search_gathered(
        self,
        queries: NDArray[np.float32],
        rows: NDArray[np.int64],
        positions: NDArray[np.int64],
        keys: NDArray[np.int64],
        found: Neighbours,
    ) -> None:
        """Compare few matches: going through all positions would take longer than to copy these."""
        vectors, k = self.rows[positions], min(found.keys.shape[1], len(positions))  # (M, D)
        for row in rows.tolist():
            scores = np.einsum("md,d->m", vectors, queries[row])  # in this thread, unlike `@`
            found.keys[row, :k], found.scores[row, :k] = best(cosines(scores), keys, k)

    def _nearest_with_ties(
        self, queries: NDArray[np.float32], k: int, n_matches: int, parameters: Any
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """At least the k nearest, and every other one that shares the k-th score.

        FAISS picks among equal scores as it likes; with all of them at hand the choice is by key,
        so that pages of different depth never disagree.
        """
        n = min(k + 1, n_matches)
        while True:
            scores, positions = self._storage.search(queries, n, params=parameters)  # (Q, n)
            scores = cosines(scores)
            if n == n_matches or np.all(scores[:, -1] < scores[:, k - 1]):
                return scores, positions
            n = min(2 * n, n_matches)


def write_structure(structure: Any, path: Path) -> None:
    """Write a structure of FAISS. Raises `OSError`."""
    with path.open("wb") as file:  # FAISS's own says nothing when its last block finds no room
        writer = faiss.PyCallbackIOWriter(file.write, WRITTEN_AT_ONCE)  # type: ignore[attr-defined]
        faiss.write_index(structure, writer)
