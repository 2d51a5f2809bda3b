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
from shopsearch.index.columns import Mask
from shopsearch.index.sharing import Shared, link, read_once
from shopsearch.index.vectors import best, cosines

EF_AT_LEAST = 320  # candidates that a graph search keeps: words are far from all pictures
EF_MARGIN = 4  # candidates for each neighbour wanted: a graph is surest about its nearest ones
COMPARED_PER_CANDIDATE = 48  # vectors that can be compared in a row in the time of one candidate
SCATTERED = 4  # a vector among others that are passed over costs as much as so many in a row
PROBED = 32  # nearest vectors that tell beforehand whether a filter avoids a query
PROBE_MARGIN = 2  # matches expected among the candidates for each neighbour wanted, at least
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
    def read(cls, path: Path) -> FaissVectors:
        """Read what `write` wrote."""
        shared = read_once(path, faiss.read_index)
        return cls(shared.structure, shared)

    def __len__(self) -> int:
        return int(self._faiss.ntotal)

    @property
    def dimension(self) -> int:
        """D, the length of every vector."""
        return int(self._faiss.d)

    @property
    def is_graph(self) -> bool:
        """Whether a search may go over a graph."""
        return isinstance(self._faiss, faiss.IndexHNSW)

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

    def add(self, vectors: NDArray[np.float32]) -> None:
        """Put (N, D) vectors at the end."""
        if self._shared is not None:
            self._faiss, self._shared = faiss.clone_index(self._faiss), None
        self._faiss.add(vectors)

    def write(self, path: Path) -> None:
        """Write everything; what is still as it was read becomes a second name of that file.

        Raises `OSError`.
        """
        if self.is_graph and self._shared is not None and link(self._shared, path):
            return
        with path.open("wb") as file:  # FAISS's own says nothing when its last block finds no room
            writer = faiss.PyCallbackIOWriter(file.write, WRITTEN_AT_ONCE)  # type: ignore[attr-defined]
            faiss.write_index(self._faiss, writer)

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
        candidates = self._candidates_for(found.keys.shape[1], n_matches)
        if self.is_graph and self._is_dearer_to_compare_all(candidates, n_matches):
            open_rows = self._search_graph(queries, candidates, mask, keys, found)
        if len(open_rows):
            self._search_all(queries, open_rows, mask, keys, found)

    @property
    def _storage(self) -> Any:
        return faiss.downcast_index(self._faiss.storage) if self.is_graph else self._faiss

    def _is_dearer_to_compare_all(self, candidates: int, n_matches: int) -> bool:
        """Whether a scan of the matches takes longer than so many candidates of the graph."""
        in_a_row: int = min(SCATTERED * n_matches, len(self))
        return COMPARED_PER_CANDIDATE * candidates < in_a_row

    def _candidates_for(self, k: int, n_matches: int) -> int:
        """How many nearest neighbours to take from the graph, so that k of them should match."""
        return max(EF_AT_LEAST, int(EF_MARGIN * k / (n_matches / len(self))))

    def _search_graph(
        self,
        queries: NDArray[np.float32],
        candidates: int,
        mask: Mask,
        keys: NDArray[np.int64],
        found: Neighbours,
    ) -> NDArray[np.int64]:
        """Fill in what the graph finds; the rows of the queries that it cannot answer surely.

        The candidates are the nearest of all positions, matching or not: where k of them match,
        these are the k nearest matches. A selector inside FAISS would also count matches that it
        met by chance farther away, and miss nearer ones where the filter avoids the query.
        """
        n_matches = int(np.count_nonzero(mask))
        k = min(found.keys.shape[1], n_matches)
        asked = self._worth_asking(queries, candidates, k, mask, n_matches)
        answered = np.zeros(len(queries), dtype=np.bool_)
        scores, positions = self._nearest_in_graph(queries[asked], candidates)  # (A, candidates)
        passes = (positions >= 0) & mask[positions]
        for place, row in enumerate(asked.tolist()):
            hits = positions[place, passes[place]]
            if len(hits) >= k:
                near = cosines(scores[place, passes[place]])
                found.keys[row, :k], found.scores[row, :k] = best(near, keys[hits], k)
                answered[row] = True
        return np.flatnonzero(~answered)

    def _worth_asking(
        self,
        queries: NDArray[np.float32],
        candidates: int,
        k: int,
        mask: Mask,
        n_matches: int,
    ) -> NDArray[np.int64]:
        """The rows of the queries around which enough products match.

        A filter may let half of the catalog through and hardly any of what is near a query: then
        the candidates would be found in vain. A few of the nearest tell so at a small price.
        """
        if n_matches == len(self) or candidates <= PROBED:
            return np.arange(len(queries))
        _, positions = self._nearest_in_graph(queries, PROBED)  # (Q, PROBED)
        n_passing = np.count_nonzero((positions >= 0) & mask[positions], axis=1)
        return np.flatnonzero(n_passing * candidates >= PROBE_MARGIN * k * PROBED)

    def _nearest_in_graph(
        self, queries: NDArray[np.float32], candidates: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Scores and positions of the nearest of all, matching or not, as the graph finds them."""
        width = faiss.SearchParametersHNSW(efSearch=candidates)  # type: ignore[attr-defined]
        scores, positions = self._faiss.search(queries, candidates, params=width)
        return scores, positions

    def _search_all(
        self,
        queries: NDArray[np.float32],
        rows: NDArray[np.int64],
        mask: Mask,
        keys: NDArray[np.int64],
        found: Neighbours,
    ) -> None:
        """Compare every match with the queries in these rows."""
        n_matches = int(np.count_nonzero(mask))
        k = min(found.keys.shape[1], n_matches)
        if n_matches <= GATHER_UP_TO:
            positions = np.flatnonzero(mask)
            self._search_gathered(queries, rows, positions, keys[positions], found)
            return
        bits = np.packbits(mask, bitorder="little")
        selector = faiss.IDSelectorBitmap(len(mask), faiss.swig_ptr(bits))
        parameters = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
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
