"""Which products hold each stem, and how much it counts there: what a search by words reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain.words import N_COLUMNS, Place, Sketches
from shopsearch.store.words import WEIGHTS

K1 = 1.2  # as in SQLite's FTS5
B = 0.75


@dataclass(frozen=True, slots=True)
class Postings:
    """For each of V stems the rows of the products that hold it, ascending, P in all.

    What a stem counts in a product is its part of BM25 (Robertson & Zaragoza, The probabilistic
    relevance framework, 2009) without the rarity: f (k1 + 1) / (f + k1 (1 - b + b l / m)), where f
    is how often it comes, each time by the weight of its column, l how many words the product has,
    and m the mean of that over all products.
    """

    stems: NDArray[np.uint32]  # (V,) ascending
    begins: NDArray[np.int64]  # (V + 1,)
    rows: NDArray[np.int32]  # (P,)
    parts: NDArray[np.float32]  # (P,)

    @classmethod
    def of(cls, sketches: Sketches) -> Postings:
        """All stems of N products."""
        words = sketches.at(Place(0), Place(N_COLUMNS - 1))
        weights = np.tile(np.array(WEIGHTS, dtype=np.float32), len(sketches))
        counted = np.repeat(weights, sketches.lengths[:, :N_COLUMNS].ravel())  # (M,)
        pairs = (words.tokens.astype(np.uint64) << np.uint64(32)) | words.owners.astype(np.uint64)
        order = np.argsort(pairs, kind="stable")
        pairs = pairs[order]
        first = np.flatnonzero(np.concatenate([[True], pairs[1:] != pairs[:-1]])[: len(pairs)])
        often = np.add.reduceat(counted[order], first) if len(first) else counted[:0]
        rows = (pairs[first] & np.uint64(0xFFFFFFFF)).astype(np.int32)
        tokens = (pairs[first] >> np.uint64(32)).astype(np.uint32)
        stems, begins = np.unique(tokens, return_index=True)
        parts = saturated(
            often, words.counts[rows], float(words.counts.mean()) if len(sketches) else 1
        )
        return cls(stems, np.append(begins, len(rows)).astype(np.int64), rows, parts)

    def of_stem(self, stem: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The rows of the products that hold a stem, and what it counts in each."""
        place = int(np.searchsorted(self.stems, np.uint32(stem)))
        if place == len(self.stems) or self.stems[place] != stem:
            return self.rows[:0], self.parts[:0]
        held = slice(self.begins[place], self.begins[place + 1])
        return self.rows[held], self.parts[held]


def saturated(
    often: NDArray[np.float32], n_words: NDArray[np.int64], mean_words: float
) -> NDArray[np.float32]:
    """(P,) what stems count that come so often in products of so many words."""
    norm = K1 * (1.0 - B + B * n_words / max(mean_words, 1.0))
    parts: NDArray[np.float32] = (often * (K1 + 1.0) / (often + norm)).astype(np.float32)
    return parts
