"""Price bands: round bounds such that each band holds about as many products as the next.

Prices are skewed: with bands of equal width nearly all products fall into the first. So the bounds
are quantiles, rounded to a number that people would choose.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import PriceBand

MAX_BANDS = 8
ROUND = np.array([1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 7.5, 10.0])  # times a power of ten


def bands_of(prices: NDArray[np.float64], currency: str, digits: int) -> list[PriceBand]:
    """The bands of (M,) prices in major units, of a currency with so many decimal places.

    Bands share no price and leave none out: each ends one minor unit before the next begins, the
    first and the last are open. Each holds what a filter by its bounds lets through.
    """
    if not len(prices):
        return []
    starts = _starts(prices, digits)  # (B-1,) ascending
    unit = 10.0**-digits
    lows = [None, *starts]
    highs = [*(round(start - unit, digits) for start in starts), None]
    return [
        PriceBand(currency, low, high, _n_within(prices, low, high))
        for low, high in zip(lows, highs, strict=True)
    ]


def _starts(prices: NDArray[np.float64], digits: int) -> list[float]:
    """Where the second band and those after it begin, such that none is empty."""
    quantiles = np.quantile(prices, np.arange(1, MAX_BANDS) / MAX_BANDS)
    rounded = {round(_rounded(value), digits) for value in quantiles.tolist() if value > 0}
    starts: list[float] = []
    end = np.inf
    for start in sorted(rounded, reverse=True):
        if np.any((prices >= start) & (prices < end)) and np.any(prices < start):
            starts.insert(0, start)
            end = start
    return starts


def _rounded(value: float) -> float:
    """The round number that is nearest by ratio."""
    power = 10.0 ** np.floor(np.log10(value))
    nearest = ROUND[np.argmin(np.abs(np.log(ROUND * power / value)))]
    return float(nearest * power)


def _n_within(prices: NDArray[np.float64], low: float | None, high: float | None) -> int:
    at_least = -np.inf if low is None else low
    at_most = np.inf if high is None else high
    return int(np.count_nonzero((prices >= at_least) & (prices <= at_most)))
