"""The measures of predictions, against truths worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from shopsearch.enriching.quality import calibration_error, measure


def shares(*predictions: tuple[int, float], n_values: int) -> np.ndarray:
    """(N, C) probabilities whose largest is as given; the rest is spread over the others."""
    rows = np.zeros((len(predictions), n_values))
    for row, (value, probability) in zip(rows, predictions, strict=True):
        row[:] = (1.0 - probability) / (n_values - 1)
        row[value] = probability
    return rows


@pytest.fixture
def quality():
    """Truth a a a b b c, and one product whose value cannot be predicted (number 3)."""
    predicted = [(0, 0.95), (0, 0.85), (1, 0.6), (1, 0.9), (0, 0.7), (1, 0.55), (0, 0.8)]
    truth = np.array([0, 0, 0, 1, 1, 2, 3])
    return measure(shares(*predicted, n_values=3), truth, ("a", "b", "c"), min_probability=0.8)


def test_accuracy_counts_a_value_that_cannot_be_predicted_as_wrong(quality) -> None:
    assert quality.accuracy == pytest.approx(3 / 7)
    assert quality.majority == pytest.approx(3 / 7)


def test_each_value_has_its_precision_recall_and_f1(quality) -> None:
    by_value = {one.value: one for one in quality.values}
    # "a" is said of 4 products and right for 2; 3 products have it
    assert (by_value["a"].precision, by_value["a"].recall) == pytest.approx((2 / 4, 2 / 3))
    assert by_value["a"].f1 == pytest.approx(4 / 7)
    assert (by_value["b"].precision, by_value["b"].recall) == pytest.approx((1 / 3, 1 / 2))
    assert (by_value["c"].precision, by_value["c"].recall, by_value["c"].f1) == (0.0, 0.0, 0.0)
    assert [one.products for one in quality.values] == [3, 2, 1]


def test_macro_is_the_mean_over_values_and_micro_over_products(quality) -> None:
    assert quality.macro.precision == pytest.approx((2 / 4 + 1 / 3 + 0) / 3)
    assert quality.macro.recall == pytest.approx((2 / 3 + 1 / 2 + 0) / 3)
    assert quality.macro.f1 == pytest.approx((4 / 7 + 2 / 5 + 0) / 3)
    micro = quality.micro
    assert micro.precision == micro.recall == micro.f1 == quality.accuracy


def test_a_bound_tells_what_is_proposed_and_how_much_of_it_is_right(quality) -> None:
    # from 0.8: 0.95 a (right), 0.85 a (right), 0.9 b (right), 0.8 a (another value)
    assert quality.bound.coverage == pytest.approx(4 / 7)
    assert quality.bound.precision == pytest.approx(3 / 4)


def test_the_confusion_matrix_has_truth_by_prediction(quality) -> None:
    assert quality.confusion.tolist() == [[2, 1, 0], [1, 1, 0], [0, 1, 0], [1, 0, 0]]


def test_values_that_no_product_has_do_not_count_in_the_macro_means() -> None:
    truth = np.array([0, 1])
    quality = measure(
        shares((0, 0.9), (1, 0.9), n_values=3), truth, ("a", "b", "c"), min_probability=0.5
    )
    assert quality.macro.f1 == 1.0


def test_only_the_values_compared_count_in_the_macro_means() -> None:
    truth = np.array([0, 1])
    quality = measure(
        shares((0, 0.9), (0, 0.9), n_values=2),
        truth,
        ("a", "b"),
        min_probability=0.5,
        compared=("a",),
    )
    assert quality.macro.recall == 1.0


def test_calibration_error_weighs_the_gap_of_each_bin() -> None:
    # bin of 0.9: three of four right, gap 0.15; bin of 0.5: one of one right, gap 0.5
    top = np.array([0.9, 0.9, 0.9, 0.9, 0.5])
    right = np.array([True, True, True, False, True])
    assert calibration_error(top, right) == pytest.approx(0.15 * 4 / 5 + 0.5 * 1 / 5)


def test_certain_and_right_is_perfectly_calibrated() -> None:
    assert calibration_error(np.ones(3), np.array([True, True, True])) == 0.0


def test_without_any_prediction_above_the_bound_precision_is_zero() -> None:
    quality = measure(shares((0, 0.6), n_values=2), np.array([0]), ("a", "b"), min_probability=0.9)
    assert (quality.bound.coverage, quality.bound.precision) == (0.0, 0.0)
