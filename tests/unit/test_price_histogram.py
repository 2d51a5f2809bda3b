"""The histogram of prices: complete, readable, and not flattened by what costs a fortune."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsearch.domain import PriceHistogram
from shopsearch.price_bands import MAX_BINS, histogram_of

CENTS = st.lists(st.integers(0, 10_000_000), min_size=1, max_size=200)


def histogram(*prices: float, digits: int = 2) -> PriceHistogram:
    found = histogram_of(np.array(prices, dtype=np.float64), "EUR", digits)
    assert found is not None
    return found


@given(cents=CENTS)
def test_each_price_is_in_exactly_one_bin_which_counts_it(cents: list[int]) -> None:
    bins = histogram(*(one / 100 for one in cents)).bins
    for one in bins:
        within = [price for price in cents if one.low <= price / 100 <= one.high]
        assert len(within) == one.count
    assert sum(one.count for one in bins) == len(cents)


@given(cents=CENTS, digits=st.sampled_from([0, 2, 3]))
def test_bins_ascend_are_few_and_begin_and_end_with_a_price(cents: list[int], digits: int) -> None:
    prices = [round(one / 100, digits) for one in cents]
    bins = histogram(*prices, digits=digits).bins
    assert 1 <= len(bins) <= MAX_BINS
    assert (bins[0].low, bins[-1].high) == (min(prices), max(prices))
    bounds = [bound for one in bins for bound in (one.low, one.high)]
    assert bounds == sorted(bounds)


def test_a_fortune_does_not_push_all_others_into_one_bin() -> None:
    rng = np.random.default_rng(7)
    prices = np.round(rng.lognormal(3.5, 0.8, 1000), 2)
    bins = histogram(*prices, 1_000_000.0, 0.01).bins
    assert bins[-1].high == 1_000_000.0
    assert len(bins) > 15
    assert max(one.count for one in bins) < 250
    assert sum(one.count > 0 for one in bins) > 15


def test_bins_begin_at_numbers_with_few_digits() -> None:
    rng = np.random.default_rng(7)
    bins = histogram(*np.round(rng.uniform(10, 250, 500), 2)).bins
    assert all(one.low == round(one.low) for one in bins[1:])


def test_a_yen_has_no_smaller_part() -> None:
    bins = histogram(100, 150, 200, 300, digits=0).bins
    assert all(bound == round(bound) for one in bins for bound in (one.low, one.high))


@pytest.mark.parametrize("prices", [(5.0,), (5.0, 5.0, 5.0), (0.0,)])
def test_one_price_is_one_bin(prices: tuple[float, ...]) -> None:
    (only,) = histogram(*prices).bins
    assert (only.low, only.high, only.count) == (prices[0], prices[0], len(prices))


def test_without_prices_there_is_no_histogram() -> None:
    assert histogram_of(np.array([], dtype=np.float64), "EUR", 2) is None
