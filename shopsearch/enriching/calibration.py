"""Scores -> probabilities that mean what they say.

One number, the temperature, divides all scores before the softmax; it is the one under which the
truth of products that taught nothing is likeliest (Guo et al. 2017, arXiv:1706.04599).

Letters: N products, C values.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]  # (N, C)

_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0
_N_STEPS = 30  # each narrows the range to 0.62 of it: to a millionth in all


def softmax(scores: Scores, temperature: float = 1.0) -> Scores:
    """(N, C) rows that sum to one."""
    shifted = scores / temperature
    shifted = shifted - shifted.max(axis=1, keepdims=True)
    raised = np.exp(shifted)
    shares: Scores = raised / raised.sum(axis=1, keepdims=True)
    return shares


def log_loss(scores: Scores, labels: NDArray[np.int64], temperature: float = 1.0) -> float:
    """The mean of -log p(truth), in nats; lower is better."""
    shifted = scores / temperature
    return float(np.mean(_log_sum(shifted) - shifted[np.arange(len(labels)), labels]))


def best_temperature(
    scores: Scores, labels: NDArray[np.int64], low: float = 1e-3, high: float = 1e3
) -> float:
    """The temperature of least log loss, as if one product in N + 2 might have any value.

    Without that, a few products that are all predicted rightly would make every probability 1
    (Platt 1999 smooths his targets likewise). The loss has one valley: it is convex in 1 / T.
    """
    doubt = 1.0 / (len(labels) + 2)
    truth = scores[np.arange(len(labels)), labels]  # (N,)
    wanted = (1.0 - doubt) * truth + doubt * scores.mean(axis=1)  # (N,)

    def loss(log_inverse: float) -> float:
        inverse = math.exp(log_inverse)
        return float(np.mean(_log_sum(scores * inverse) - wanted * inverse))

    return math.exp(-_lowest(loss, -math.log(high), -math.log(low)))


def _log_sum(scores: Scores) -> NDArray[np.float64]:
    """(N,) the logarithm of the sum of exp(scores) over each row."""
    top = scores.max(axis=1)  # (N,)
    total: NDArray[np.float64] = top + np.log(np.exp(scores - top[:, None]).sum(axis=1))
    return total


def _lowest(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a function with one valley is lowest (golden-section search)."""
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = function(left), function(right)
    for _ in range(_N_STEPS):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = function(right)
    return (low + high) / 2
