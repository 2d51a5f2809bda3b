"""An order that does not repeat itself, against the formula taken word by word."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from shopsearch.ranking.diversity import diversified


def unit_rows(n: int, dimension: int = 6, seed: int = 0) -> NDArray[np.float32]:
    rows = np.random.default_rng(seed).normal(size=(n, dimension))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def by_the_book(
    scores: NDArray[np.float64], vectors: NDArray[np.float32], diversity: float, n_fixed: int
) -> list[int]:
    low, high = min(scores), max(scores)
    relevance = [(one - low) / max(high - low, 1e-9) for one in scores]
    order = list(range(min(n_fixed, len(scores))))
    while len(order) < len(scores):

        def value(n: int) -> float:
            alike = max(float(vectors[n] @ vectors[before]) for before in order)
            return (1 - diversity) * relevance[n] - diversity * alike

        left = [n for n in range(len(scores)) if n not in order]
        order.append(max(left, key=lambda n: (round(value(n), 6), -n)))
    return order


@given(
    scores=st.lists(st.floats(-1, 1), max_size=14),
    diversity=st.floats(0, 1),
    n_fixed=st.integers(0, 16),
    seed=st.integers(0, 50),
)
def test_any_order_is_a_permutation_whose_fixed_hits_stay(
    scores: list[float], diversity: float, n_fixed: int, seed: int
) -> None:
    falling = np.array(sorted(scores, reverse=True))
    order = diversified(falling, unit_rows(len(scores), seed=seed), diversity, n_fixed)
    assert sorted(order.tolist()) == list(range(len(scores)))
    kept = min(max(n_fixed, 1), len(scores))
    assert order[:kept].tolist() == list(range(kept))


@given(scores=st.lists(st.floats(-1, 1), max_size=14))
def test_no_diversity_is_the_order_that_was_given(scores: list[float]) -> None:
    falling = np.array(sorted(scores, reverse=True))
    order = diversified(falling, unit_rows(len(scores)), 0.0)
    assert order.tolist() == list(range(len(scores)))


@pytest.mark.parametrize("diversity", [0.1, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("n_fixed", [1, 3])
@pytest.mark.parametrize("seed", range(5))
def test_the_order_is_that_of_the_formula(diversity: float, n_fixed: int, seed: int) -> None:
    scores = np.sort(np.random.default_rng(seed).uniform(0.2, 0.6, size=20))[::-1]
    vectors = unit_rows(20, seed=seed)
    found = diversified(scores, vectors, diversity, n_fixed)
    assert found.tolist() == by_the_book(scores, vectors, diversity, n_fixed)


def test_a_near_duplicate_steps_back_behind_what_is_different() -> None:
    vectors = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    scores = np.array([0.9, 0.89, 0.5])
    assert diversified(scores, vectors, 0.5).tolist() == [0, 2, 1]
    assert diversified(scores, vectors, 0.05).tolist() == [0, 1, 2]


def test_a_hit_without_a_vector_is_like_no_other() -> None:
    vectors = np.array([[1, 0], [1, 0], [np.nan, np.nan]], dtype=np.float32)
    assert diversified(np.array([0.9, 0.9, 0.9]), vectors, 0.5).tolist() == [0, 2, 1]


def test_a_window_of_200_hits_is_a_matter_of_milliseconds() -> None:
    scores, vectors = np.linspace(1.0, 0.0, 200), unit_rows(200, dimension=1024)
    times = []
    for _ in range(20):
        started = time.perf_counter()
        diversified(scores, vectors, 0.3)
        times.append(time.perf_counter() - started)
    assert min(times) < 0.01  # 2 ms on a machine with nothing else to do
