"""Sets of keys as arrays: each key once, ascending.

What numpy has for sets takes its input for unordered and for large numbers of any kind. Keys come
in order, so that sorting them and looking them up is many times quicker.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.int64]


def union(parts: Sequence[Keys]) -> Keys:
    """What is in one part at least; these may be in any order, and name a key again."""
    together = np.concatenate([np.empty(0, dtype=np.int64), *parts])
    together.sort(kind="stable")  # quick, of what comes in a few ascending pieces
    is_new = np.ones(len(together), dtype=np.bool_)
    is_new[1:] = together[1:] != together[:-1]
    return together[is_new]


def common(first: Keys, second: Keys) -> Keys:
    """What is in both."""
    short, long = (first, second) if len(first) <= len(second) else (second, first)
    return short[are_in(short, long)]


def are_in(some: Keys, among: Keys) -> NDArray[np.bool_]:
    """(N,) which of some keys, in any order, are in a set."""
    if not len(among):
        return np.zeros(len(some), dtype=np.bool_)
    places = np.minimum(np.searchsorted(among, some), len(among) - 1)
    held: NDArray[np.bool_] = among[places] == some
    return held
