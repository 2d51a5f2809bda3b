"""Collapsing: the variants of one product, and copies of it, become one hit with a count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from shopsearch.index import Fields

GROUP_FIELD = "item_group_id"
COPY = 0.99  # cosine of two vectors from which on both show and say the same

Keys = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Variants:
    """Which of the R products that a search finds are variants of one another."""

    keys: Keys  # (R,) ascending
    groups: Keys  # (R,) products with the same number are variants

    @classmethod
    def of(cls, fields: Fields, keys: Keys) -> Variants:
        """By the item group that the catalog tells; a product without one stands alone."""
        groups = fields.groups(GROUP_FIELD, keys)
        alone = groups < 0
        first_free = int(groups.max(initial=-1)) + 1
        groups = np.where(alone, first_free + np.cumsum(alone) - 1, groups)
        return cls(keys, groups)

    def with_copies(
        self, keys: Keys, vectors: NDArray[np.float32], titles: NDArray[np.uint32]
    ) -> Variants:
        """The same where, of some products with (N, D) vectors and hashes of their titles (N,),
        those of one title that are near-identical are variants of the first of them.

        A vector alone does not tell a product from the next size or model of it.
        """
        of = self._groups_of(keys)  # (N,)
        is_same = (vectors @ vectors.T >= COPY) & (titles[:, None] == titles[None, :])
        alike = np.tril(is_same, k=-1)  # (N, N) row: like an earlier column
        groups = self.groups
        for later in np.flatnonzero(alike.any(axis=1)).tolist():
            first = int(np.argmax(alike[later]))
            if of[first] != of[later]:
                groups = np.where(groups == of[later], of[first], groups)
                of = np.where(of == of[later], of[first], of)
        return replace(self, groups=groups)

    @property
    def count(self) -> int:
        """How many hits there are, variants counted once."""
        return len(np.unique(self.groups))

    def firsts(self, in_order: Keys, preferred: Sequence[int] = ()) -> NDArray[np.bool_]:
        """(N,) which of some keys in order stand for their variants: the first of them, or one that
        is preferred.
        """
        rank = np.arange(len(in_order)) + len(in_order) * ~np.isin(in_order, list(preferred))
        best_first = np.argsort(rank, kind="stable")
        _, first = np.unique(self._groups_of(in_order)[best_first], return_index=True)
        chosen = np.zeros(len(in_order), dtype=np.bool_)
        chosen[best_first[first]] = True
        chosen |= np.isin(in_order, list(preferred))
        return chosen

    def n_others(self, keys: Keys) -> list[int]:
        """(N,) how many further variants of each are found."""
        of, counts = np.unique(self.groups, return_counts=True)
        others: list[int] = (counts[np.searchsorted(of, self._groups_of(keys))] - 1).tolist()
        return others

    def _groups_of(self, keys: Keys) -> Keys:
        """(N,) of keys that are found."""
        return self.groups[np.searchsorted(self.keys, keys)]
