"""Parts of a catalog for cross-validation: no title is in two of them, every value in most."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

N_FOLDS = 5


def group_folds(
    labels: NDArray[np.int64], groups: NDArray[np.int64], *, seed: int, n_folds: int = N_FOLDS
) -> NDArray[np.int64]:
    """(N,) the fold of each of N products; all products of a group share one.

    Groups are dealt out value by value, the rarest first, each to the fold that has fewest groups
    of that value, then fewest groups (iterative stratification, Sechidis et al. 2011).
    """
    order = np.random.default_rng(seed).permutation(groups.max() + 1) if len(groups) else groups
    pairs = np.unique(np.column_stack([labels, order[groups]]), axis=0)  # (value, shuffled group)
    by_value = np.split(pairs[:, 1], np.flatnonzero(np.diff(pairs[:, 0])) + 1)
    fold_of = np.full(len(order), -1, dtype=np.int64)  # of each shuffled group
    sizes = np.zeros(n_folds, dtype=np.int64)
    for members in sorted(by_value, key=len):
        _deal(members, fold_of, sizes)
    return fold_of[order[groups]]


def _deal(members: NDArray[np.int64], fold_of: NDArray[np.int64], sizes: NDArray[np.int64]) -> None:
    """Give a fold to each group of a value that has none yet."""
    dealt = fold_of[members]
    held = np.bincount(dealt[dealt >= 0], minlength=len(sizes))  # groups of this value, by fold
    for group in members[dealt < 0]:
        fold = np.lexsort((sizes, held))[0]
        fold_of[group] = fold
        held[fold] += 1
        sizes[fold] += 1


def numbered(names: Sequence[str]) -> NDArray[np.int64]:
    """(N,) the same number for the same name, from 0 in the order in which they are first met."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.int64)
