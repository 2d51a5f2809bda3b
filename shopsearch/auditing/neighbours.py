"""The nearest products of each product, found through the port of the vector index.

Letters: N products, M of them with a row, K neighbours, D the length of a row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shopsearch.auditing.snapshot import Report, Rows, in_batches
from shopsearch.index.base import VectorIndex

NewIndex = Callable[[int, int], VectorIndex]  # of a dimension, for so many rows
N_NEAREST = 12
_BATCH = 512


@dataclass(frozen=True, slots=True)
class Nearest:
    """The K nearest others of each of N products, best first; -1 and -inf where there is none."""

    places: NDArray[np.int64]  # (N, K)
    scores: NDArray[np.float32]  # (N, K) cosines

    def pairs(self, least: float) -> NDArray[np.int64]:
        """(P, 2) places of all pairs from a cosine on, each once, the smaller place first."""
        rows, columns = np.nonzero(self.scores >= least)
        pairs = np.stack([rows, self.places[rows, columns]], axis=1)  # (P, 2)
        unique: NDArray[np.int64] = np.unique(np.sort(pairs, axis=1), axis=0)
        return unique

    def without_same(self, groups: NDArray[np.int64]) -> Nearest:
        """The same without neighbours of the own group, those that are left moved to the front."""
        there = self.places >= 0
        other = there & (groups[np.maximum(self.places, 0)] != groups[:, None])  # (N, K)
        order = np.argsort(~other, axis=1, kind="stable")
        places = np.where(other, self.places, -1)
        scores = np.where(other, self.scores, -np.inf).astype(np.float32)
        return Nearest(
            np.take_along_axis(places, order, axis=1), np.take_along_axis(scores, order, axis=1)
        )


def nearest(rows: Rows, new_index: NewIndex, report: Report, k: int = N_NEAREST) -> Nearest:
    """The nearest others of all rows that are not zero; memory grows with N alone."""
    found = Nearest(
        np.full((len(rows), k), -1, dtype=np.int64),
        np.full((len(rows), k), -np.inf, dtype=np.float32),
    )
    there = np.flatnonzero(rows.any(axis=1))  # (M,)
    if len(there) < 2:
        return found
    index = new_index(rows.shape[1], len(there))
    for some in in_batches(len(there), _BATCH):
        index.upsert(there[some], rows[there[some]], [{}] * len(there[some]))
    for some in in_batches(len(there), _BATCH, report):
        places = there[some]
        hits = index.search(rows[places], k + 1)  # (B, k + 1)
        own = hits.keys == places[:, None]
        own[~own.any(axis=1), -1] = True  # more than k others are exactly as near as itself
        n = hits.keys.shape[1] - 1
        found.places[places, :n] = hits.keys[~own].reshape(-1, n)
        found.scores[places, :n] = hits.scores[~own].reshape(-1, n)
    return found
