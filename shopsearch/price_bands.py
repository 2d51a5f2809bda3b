"""How prices are spread: in bands to choose from, and in the bins of a histogram.

Prices are skewed: with bands of equal width nearly all products fall into the first. So the bounds
of bands are quantiles, rounded to a number that people would choose, and each band holds about as
many products as the next.

The bins of a histogram show the skew, but neither the few dearest products nor the few cheapest may
leave all others in one bin. So bounds are equal steps of the cube root of the price, which for
prices that are near each other are steps of about equal width, and for prices of several magnitudes
grow with the price; and they lie between the first and the last percentile. The outer bins take in
what is beyond.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import PriceBand, PriceBin, PriceHistogram

MAX_BANDS = 8
MAX_BINS = 24
MIDDLE = (0.01, 0.99)  # quantiles between which the bins of a histogram are laid
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


def histogram_of(prices: NDArray[np.float64], currency: str, digits: int) -> PriceHistogram | None:
    """The histogram of (M,) prices, as `bands_of` takes them; None where there are none."""
    if not len(prices):
        return None
    lowest, highest = float(np.min(prices)), float(np.max(prices))
    starts = [lowest, *_steps(prices, digits)]  # (B,) ascending
    counts = np.diff(np.searchsorted(np.sort(prices), [*starts, np.inf]))  # (B,)
    unit = 10.0**-digits
    highs = [*(round(start - unit, digits) for start in starts[1:]), highest]
    return PriceHistogram(
        currency,
        tuple(
            PriceBin(low, max(low, high), count)
            for low, high, count in zip(starts, highs, counts.tolist(), strict=True)
        ),
    )


def _steps(prices: NDArray[np.float64], digits: int) -> list[float]:
    """Where the second bin and those after it begin, each at a number with few digits."""
    low, high = np.quantile(prices, MIDDLE)
    exact = np.linspace(np.cbrt(low), np.cbrt(high), MAX_BINS + 1) ** 3  # (MAX_BINS + 1,)
    steps: set[float] = set()
    for start, next_one in zip(exact[1:-1].tolist(), exact[2:].tolist(), strict=True):
        if next_one - start > 0.0:
            magnitude = -int(np.floor(np.log10(next_one - start)))
            steps.add(round(start, min(magnitude, digits)))
    unit = 10.0**-digits
    least, greatest = float(np.min(prices)), float(np.max(prices))
    return sorted(step for step in steps if least + unit / 2 < step <= greatest)


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
