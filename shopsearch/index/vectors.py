"""What comes over the border of the index room: checked, never mended."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import FilterRow, Neighbours
from shopsearch.errors import DimensionMismatch, IndexFault

UNIT_TOLERANCE = 1e-3
SCORE_DECIMALS = 6  # what is beyond them is the order of summation, not likeness


def checked_entries(
    keys: NDArray[np.int64],
    vectors: NDArray[np.float32],
    rows: Sequence[FilterRow],
    dimension: int,
) -> tuple[NDArray[np.int64], NDArray[np.float32], Sequence[FilterRow]]:
    """What shall be added, each key once: of a key that repeats, the last entry counts."""
    keys = np.asarray(keys, dtype=np.int64)
    vectors = unit_rows(vectors, dimension, lambda row: f"the vector of key {keys[row]}")
    if not len(keys) == len(vectors) == len(rows):
        raise ValueError(f"{len(keys)} keys, {len(vectors)} vectors and {len(rows)} filter rows")
    last = {key: place for place, key in enumerate(keys.tolist())}
    if len(last) < len(keys):
        places = sorted(last.values())
        return keys[places], vectors[places], [rows[place] for place in places]
    return keys, vectors, rows


def checked_queries(queries: NDArray[np.float32], dimension: int) -> NDArray[np.float32]:
    """The queries, where they are unit rows of the right length."""
    return unit_rows(queries, dimension, lambda row: f"the vector of query {row}")


def unit_rows(
    vectors: NDArray[np.float32], dimension: int, name: Callable[[int], str]
) -> NDArray[np.float32]:
    """The rows as float32 in one block; `name` says whose a row is where it is refused.

    Raises `DimensionMismatch`, and `IndexFault` for a row that is not of length one.
    """
    block = np.ascontiguousarray(vectors, dtype=np.float32)
    if block.ndim != 2:
        raise ValueError(f"vectors come as (N, {dimension}), not as {block.shape}")
    if block.shape[1] != dimension:
        raise DimensionMismatch(dimension, block.shape[1])
    lengths = np.sqrt(np.einsum("nd,nd->n", block, block))
    off = ~(np.abs(lengths - 1.0) <= UNIT_TOLERANCE)  # so that NaN is off too
    if off.any():
        row = int(np.flatnonzero(off)[0])
        raise IndexFault(
            f"{name(row)} has length {lengths[row]:.6g}, not 1: encoders and fusions give unit "
            "rows; check the one in use with `shopsearch doctor`"
        )
    return block


def cosines(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scores freed of rounding noise: in [-1, 1], and equal for equal vectors."""
    rounded: NDArray[np.float32] = np.clip(np.round(scores, SCORE_DECIMALS), -1.0, 1.0)
    return rounded


def best(
    scores: NDArray[np.float32], keys: NDArray[np.int64], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The k best of one query, equal scores in ascending order of keys."""
    if 0 < k < len(scores):
        kth = np.partition(scores, len(scores) - k)[len(scores) - k]
        candidates = np.flatnonzero(scores >= kth)  # more than k where the k-th score is shared
        scores, keys = scores[candidates], keys[candidates]
    order = np.lexsort((keys, -scores))[:k]
    return keys[order], scores[order]


def no_neighbours(n_queries: int, k: int) -> Neighbours:
    """Places for neighbours, all empty."""
    return Neighbours(
        np.full((n_queries, k), -1, dtype=np.int64),
        np.full((n_queries, k), -np.inf, dtype=np.float32),
    )
