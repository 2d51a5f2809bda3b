"""How sure a mean over queries is: bootstrap intervals, and a test for two runs.

    interval   percentile bootstrap over queries (Efron & Tibshirani, An Introduction to the
               Bootstrap, 1993, chapter 13; for search: Sakai, Evaluating Evaluation Metrics Based
               on the Bootstrap, SIGIR 2006)
    p-value    two-sided paired randomisation test of the difference of means (Smucker, Allan &
               Carterette, A Comparison of Statistical Significance Tests for Information Retrieval
               Evaluation, CIKM 2007); where it is drawn, not counted, the observed order counts
               as one of the draws (Phipson & Smyth 2010), so that p is never 0

Everything is seeded: the same values give the same figures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95
N_RESAMPLES = 2_000
N_PERMUTATIONS = 20_000
_MAX_COUNTED = 14  # non-zero differences: up to here all 2^n sign patterns are looked at
_CHUNK = 2_000_000  # drawn numbers held in memory at a time

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a mean lies in 95 of 100 samples of as many queries (percentile bootstrap)."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def as_json(self) -> list[float]:
        """`[low, high]`."""
        return [self.low, self.high]


def mean_intervals(values: Values, *, n_resamples: int = N_RESAMPLES) -> list[Interval]:
    """The 95 % interval of each column's mean; rows are queries, at least one.

    For two runs compared, give the differences, query by query: the interval is then a paired one.
    """
    first = values[0]  # taken off first: a column that never varies has a point, to the last digit
    means = np.concatenate(list(_resampled_means(values - first, n_resamples)))  # (R, M)
    tail = 50.0 * (1.0 - LEVEL)
    lows, highs = np.percentile(means, [tail, 100.0 - tail], axis=0) + first
    return [Interval(float(low), float(high)) for low, high in zip(lows, highs, strict=True)]


def _resampled_means(values: Values, n_resamples: int) -> Iterator[Values]:
    """Means of samples with replacement, some samples at a time: (r, M)."""
    chance = np.random.default_rng(0)
    n = len(values)
    for n_rows in _chunks(n_resamples, n):
        drawn = chance.integers(n, size=(n_rows, n)) + n * np.arange(n_rows)[:, None]  # (r, N)
        counts = np.bincount(drawn.ravel(), minlength=n_rows * n).reshape(n_rows, n)
        yield counts @ values / n


def p_value(differences: Values, *, n_permutations: int = N_PERMUTATIONS) -> float:
    """How often chance alone would part two equal runs as far as this; (N,) differences by query.

    Were the runs equal, each difference could as well have the other sign.
    """
    moved = differences[differences != 0.0]
    observed = abs(moved.sum()) * (1.0 - 1e-9)  # sums of the same numbers may differ in rounding
    if len(moved) <= _MAX_COUNTED:
        return float(np.mean(np.abs(_all_signs(len(moved)) @ moved) >= observed))
    chance = np.random.default_rng(0)
    n_as_far = 0
    for n_rows in _chunks(n_permutations, len(moved)):
        signs = chance.integers(2, size=(n_rows, len(moved)), dtype=np.int8) * 2.0 - 1.0  # (r, N)
        n_as_far += int(np.count_nonzero(np.abs(signs @ moved) >= observed))
    return (n_as_far + 1) / (n_permutations + 1)


def _all_signs(n: int) -> Values:
    """Every pattern of n signs: (2^n, n) of -1 and 1."""
    patterns = np.arange(2**n)[:, None] >> np.arange(n) & 1
    return np.where(patterns == 1, 1.0, -1.0)


def _chunks(n_rows: int, n_columns: int) -> Iterator[int]:
    """`n_rows` in parts, none of which holds too many numbers."""
    most = max(1, _CHUNK // max(n_columns, 1))
    for start in range(0, n_rows, most):
        yield min(most, n_rows - start)
