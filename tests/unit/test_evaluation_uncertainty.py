"""Intervals and p-values against what is known of them beforehand."""

import numpy as np
import pytest

from shopsearch.evaluation import uncertainty
from shopsearch.evaluation.uncertainty import Interval, mean_intervals, p_value


def _of(values, **more) -> Interval:
    return mean_intervals(np.asarray(values, dtype=float)[:, None], **more)[0]


@pytest.mark.parametrize("value", [0.0, 0.1, 1.0, -0.3])
@pytest.mark.parametrize("n", [1, 7, 200])
def test_the_interval_of_a_constant_is_that_point(value: float, n: int):
    assert _of([value] * n) == Interval(value, value)


def test_the_interval_of_many_values_is_what_normal_theory_says():
    values = np.random.default_rng(5).beta(2, 3, size=600)
    reach = 1.96 * values.std(ddof=1) / np.sqrt(len(values))
    interval = _of(values, n_resamples=4000)
    assert interval.low == pytest.approx(values.mean() - reach, abs=0.1 * reach)
    assert interval.high == pytest.approx(values.mean() + reach, abs=0.1 * reach)


def test_the_interval_of_a_share_is_that_of_its_binomial_distribution():
    interval = _of([1.0] * 30 + [0.0] * 70)
    # 2.5 % and 97.5 % points of Binomial(100, 0.3), over 100
    assert interval.low == pytest.approx(0.21, abs=0.011)
    assert interval.high == pytest.approx(0.39, abs=0.011)


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    chance = np.random.default_rng(11)
    samples = chance.beta(2, 1, size=(60, 400))  # 400 experiments of 60 queries, as columns
    intervals = mean_intervals(samples)
    held = np.mean([2 / 3 in each for each in intervals])
    assert 0.92 <= held <= 0.98  # 0.95, give or take three standard errors of 400 experiments


def test_columns_are_resampled_by_query_so_that_a_difference_is_a_paired_one():
    chance = np.random.default_rng(3)
    hard = chance.random(200)  # what makes a query hard does so for both runs
    before, now = hard, np.clip(hard + 0.02 + chance.normal(0, 0.005, 200), 0, 1.1)
    assert _of(now).low < _of(before).high  # unpaired, they overlap
    assert _of(now - before).low > 0.0


def test_the_order_of_chunks_and_their_size_change_no_mean(monkeypatch: pytest.MonkeyPatch):
    values = np.random.default_rng(0).random((50, 3))
    whole = mean_intervals(values)
    monkeypatch.setattr(uncertainty, "_CHUNK", 50 * 17)
    parts = mean_intervals(values)
    for one, other in zip(whole, parts, strict=True):
        assert one.low == pytest.approx(other.low, abs=1e-12)
        assert one.high == pytest.approx(other.high, abs=1e-12)


@pytest.mark.parametrize("n", [0, 1, 10, 1000])
def test_two_runs_that_are_the_same_have_a_p_value_of_one(n: int):
    assert p_value(np.zeros(n)) == 1.0


@pytest.mark.parametrize(
    ("differences", "expected"),
    [
        ([0.5], 1.0),
        ([1.0, 1.0, 1.0], 2 / 8),
        ([1.0, 1.0, 1.0, 0.0, 0.0], 2 / 8),  # queries that did not move say nothing
        ([0.1, 0.2, 0.3], 2 / 8),
        ([0.1, 0.2, -0.3], 1.0),
        ([3.0, 1.0, -1.0], 6 / 8),  # |sum| is 5, 3, 3, 1 for the four patterns up to sign
        ([0.1] * 10, 2 / 1024),
    ],
)
def test_few_differences_are_counted_out(differences: list[float], expected: float):
    assert p_value(np.array(differences)) == expected


def test_the_direction_of_a_difference_does_not_change_its_p_value():
    differences = np.random.default_rng(2).normal(0.3, 1.0, 12)
    assert p_value(differences) == p_value(-differences)


def test_drawn_p_values_agree_with_counted_ones(monkeypatch: pytest.MonkeyPatch):
    differences = np.random.default_rng(2).normal(0.4, 1.0, 13)
    counted = p_value(differences)
    monkeypatch.setattr(uncertainty, "_MAX_COUNTED", 0)
    error = np.sqrt(counted * (1 - counted) / uncertainty.N_PERMUTATIONS)
    assert p_value(differences) == pytest.approx(counted, abs=4 * error)


def test_a_p_value_is_never_zero_however_far_two_runs_are_apart():
    assert p_value(np.ones(500)) == pytest.approx(1 / (uncertainty.N_PERMUTATIONS + 1))


def test_equal_runs_look_different_about_as_often_as_the_p_value_says():
    chance = np.random.default_rng(8)
    found = [p_value(chance.normal(0, 1, 25), n_permutations=400) for _ in range(400)]
    assert 0.02 <= np.mean(np.array(found) <= 0.05) <= 0.085
    assert 0.42 <= np.mean(np.array(found) <= 0.5) <= 0.58
