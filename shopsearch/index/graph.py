"""A graph of FAISS (HNSW): when it is worth asking under a filter, and what it then finds.

The candidates are the nearest of all positions, matching or not: where k of them match, these are
the k nearest matches. A selector inside FAISS would also count matches that it met by chance
farther away, and miss nearer ones where the filter avoids the query.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from shopsearch.index.column import Mask

EF_AT_LEAST = 320  # candidates that a graph search keeps: words are far from all pictures
EF_GROWS_FROM = 100_000  # vectors: of more it keeps more, as the root of their number grows
EF_MARGIN = 4  # candidates for each neighbour wanted: a graph is surest about its nearest ones
COMPARED_PER_CANDIDATE = 48  # vectors that can be compared in a row in the time of one candidate
SCATTERED = 4  # a vector among others that are passed over costs as much as so many in a row
PROBED = 32  # nearest vectors that tell beforehand whether a filter avoids a query
PROBE_MARGIN = 2  # matches expected among the candidates for each neighbour wanted, at least


@dataclass(frozen=True, slots=True)
class Nearest:
    """What a graph has found near one query, of what passes the filter; best first."""

    positions: NDArray[np.int64]
    scores: NDArray[np.float32]


class Graph:
    """An HNSW structure of FAISS, whatever its vectors are stored as."""

    def __init__(self, structure: Any) -> None:
        self._faiss = structure

    def __len__(self) -> int:
        return int(self._faiss.ntotal)

    def is_worth_it(self, k: int, n_matches: int) -> bool:
        """Whether a scan of the matches takes longer than the candidates of the graph."""
        in_a_row = min(SCATTERED * n_matches, len(self))
        return COMPARED_PER_CANDIDATE * self.candidates(k, n_matches) < in_a_row

    def candidates(self, k: int, n_matches: int) -> int:
        """How many nearest neighbours to take, so that k of them should match."""
        at_least = int(EF_AT_LEAST * max(1.0, len(self) / EF_GROWS_FROM) ** 0.5)
        return max(at_least, int(EF_MARGIN * k / (n_matches / len(self))))

    def search(
        self, queries: NDArray[np.float32], k: int, mask: Mask, n_matches: int
    ) -> list[Nearest | None]:
        """For each query what passes of its nearest, k or more; None where that is not sure.

        `n_matches` is how many pass the mask.
        """
        candidates = self.candidates(k, n_matches)
        asked = self._worth_asking(queries, candidates, k, mask, n_matches)
        found: list[Nearest | None] = [None] * len(queries)
        scores, positions = self.nearest(queries[asked], candidates)  # (A, candidates)
        passes = (positions >= 0) & mask[positions]
        for place, row in enumerate(asked.tolist()):
            if np.count_nonzero(passes[place]) >= k:
                found[row] = Nearest(positions[place, passes[place]], scores[place, passes[place]])
        return found

    def nearest(
        self, queries: NDArray[np.float32], candidates: int
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Scores and positions of the nearest of all, matching or not, as the graph finds them."""
        width = faiss.SearchParametersHNSW(efSearch=candidates)  # type: ignore[attr-defined]
        scores, positions = self._faiss.search(queries, candidates, params=width)
        return scores, positions

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
        _, positions = self.nearest(queries, PROBED)  # (Q, PROBED)
        n_passing = np.count_nonzero((positions >= 0) & mask[positions], axis=1)
        return np.flatnonzero(n_passing * candidates >= PROBE_MARGIN * k * PROBED)
