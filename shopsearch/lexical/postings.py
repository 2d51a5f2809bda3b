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
    often: NDArray[np.float32]  # (P,)
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
        return cls._laid_out(tokens, rows, often, words.counts)

    def then(
        self, kept: NDArray[np.int64], others: Postings, n_words: NDArray[np.int64]
    ) -> Postings:
        """The products in the kept rows (K,), ascending, and others after them, as they would come
        out of `of`, without sorting all of them again; (N,) words in each of these products.
        """
        new_row = np.full(int(self.rows.max(initial=-1)) + 1, -1, dtype=np.int32)
        within = kept[kept < len(new_row)]
        new_row[within] = np.arange(len(within), dtype=np.int32)
        rows = new_row[self.rows]  # (P,)
        stays = rows >= 0
        tokens = self._tokens()[stays]
        at = np.searchsorted(tokens, others._tokens(), side="right")
        return self._laid_out(
            np.insert(tokens, at, others._tokens()),
            np.insert(rows[stays], at, others.rows + np.int32(len(kept))),
            np.insert(self.often[stays], at, others.often),
            n_words,
        )

    @classmethod
    def _laid_out(
        cls,
        tokens: NDArray[np.uint32],
        rows: NDArray[np.int32],
        often: NDArray[np.float32],
        n_words: NDArray[np.int64],
    ) -> Postings:
        """From P stems, ascending, each with a row that holds it; (N,) words in each product."""
        is_first = np.append(True, tokens[1:] != tokens[:-1])[: len(tokens)]
        begins = np.append(np.flatnonzero(is_first), len(tokens)).astype(np.int64)
        parts = saturated(often, n_words[rows], float(n_words.mean()) if len(n_words) else 1.0)
        return cls(tokens[begins[:-1]], begins, rows, often, parts)

    def _tokens(self) -> NDArray[np.uint32]:
        """(P,) the stem of each row."""
        return np.repeat(self.stems, np.diff(self.begins))

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
