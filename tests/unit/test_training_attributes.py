"""The softmax head: its optimum, its repeatability, its refusals."""

from __future__ import annotations

import numpy as np
import pytest

from shopsearch.errors import TrainingError
from shopsearch.training.attributes import SoftmaxTrainer

RANDOM = np.random.default_rng(0)
LABELS = RANDOM.integers(0, 3, 90)
VECTORS = (np.eye(6)[LABELS] + RANDOM.normal(size=(90, 6)) * 0.7).astype(np.float32)


def train(penalty: float = 1e-2, **more):
    return SoftmaxTrainer().train(VECTORS, LABELS, 3, penalty=penalty, **more)


def loss(weights: np.ndarray, bias: np.ndarray, centre: np.ndarray, penalty: float) -> float:
    """The penalised cross entropy, written out in numpy."""
    scores = (VECTORS - centre) @ weights.T + bias
    total = np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(len(LABELS)), LABELS]
    return float(total.mean() + penalty / 2 * (weights**2).sum())


def test_the_gradient_vanishes_at_the_weights() -> None:
    """d/dW = (p - y)' x / N + penalty W = 0 and d/db = mean(p - y) = 0 at the optimum."""
    head = train()
    scores = head.logits(VECTORS)
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    wrong = shares - np.eye(3)[LABELS]
    slope = wrong.T @ (VECTORS - head.centre) / len(LABELS) + 1e-2 * head.weights
    assert np.abs(slope).max() < 1e-4
    assert np.abs(wrong.mean(axis=0)).max() < 1e-4


def test_no_step_away_from_the_weights_is_better() -> None:
    head = train()
    best = loss(head.weights, head.bias, head.centre, 1e-2)
    for _ in range(20):
        step = RANDOM.normal(size=head.weights.shape) * 0.05
        assert loss(head.weights + step, head.bias, head.centre, 1e-2) > best


def test_the_same_products_give_the_same_weights() -> None:
    assert np.array_equal(train().weights, train().weights)


def test_a_start_changes_the_way_and_not_the_end() -> None:
    begun = train(start=train(penalty=1.0))
    assert np.allclose(begun.weights, train().weights, atol=2e-3)


def test_a_start_from_other_products_is_moved_to_their_centre() -> None:
    elsewhere = SoftmaxTrainer().train(VECTORS[:60] + 1.0, LABELS[:60], 3, penalty=1e-2)
    assert np.allclose(train(start=elsewhere).weights, train().weights, atol=2e-3)


def test_a_strong_penalty_leaves_only_the_shares_of_the_values() -> None:
    head = train(penalty=1e3)
    scores = head.logits(VECTORS)
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    assert np.allclose(shares, np.bincount(LABELS) / len(LABELS), atol=1e-3)


def test_vectors_that_are_not_finite_are_counted() -> None:
    broken = VECTORS.copy()
    broken[[3, 4], 0] = np.nan
    with pytest.raises(TrainingError, match="2 of 90 vectors hold NaN"):
        SoftmaxTrainer().train(broken, LABELS, 3, penalty=1e-2)


def test_one_value_is_nothing_to_tell_apart() -> None:
    with pytest.raises(TrainingError, match="at least two values"):
        SoftmaxTrainer().train(VECTORS, np.zeros(90, dtype=np.int64), 1, penalty=1e-2)


def test_a_value_without_products_is_named() -> None:
    with pytest.raises(TrainingError, match="value number 3"):
        SoftmaxTrainer().train(VECTORS, LABELS, 4, penalty=1e-2)
