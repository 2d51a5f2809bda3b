"""Business signals as numbers from 0 to 1, and what they make of scores.

The arithmetic alone. Where a product has no number, it is NaN: not known, and so neutral.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

NEUTRAL = 0.5
_WIDEST_SCORE = 1.0 - 1e-9  # the ends of the scale are infinitely far away

Values = NDArray[np.float64]  # (N,) 0..1, NaN where not known


def log_shares(counts: Values) -> Values:
    """ln(1 + n) as a share of the highest, of counts (N,); not known where none is above 0."""
    counts = np.where(counts >= 0.0, counts, np.nan)
    highest = float(np.nanmax(counts, initial=0.0))
    if not highest:
        return np.full_like(counts, np.nan)
    return np.log1p(counts) / math.log1p(highest)


def ranks(numbers: Values, groups: NDArray[np.int64] | None = None) -> Values:
    """The share of numbers (N,) below each, equal ones in the middle of their ranks: 0 the lowest,
    1 the highest. With `groups` (N,), among those of its group. 0.5 where all are equal.
    """
    ranked = np.full_like(numbers, np.nan)
    groups = np.zeros(len(numbers), dtype=np.int64) if groups is None else groups
    for group in np.unique(groups):
        places = np.flatnonzero((groups == group) & ~np.isnan(numbers))
        if places.size:
            ranked[places] = _ranks(numbers[places])
    return ranked


def freshness(ages_days: Values, half_life_days: float) -> Values:
    """2^(-age / half-life): 1 when new, 0.5 after a half-life."""
    return np.exp2(-np.maximum(ages_days, 0.0) / half_life_days)


def log_factors(weight: float, values: Values) -> Values:
    """By which the logarithm of the odds of a score grows: weight (2 x - 1) ln 2, 0 for NaN.

    So with a weight of 1 the odds are doubled at best and halved at worst.
    """
    known = np.where(np.isnan(values), NEUTRAL, values)
    factors: Values = weight * (2.0 * known - 1.0) * math.log(2.0)
    return factors


def lifted_all(scores: NDArray[np.float32], log_factors: Values) -> NDArray[np.float32]:
    """Scores (N,) whose odds are multiplied by factors; as `ranking.rules.lifted` does with one.

    A score without a factor stays as it is, to the last bit.
    """
    within = np.clip(scores.astype(np.float64), -_WIDEST_SCORE, _WIDEST_SCORE)
    moved = np.tanh(np.arctanh(within) + log_factors / 2.0)
    return np.where(log_factors == 0.0, scores, moved).astype(np.float32)


def shares_of(gain: float, score: float, log_factors: Values) -> Values:
    """(S,) what each of S factors gave to a gain of a score, in proportion to their logarithms.

    Where factors cancel each other, the proportion is the slope of `lifted_all` at the score.
    """
    total = float(log_factors.sum())
    slope = gain / total if abs(total) > 1e-6 else (1.0 - score**2) / 2.0
    shares: Values = log_factors * slope
    return shares


def _ranks(numbers: Values) -> Values:
    if len(numbers) == 1:
        return np.array([NEUTRAL])
    _, which, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    below = np.cumsum(counts) - counts  # (U,) how many numbers are lower
    middle = below + (counts - 1) / 2.0
    found: Values = middle[which] / (len(numbers) - 1)
    return found
