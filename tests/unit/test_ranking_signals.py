"""The arithmetic of business signals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsearch.domain import Signal
from shopsearch.errors import SignalError
from shopsearch.ranking.order import by_number
from shopsearch.ranking.rules import lifted
from shopsearch.ranking.signals import (
    freshness,
    lifted_all,
    log_factors,
    log_shares,
    ranks,
    shares_of,
)

NAN = float("nan")


def test_popularity_is_a_share_of_the_highest_by_the_logarithm() -> None:
    shares = log_shares(np.array([0.0, 9.0, 99.0, NAN, -3.0]))
    np.testing.assert_allclose(shares, [0.0, 0.5, 1.0, NAN, NAN])


def test_counts_that_are_all_nothing_tell_nothing() -> None:
    assert np.isnan(log_shares(np.array([0.0, 0.0, NAN]))).all()
    assert log_shares(np.array([])).shape == (0,)


def test_ranks_go_from_0_to_1_and_equal_numbers_share_the_middle() -> None:
    np.testing.assert_allclose(
        ranks(np.array([5.0, NAN, -1.0, 5.0, 100.0, 7.0])), [0.375, NAN, 0.0, 0.375, 1.0, 0.75]
    )
    np.testing.assert_allclose(ranks(np.array([3.0])), [0.5])
    np.testing.assert_allclose(ranks(np.array([3.0, 3.0, 3.0])), [0.5, 0.5, 0.5])


def test_ranks_of_several_groups_are_taken_apart() -> None:
    yen, dollar = 1, 2
    prices = np.array([900.0, 9.0, 1500.0, 30.0, 20.0])
    groups = np.array([yen, dollar, yen, dollar, dollar])
    np.testing.assert_allclose(ranks(prices, groups), [0.0, 0.0, 1.0, 1.0, 0.5])


def test_what_is_fresh_loses_half_with_each_half_life() -> None:
    ages = np.array([0.0, 10.0, 20.0, -5.0, NAN])  # a clock may go wrong
    np.testing.assert_allclose(freshness(ages, 10.0), [1.0, 0.5, 0.25, 1.0, NAN])


def test_a_weight_of_1_doubles_at_best_halves_at_worst_and_leaves_the_unknown_alone() -> None:
    factors = np.exp(log_factors(1.0, np.array([1.0, 0.0, 0.5, NAN])))
    np.testing.assert_allclose(factors, [2.0, 0.5, 1.0, 1.0])
    np.testing.assert_allclose(np.exp(log_factors(-2.0, np.array([1.0, 0.0]))), [0.25, 4.0])


@given(score=st.floats(-1, 1, width=32), factor=st.floats(-7, 7))
def test_scores_are_lifted_as_rules_lift_them(score: float, factor: float) -> None:
    (found,) = lifted_all(np.array([score], dtype=np.float32), np.array([factor])).tolist()
    assert found == pytest.approx(lifted(score, factor), abs=1e-6)
    assert -1.0 <= found <= 1.0
    (alone,) = lifted_all(np.array([score], dtype=np.float32), np.array([0.0])).tolist()
    assert alone == score


@given(
    score=st.floats(-0.99, 0.99),
    factors=st.lists(st.floats(-3, 3), min_size=1, max_size=4),
)
def test_what_each_signal_gave_sums_to_what_all_gave(score: float, factors: list[float]) -> None:
    logs = np.array(factors)
    gain = lifted(score, float(logs.sum())) - score
    assert shares_of(gain, score, logs).sum() == pytest.approx(gain, abs=1e-5)


def test_signals_that_cancel_each_other_still_tell_what_each_gave() -> None:
    np.testing.assert_allclose(shares_of(0.0, 0.5, np.array([0.4, -0.4])), [0.15, -0.15])


numbers = st.lists(st.none() | st.sampled_from([1.0, 2.0, 3.0, -1.0]), max_size=12)


@given(numbers=numbers, descending=st.booleans(), data=st.data())
def test_an_order_by_number_is_stable_by_group_and_the_unknown_comes_last(
    numbers: list[float | None], descending: bool, data: st.DataObject
) -> None:
    n = len(numbers)
    groups = data.draw(st.lists(st.integers(0, 2), min_size=n, max_size=n))
    values = np.array([NAN if one is None else one for one in numbers])
    sign = -1 if descending else 1

    def place(at: int) -> tuple[bool, int, float]:
        number = numbers[at]
        return (True, 0, 0.0) if number is None else (False, groups[at], sign * number)

    found = by_number(values, np.array(groups, dtype=np.int64), descending=descending)
    assert found.tolist() == sorted(range(n), key=place)


@pytest.mark.parametrize(
    ("name", "weight", "half_life", "told"),
    [
        ("", 1.0, 30.0, "no name"),
        ("x" * 65, 1.0, 30.0, "no name"),
        ("a\nb", 1.0, 30.0, "no name"),
        ("stock", NAN, 30.0, "from -5 to 5"),
        ("stock", math.inf, 30.0, "from -5 to 5"),
        ("stock", -5.1, 30.0, "from -5 to 5"),
        ("freshness", 1.0, 0.0, "half-life"),
        ("freshness", 1.0, NAN, "half-life"),
        ("freshness", 1.0, math.inf, "half-life"),
    ],
)
def test_a_signal_that_cannot_be_weighed_is_refused(
    name: str, weight: float, half_life: float, told: str
) -> None:
    with pytest.raises(SignalError, match=told):
        Signal(name, weight, half_life)
