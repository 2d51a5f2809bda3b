"""The index on FAISS: exact up to 50,000 products, a navigable graph (HNSW) beyond.

FAISS spreads the queries of a batch over threads (OpenMP); how many, is a matter for whoever starts
the process. A single query must be answered in the thread that asked: waiting for others made it
ten times slower on a busy machine. A graph search does so, and an exact search that has a selector.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import faiss
import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import EVERYTHING, FilterRow, Neighbours, ProductFilter
from shopsearch.errors import IndexFault
from shopsearch.index.columns import Mask
from shopsearch.index.slots import Slots
from shopsearch.index.vectors import (
    best,
    checked_entries,
    checked_queries,
    cosines,
    no_neighbours,
)

Kind = Literal["auto", "flat", "hnsw"]

FLAT_UP_TO = 50_000  # vectors; comparing them all takes some milliseconds
COMPACT_ABOVE = 0.2  # dead positions in a graph, as a part of all; they slow every search down
VECTORS_FILE = "vectors.faiss"
ARGUMENTS_FILE = "index.json"

EF_AT_LEAST = 320  # candidates that a graph search keeps: words are far from all pictures
EF_MARGIN = 4  # candidates for each neighbour wanted: a graph is surest about its nearest ones
COMPARED_PER_CANDIDATE = 48  # vectors that can be compared in a row in the time of one candidate
SCATTERED = 4  # a vector among others that are passed over costs as much as so many in a row
PROBED = 32  # nearest vectors that tell beforehand whether a filter avoids a query
PROBE_MARGIN = 2  # matches expected among the candidates for each neighbour wanted, at least
GATHER_UP_TO = 1000  # matches that are copied together; of more, FAISS skips the others in place


class FaissIndex:
    """A `VectorIndex` on FAISS. `kind` "auto" chooses by size, and chooses again as it grows."""

    def __init__(
        self, dimension: int, kind: Kind = "auto", *, m: int = 32, ef_construction: int = 200
    ) -> None:
        if kind not in ("auto", "flat", "hnsw"):
            raise ValueError(f"the kind of a FAISS index is auto, flat or hnsw, not {kind!r}")
        self._wanted: Kind = kind
        self._m = m
        self._ef_construction = ef_construction
        self._slots = Slots()
        self._faiss = self._new(dimension, is_graph=kind == "hnsw")

    @property
    def kind(self) -> str:
        """What it is at the moment: "faiss-flat" or "faiss-hnsw"."""
        return "faiss-hnsw" if self._is_graph else "faiss-flat"

    @property
    def dimension(self) -> int:
        """See `VectorIndex.dimension`."""
        return int(self._faiss.d)

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
        self._faiss.add(vectors)
        self._slots.extend(keys, rows)
        if not self._is_graph and self._should_be_graph():
            self._take_over(self._remade())

    def delete(self, keys: NDArray[np.int64]) -> None:
        """See `VectorIndex.delete`."""
        self._slots.delete(keys)

    def search(
        self, queries: NDArray[np.float32], k: int, where: ProductFilter = EVERYTHING
    ) -> Neighbours:
        """See `VectorIndex.search`."""
        queries = checked_queries(queries, self.dimension)
        k = min(k, len(self))
        mask = self._slots.mask(where)
        n_matches = int(np.count_nonzero(mask))
        found = no_neighbours(len(queries), k)
        if not n_matches or not k or not len(queries):
            return found
        open_rows = np.arange(len(queries))
        candidates = self._candidates_for(k, n_matches)
        if self._is_graph and self._is_dearer_to_compare_all(candidates, n_matches):
            open_rows = self._search_graph(queries, candidates, mask, n_matches, found)
        if len(open_rows):
            self._search_all(queries, open_rows, mask, n_matches, found)
        return found

    def fetch(self, keys: NDArray[np.int64]) -> NDArray[np.float32]:
        """See `VectorIndex.fetch`."""
        positions = self._slots.positions(keys)
        vectors = np.full((len(positions), self.dimension), np.nan, dtype=np.float32)
        vectors[positions >= 0] = self._vectors[positions[positions >= 0]]
        return vectors

    def save(self, folder: Path) -> None:
        """See `VectorIndex.save`.

        What was written may be more compact than what is in memory: dead positions are left out,
        of a graph only when there are many, since it has to be built anew for that.
        """
        dead = self._slots.n_dead
        too_many = dead > COMPACT_ABOVE * self._slots.n_positions if self._is_graph else dead > 0
        written = self._remade() if too_many else self
        try:
            faiss.write_index(written._faiss, str(folder / VECTORS_FILE))
        except RuntimeError as error:  # as which FAISS reports a full disk
            raise OSError(f"FAISS could not write {folder / VECTORS_FILE} ({error})") from error
        written._slots.save(folder)
        arguments = {"kind": self._wanted, "m": self._m, "ef_construction": self._ef_construction}
        (folder / ARGUMENTS_FILE).write_text(json.dumps(arguments), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> FaissIndex:
        """Read what `save` wrote."""
        arguments = json.loads((folder / ARGUMENTS_FILE).read_text(encoding="utf-8"))
        vectors = faiss.read_index(str(folder / VECTORS_FILE))
        index = cls(vectors.d, **arguments)
        index._faiss = vectors
        index._slots = Slots.load(folder)
        if vectors.ntotal != index._slots.n_positions:
            raise IndexFault(
                f"{folder} holds {vectors.ntotal} vectors but {index._slots.n_positions} keys: "
                "run `shopsearch reindex`"
            )
        return index

    @property
    def _is_graph(self) -> bool:
        return isinstance(self._faiss, faiss.IndexHNSW)

    @property
    def _storage(self) -> Any:
        return faiss.downcast_index(self._faiss.storage) if self._is_graph else self._faiss

    @property
    def _vectors(self) -> NDArray[np.float32]:
        """(n_positions, D) all vectors as they lie in FAISS, without a copy."""
        n = self._faiss.ntotal
        if not n:
            return np.empty((0, self.dimension), dtype=np.float32)
        flat: NDArray[np.float32] = faiss.rev_swig_ptr(self._storage.get_xb(), n * self.dimension)
        return flat.reshape(n, self.dimension)

    def _new(self, dimension: int, *, is_graph: bool) -> Any:
        if not is_graph:
            return faiss.IndexFlatIP(dimension)
        graph = faiss.IndexHNSWFlat(dimension, self._m, faiss.METRIC_INNER_PRODUCT)
        graph.hnsw.efConstruction = self._ef_construction
        return graph

    def _should_be_graph(self) -> bool:
        return self._wanted == "hnsw" or (self._wanted == "auto" and len(self) > FLAT_UP_TO)

    def _remade(self) -> FaissIndex:
        """The same index without dead positions; a graph where it is one or should be one."""
        alive = self._slots.survivors()
        copy = FaissIndex(
            self.dimension, self._wanted, m=self._m, ef_construction=self._ef_construction
        )
        is_graph = self._is_graph or self._should_be_graph()
        copy._faiss = self._new(self.dimension, is_graph=is_graph)
        copy._faiss.add(self._vectors[alive])
        copy._slots = self._slots.taken(alive)
        return copy

    def _take_over(self, other: FaissIndex) -> None:
        self._faiss = other._faiss
        self._slots = other._slots

    def _is_dearer_to_compare_all(self, candidates: int, n_matches: int) -> bool:
        """Whether a scan of the matches takes longer than so many candidates of the graph."""
        in_a_row = min(SCATTERED * n_matches, self._slots.n_positions)
        return COMPARED_PER_CANDIDATE * candidates < in_a_row

    def _candidates_for(self, k: int, n_matches: int) -> int:
        """How many nearest neighbours to take from the graph, so that k of them should match."""
        selectivity = n_matches / self._slots.n_positions
        return max(EF_AT_LEAST, int(EF_MARGIN * k / selectivity))

    def _search_graph(
        self,
        queries: NDArray[np.float32],
        candidates: int,
        mask: Mask,
        n_matches: int,
        found: Neighbours,
    ) -> NDArray[np.int64]:
        """Fill in what the graph finds; the rows of the queries that it cannot answer surely.

        The candidates are the nearest of all positions, matching or not: where k of them match,
        these are the k nearest matches. A selector inside FAISS would also count matches that it
        met by chance farther away, and miss nearer ones where the filter avoids the query.
        """
        k = min(found.keys.shape[1], n_matches)
        asked = self._worth_asking(queries, candidates, k, mask, n_matches)
        answered = np.zeros(len(queries), dtype=np.bool_)
        scores, positions = self._nearest_in_graph(queries[asked], candidates)  # (A, candidates)
        passes = (positions >= 0) & mask[positions]
        for place, row in enumerate(asked.tolist()):
            hits = positions[place, passes[place]]
            if len(hits) >= k:
                near = cosines(scores[place, passes[place]])
                found.keys[row, :k], found.scores[row, :k] = best(near, self._slots.keys[hits], k)
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
        if n_matches == self._slots.n_positions or candidates <= PROBED:
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
        n_matches: int,
        found: Neighbours,
    ) -> None:
        """Compare every match with the queries in these rows."""
        k = min(found.keys.shape[1], n_matches)
        if n_matches <= GATHER_UP_TO:
            self._search_gathered(queries, rows, np.flatnonzero(mask), k, found)
            return
        bits = np.packbits(mask, bitorder="little")
        selector = faiss.IDSelectorBitmap(len(mask), faiss.swig_ptr(bits))
        parameters = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
        scores, positions = self._nearest_with_ties(queries[rows], k, n_matches, parameters)
        for place, row in enumerate(rows.tolist()):
            nearest, cosine = best(scores[place], self._slots.keys[positions[place]], k)
            found.keys[row, :k], found.scores[row, :k] = nearest, cosine

    def _search_gathered(
        self,
        queries: NDArray[np.float32],
        rows: NDArray[np.int64],
        positions: NDArray[np.int64],
        k: int,
        found: Neighbours,
    ) -> None:
        """Compare few matches: going through all positions would take longer than to copy these."""
        vectors = self._vectors[positions]  # (M, D)
        keys = self._slots.keys[positions]
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
