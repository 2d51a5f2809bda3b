"""Folds, calibration and the two methods, on small made-up vectors."""

from __future__ import annotations

import numpy as np
import pytest

from shopsearch.enriching.calibration import best_temperature, log_loss, softmax
from shopsearch.enriching.folds import group_folds, numbered
from shopsearch.enriching.methods import (
    PENALTIES,
    ZERO_SHOT_TEMPERATURE,
    Examples,
    Method,
    learned,
    zero_shot,
)
from shopsearch.training.attributes import SoftmaxTrainer


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def clouds(
    n_each: int, *, n_values: int = 3, spread: float = 0.4, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """(N, 8) unit rows around one axis for each value, and their labels."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(n_values), n_each)
    return unit(np.eye(8)[labels] + spread * random.normal(size=(len(labels), 8))), labels


def examples(n_each: int = 40, *, spread: float = 0.4, n_values: int = 3) -> Examples:
    vectors, labels = clouds(n_each, spread=spread, n_values=n_values)
    names = np.array(["red", "green", "blue", "grey"])[labels]
    folds = group_folds(labels, np.arange(len(labels)), seed=0)
    return Examples(vectors, names, folds)


def quiet(done: int, total: int) -> None:
    """Nobody looks at the progress."""


# folds


def test_no_title_is_in_two_folds() -> None:
    random = np.random.default_rng(3)
    groups, labels = random.integers(0, 60, 400), random.integers(0, 7, 400)
    folds = group_folds(labels, groups, seed=0)
    assert all(len(set(folds[groups == group])) == 1 for group in range(60))


def test_each_value_is_spread_over_the_folds() -> None:
    labels = np.repeat([0, 1, 2], [100, 10, 5])
    folds = group_folds(labels, np.arange(115), seed=0)
    for value, each in ((0, 20), (1, 2), (2, 1)):
        assert np.bincount(folds[labels == value]).tolist() == [each] * 5


def test_the_seed_decides_the_folds() -> None:
    labels, groups = np.zeros(50, dtype=np.int64), np.arange(50)
    first, again, other = (group_folds(labels, groups, seed=seed) for seed in (1, 1, 2))
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()


def test_nothing_has_no_folds() -> None:
    nothing = np.empty(0, dtype=np.int64)
    assert group_folds(nothing, nothing, seed=0).tolist() == []
    assert numbered([]).tolist() == []


# calibration


def test_the_temperature_that_made_the_scores_is_found_again() -> None:
    random = np.random.default_rng(0)
    logits = random.normal(size=(20_000, 4)) * 2
    drawn = random.random((20_000, 1))
    truth = (softmax(logits).cumsum(axis=1) < drawn).sum(axis=1)
    assert best_temperature(logits * 5.0, truth) == pytest.approx(5.0, rel=0.05)


def test_no_other_temperature_has_a_lower_loss() -> None:
    random = np.random.default_rng(1)
    scores, truth = random.normal(size=(3_000, 3)), random.integers(0, 3, 3_000)
    scores[np.arange(3_000), truth] += 1.0
    best = best_temperature(scores, truth)
    losses = [log_loss(scores, truth, best * factor) for factor in (0.8, 1.0, 1.25)]
    assert min(losses) == losses[1]


def test_a_few_products_that_are_all_right_make_no_certainty() -> None:
    scores = np.eye(2)[[0, 1] * 10] * 8.0
    top = softmax(scores, best_temperature(scores, np.array([0, 1] * 10))).max(axis=1)
    assert 0.9 < top.max() < 0.99


def test_huge_scores_neither_overflow_nor_lose_their_sum() -> None:
    rows = softmax(np.array([[1e5, 0.0], [-1e5, -1e5]]))
    assert rows.tolist() == [[1.0, 0.0], [0.5, 0.5]]


# learned


def test_a_head_predicts_what_it_was_taught_and_is_calibrated() -> None:
    taught = examples(80, spread=0.45)
    predictor = learned(SoftmaxTrainer(), taught, ("red", "green", "blue"), step=quiet)
    fresh, labels = clouds(400, spread=0.45, seed=9)
    shares = predictor.predict(fresh)
    right = shares.argmax(axis=1) == labels
    assert right.mean() > 0.8
    assert shares.max(axis=1).mean() == pytest.approx(right.mean(), abs=0.04)
    assert predictor.penalty in PENALTIES
    assert predictor.method is Method.LEARNED


def test_held_out_figures_are_those_of_products_never_seen() -> None:
    """Labels without any pattern can be learned by heart, but not predicted."""
    taught = examples(40)
    shuffled = Examples(
        taught.vectors, np.random.default_rng(0).permutation(taught.values), taught.folds
    )
    predictor = learned(SoftmaxTrainer(), shuffled, ("red", "green", "blue"), step=quiet)
    truth = shuffled.numbered(predictor.values)
    assert (predictor.held_out.argmax(axis=1) == truth).mean() < 0.5
    assert predictor.held_out.max(axis=1).mean() < 0.5  # and it does not pretend to know


def test_other_values_are_learned_as_one_that_is_never_proposed() -> None:
    taught = examples(40, n_values=4)  # grey is not to be predicted
    predictor = learned(SoftmaxTrainer(), taught, ("red", "green", "blue"), step=quiet)
    grey = predictor.predict(taught.vectors[taught.values == "grey"])
    assert grey.shape[1] == 3
    assert grey.sum(axis=1).mean() < 0.3
    assert predictor.predict(taught.vectors[taught.values == "red"]).max(axis=1).mean() > 0.7


def test_every_trained_head_is_told() -> None:
    told: list[tuple[int, int]] = []
    learned(
        SoftmaxTrainer(),
        examples(10),
        ("red", "green", "blue"),
        step=lambda done, total: told.append((done, total)),
    )
    most = 5 * len(PENALTIES) + 1
    assert told == [(done, most) for done in range(1, len(told) + 1)]
    assert len(told) % 5 == 1  # whole penalties, each by five folds, then the head itself


def test_the_same_examples_give_the_same_predictions() -> None:
    taught, names = examples(20), ("red", "green", "blue")
    first, again = (learned(SoftmaxTrainer(), taught, names, step=quiet) for _ in range(2))
    assert np.array_equal(first.held_out, again.held_out)
    assert np.array_equal(first.predict(taught.vectors), again.predict(taught.vectors))


def test_a_value_that_a_fold_did_not_learn_is_unlikely_there() -> None:
    taught = examples(20)
    folds = np.where(taught.values == "blue", 0, taught.folds)  # all blue ones in one fold
    predictor = learned(
        SoftmaxTrainer(),
        Examples(taught.vectors, taught.values, folds),
        ("red", "green", "blue"),
        step=quiet,
    )
    blue = predictor.held_out[taught.values == "blue"]
    assert np.isfinite(blue).all()
    assert (blue.argmax(axis=1) != 2).all()


# zero-shot


def test_names_alone_predict_without_any_example() -> None:
    nobody = Examples(np.empty((0, 8), np.float32), np.empty(0, np.str_), np.empty(0, np.int64))
    prompts = np.eye(8, dtype=np.float32)[:3]
    predictor = zero_shot(prompts, nobody, ("red", "green", "blue"))
    vectors, labels = clouds(20, spread=0.2)
    assert (predictor.predict(vectors).argmax(axis=1) == labels).mean() > 0.95
    assert predictor.temperature == ZERO_SHOT_TEMPERATURE
    assert not predictor.calibrated


def test_examples_give_zero_shot_its_temperature() -> None:
    taught = examples(60, spread=0.6)
    predictor = zero_shot(np.eye(8, dtype=np.float32)[:3], taught, ("red", "green", "blue"))
    right = predictor.held_out.argmax(axis=1) == taught.numbered(predictor.values)
    assert predictor.calibrated
    assert predictor.temperature > ZERO_SHOT_TEMPERATURE
    assert predictor.held_out.max(axis=1).mean() == pytest.approx(right.mean(), abs=0.06)
