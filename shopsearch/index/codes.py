"""Short codes of vectors: they tell which vectors are worth comparing, not how near they are.

    kind        bytes of D numbers     how it is searched
    sq8         D                      every code that passes the filter
    hnsw-sq8    D + 8 m                from neighbour to neighbour
    ivf-sq8     D + 8                  the lists (cells of k-means) nearest to the query
    ivf-pq      D / 8 + 8              the same; eight numbers, after a rotation, share one byte

Scalar quantisation (SQ) cuts the range of each component into 256 steps; product quantisation
(Jegou, Douze, Schmid, 2011) replaces runs of components by the nearest of 256 learnt ones, after a
rotation that makes them alike. The rotation is drawn: one that is learnt (OPQ) gave no more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from shopsearch.index.column import Mask
from shopsearch.index.faiss_vectors import write_structure
from shopsearch.index.graph import Graph
from shopsearch.index.kinds import CodedKind
from shopsearch.index.lists import Lists
from shopsearch.index.selecting import Selection, threads_for

SEED = 1234
SQ_SAMPLE = 100_000  # vectors that show the range of each component
PQ_POINTS = 64  # vectors for each of 256 values that are learnt
PQ_ROUNDS = 10
LIST_POINTS = 48  # vectors for each cell in the sample that cells are learnt from
LIST_ROUNDS = 10
COMPONENTS_PER_BYTE = 8

# codes compared exactly, for each neighbour wanted and at least
CANDIDATES = {"sq8": (4, 64), "hnsw-sq8": (4, 64), "ivf-sq8": (4, 64), "ivf-pq": (20, 400)}


@dataclass(frozen=True, slots=True)
class Recipe:
    """How codes of a kind are made."""

    kind: CodedKind
    m: int  # links of a position in a graph
    ef_construction: int  # candidates for them

    def sample_size(self, n: int) -> int:
        """How many of n vectors it learns from."""
        if self.kind in ("sq8", "hnsw-sq8"):
            return min(n, SQ_SAMPLE)
        return min(n, max(PQ_POINTS << 8, LIST_POINTS * n_lists(n)))

    def learnt(self, sample: NDArray[np.float32], n: int) -> Codes:
        """Codes for some n vectors like the sample's; none yet."""
        structure = self._untrained(sample.shape[1], n)
        structure.train(sample)
        return Codes(self.kind, structure)

    def is_outgrown(self, codes: Codes, n: int) -> bool:
        """Whether n vectors want cells of their own: more than twice as many as there are."""
        return codes.lists is not None and n_lists(n) > 2 * codes.lists.n_lists

    def _untrained(self, dimension: int, n: int) -> Any:
        if self.kind == "sq8":
            return faiss.index_factory(dimension, "SQ8", faiss.METRIC_INNER_PRODUCT)
        if self.kind == "hnsw-sq8":
            structure: Any = faiss.index_factory(
                dimension, f"HNSW{self.m}_SQ8", faiss.METRIC_INNER_PRODUCT
            )
            structure.hnsw.efConstruction = self.ef_construction
            return structure
        if self.kind == "ivf-sq8":
            return _with_cells(dimension, f"IVF{n_lists(n)},SQ8")
        parts = n_parts(dimension)
        structure = _with_cells(dimension, f"RR,IVF{n_lists(n)},PQ{parts}x{n_bits(n)}")
        cells: Any = faiss.downcast_index(faiss.extract_index_ivf(structure))
        # FAISS would order the values so that codes are near as bits: that takes minutes, and
        # nothing here looks at it
        cells.do_polysemous_training = False
        values = cells.pq.cp
        values.niter, values.seed, values.min_points_per_centroid = PQ_ROUNDS, SEED, 1
        values.max_points_per_centroid = PQ_POINTS
        return structure


class Codes:
    """The codes of the vectors at the first positions of an index. They never change."""

    def __init__(self, kind: CodedKind, structure: Any) -> None:
        self.kind = kind
        self._faiss = structure
        self.lists = Lists(structure) if kind in ("ivf-sq8", "ivf-pq") else None

    @classmethod
    def read(cls, kind: CodedKind, path: str) -> Codes:
        """Read what `write` wrote."""
        return cls(kind, faiss.read_index(path))

    def write(self, path: Path) -> None:
        """Raises `OSError`."""
        write_structure(self._faiss, path)

    def __len__(self) -> int:
        return int(self._faiss.ntotal)

    def extended(self, blocks: Iterable[NDArray[np.float32]]) -> Codes:
        """These codes, and behind them those of further vectors, of which (N, D) come at a time."""
        structure = faiss.clone_index(self._faiss)
        for block in blocks:
            structure.add(block)
        return Codes(self.kind, structure)

    def candidates(
        self, queries: NDArray[np.float32], k: int, mask: Mask, n_matches: int
    ) -> list[NDArray[np.int64]]:
        """For each query positions that pass, among them the k nearest; `n_matches`, at least k,
        are all that pass.
        """
        if self.lists is not None:
            return self.lists.search(queries, k, self._n_candidates(k), mask, n_matches)
        if self.kind == "sq8" or not Graph(self._faiss).is_worth_it(k, n_matches):
            return self._scanned(queries, k, mask, n_matches)
        return self._by_graph(queries, k, mask, n_matches)

    def _n_candidates(self, k: int) -> int:
        each, least = CANDIDATES[self.kind]
        return max(each * k, least)

    def _by_graph(
        self, queries: NDArray[np.float32], k: int, mask: Mask, n_matches: int
    ) -> list[NDArray[np.int64]]:
        found = []
        for row, nearest in enumerate(Graph(self._faiss).search(queries, k, mask, n_matches)):
            if nearest is None:
                found += self._scanned(queries[row : row + 1], k, mask, n_matches)
            else:
                found.append(nearest.positions)
        return found

    def _scanned(
        self, queries: NDArray[np.float32], k: int, mask: Mask, n_matches: int
    ) -> list[NDArray[np.int64]]:
        """Those whose codes are nearest, and more where the k-th and the last are equal: whichever
        FAISS had left out of equal ones, pages of different depth would disagree.
        """
        is_graph = isinstance(self._faiss, faiss.IndexHNSW)
        codes: Any = faiss.downcast_index(self._faiss.storage) if is_graph else self._faiss
        selection = Selection(mask)
        parameters = faiss.SearchParameters(sel=selection.selector)  # type: ignore[call-arg]
        n = min(self._n_candidates(k), n_matches)
        with threads_for(len(queries)):
            while True:
                scores, positions = codes.search(queries, n, params=parameters)  # (Q, n)
                if n == n_matches or np.all(scores[:, -1] < scores[:, k - 1]):
                    return list(positions)
                n = min(2 * n, n_matches)


def n_lists(n: int) -> int:
    """How many cells n vectors are divided into; each holds a quarter of their square root."""
    return max(int(4 * n**0.5), 1)


def n_parts(dimension: int) -> int:
    """How many bytes a vector becomes: about one for eight components, and they divide evenly."""
    most = max(dimension // COMPONENTS_PER_BYTE, 1)
    return max(parts for parts in range(1, most + 1) if dimension % parts == 0)


def n_bits(n: int) -> int:
    """How many bits a part becomes, so that each value is learnt from some 39 vectors or more."""
    return int(np.clip(np.log2(max(n, 1) / 39), 1, 8))


def _with_cells(dimension: int, recipe: str) -> Any:
    structure = faiss.index_factory(dimension, recipe, faiss.METRIC_INNER_PRODUCT)
    cells = faiss.extract_index_ivf(structure).cp
    cells.niter, cells.seed, cells.min_points_per_centroid = LIST_ROUNDS, SEED, 1
    cells.max_points_per_centroid = LIST_POINTS
    return structure
