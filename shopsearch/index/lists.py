"""Vectors divided into lists, the cells of k-means: a search looks into those nearest to it."""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from shopsearch.index.column import Mask
from shopsearch.index.selecting import Selection

LOOKED_INTO = 3.6  # lists that a search looks into, times the root of how many there are
LOOKED_AT_EACH = 12  # vectors for each candidate wanted, at least


class Lists:
    """An IVF structure of FAISS, and how many lists to look into under a filter.

    A filter leaves fewer in each list, or next to none in those around the query. So lists are
    taken in order of nearness until as many *matches* were seen as there are vectors in some lists
    of middle length. Looking into a list of which little matches is cheap.
    """

    def __init__(self, structure: Any) -> None:
        self._ivf: Any = faiss.downcast_index(faiss.extract_index_ivf(structure))
        is_rotated = isinstance(structure, faiss.IndexPreTransform)
        self._rotation = (
            faiss.downcast_VectorTransform(structure.chain.at(0)) if is_rotated else None
        )
        self._structure = structure  # owns both
        self._centres = self._centroids()
        self._list_of = self._lists_of_positions()

    @property
    def n_lists(self) -> int:
        """How many there are."""
        return int(self._ivf.nlist)

    def search(
        self, queries: NDArray[np.float32], k: int, n: int, mask: Mask, n_matches: int
    ) -> list[NDArray[np.int64]]:
        """For each query n positions of all `n_matches` that pass, nearest by their codes, and more
        where the k-th and the last are equal.
        """
        n = min(n, n_matches)
        if self._rotation is not None:
            queries = self._rotation.apply(queries)
        nearness = np.einsum("qd,ld->ql", queries, self._centres)  # (Q, L) in this thread
        order = np.argsort(-nearness, axis=1)  # (Q, L)
        n_probed = self._n_probed(order, n, mask, n_matches)
        order = np.ascontiguousarray(order[:, :n_probed])
        nearness = np.take_along_axis(nearness, order, axis=1)
        selection = None if n_matches == len(mask) else Selection(mask)
        parameters = faiss.SearchParametersIVF(  # type: ignore[call-arg]
            nprobe=n_probed, sel=None if selection is None else selection.selector
        )
        while True:
            scores, positions = self._searched(queries, n, order, nearness, parameters)
            if n == n_matches or np.all(scores[:, -1] < scores[:, k - 1]):
                return [row[row >= 0] for row in positions]
            n = min(2 * n, n_matches)

    def _searched(
        self,
        queries: NDArray[np.float32],
        n: int,
        order: NDArray[np.int64],
        nearness: NDArray[np.float32],
        parameters: Any,
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Scores and positions of the n nearest in the lists of (Q, P) `order`.

        FAISS's own call for numpy takes no parameters where the lists are given.
        """
        queries = np.ascontiguousarray(queries)
        scores = np.empty((len(queries), n), dtype=np.float32)
        positions = np.empty((len(queries), n), dtype=np.int64)
        given = [faiss.swig_ptr(one) for one in (order, nearness, scores, positions)]
        self._ivf.search_preassigned_c(
            len(queries), faiss.swig_ptr(queries), n, *given, False, parameters
        )
        return scores, positions

    def _n_probed(self, order: NDArray[np.int64], n: int, mask: Mask, n_matches: int) -> int:
        """So many lists that each query meets enough matches in them."""
        of_lists = LOOKED_INTO * self.n_lists**0.5 * len(mask) / self.n_lists
        enough = max(int(of_lists), LOOKED_AT_EACH * n)
        if enough >= n_matches:
            return self.n_lists
        matching = self._list_of if n_matches == len(mask) else self._list_of[mask]
        in_list = np.bincount(matching, minlength=self.n_lists)  # (L,)
        seen = np.cumsum(in_list[order], axis=1)  # (Q, L)
        return int(np.max(np.count_nonzero(seen < enough, axis=1))) + 1

    def _centroids(self) -> NDArray[np.float32]:
        quantiser: Any = faiss.downcast_index(self._ivf.quantizer)
        if not quantiser.ntotal:
            return np.empty((0, self._ivf.d), dtype=np.float32)
        flat = faiss.rev_swig_ptr(quantiser.get_xb(), quantiser.ntotal * self._ivf.d)
        return flat.reshape(quantiser.ntotal, self._ivf.d)

    def _lists_of_positions(self) -> NDArray[np.int32]:
        """(N,) the list of each position."""
        lists, of = self._ivf.invlists, np.empty(self._ivf.ntotal, dtype=np.int32)
        for number in range(self.n_lists):
            size = lists.list_size(number)
            if size:
                of[faiss.rev_swig_ptr(lists.get_ids(number), size)] = number
        return of
