"""The softmax head that predicts an attribute of a product from its fused vector.

    p(y | x) = softmax(W v + b)

It is the maximum of the penalised likelihood, which is concave: there is one answer, found from any
start, by L-BFGS over all products at once in double precision. So it needs no seed and no rate.

Letters: N products, D the length of a vector, C values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from shopsearch.errors import TrainingError

_MAX_STEPS = 200
_SMALL_GRADIENT = 1e-5  # of the mean loss: far below what changes a probability's second digit


@dataclass(frozen=True, slots=True)
class SoftmaxHead:
    """The weights of a trained head."""

    weights: NDArray[np.float64]  # (C, D)
    bias: NDArray[np.float64]  # (C,)
    centre: NDArray[np.float64]  # (D,) the mean vector of what it was trained on

    def logits(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """(N, C) for (N, D) vectors; their softmax is p(y | x)."""
        shifted = vectors.astype(np.float64) - self.centre  # (N, D)
        scores: NDArray[np.float64] = shifted @ self.weights.T + self.bias  # (N, C)
        return scores


class SoftmaxTrainer:
    """Trains softmax heads, each from the one before where that is given: much quicker."""

    def train(
        self,
        vectors: NDArray[np.float32],
        labels: NDArray[np.int64],
        n_values: int,
        *,
        penalty: float,
        start: SoftmaxHead | None = None,
    ) -> SoftmaxHead:
        """The head that minimises the mean cross entropy + penalty / 2 |W|^2; b goes free.

        `vectors` are (N, D), `labels` (N,) in 0..n_values-1. Raises `TrainingError` where a vector
        is not finite, a value has no product, or fewer than two values are there.
        """
        _check(vectors, labels, n_values)
        centre = vectors.mean(axis=0, dtype=np.float64)  # (D,)
        problem = _Problem.of(vectors - centre, labels, penalty)
        weights, bias = problem.solved(*_start(centre, labels, n_values, start))
        return SoftmaxHead(weights.numpy(), bias.numpy(), centre)


@dataclass(frozen=True, slots=True)
class _Problem:
    vectors: Tensor  # (N, D) centred, double
    labels: Tensor  # (N,)
    penalty: float

    @classmethod
    def of(cls, vectors: NDArray[np.float64], labels: NDArray[np.int64], penalty: float) -> Self:
        return cls(torch.from_numpy(vectors), torch.from_numpy(labels), penalty)

    def solved(self, weights: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        """The best weights (C, D) and bias (C,), from a start."""
        weights.requires_grad_()
        bias.requires_grad_()
        optimizer = torch.optim.LBFGS(
            [weights, bias],
            max_iter=_MAX_STEPS,
            tolerance_grad=_SMALL_GRADIENT,
            tolerance_change=1e-9,
            history_size=20,
            line_search_fn="strong_wolfe",
        )

        def closure() -> Tensor:
            optimizer.zero_grad()
            scores = torch.addmm(bias, self.vectors, weights.T)  # (N, C)
            loss = cross_entropy(scores, self.labels) + self.penalty / 2 * weights.square().sum()
            loss.backward()
            return loss

        optimizer.step(closure)
        return weights.detach(), bias.detach()


def _start(
    centre: NDArray[np.float64],
    labels: NDArray[np.int64],
    n_values: int,
    start: SoftmaxHead | None,
) -> tuple[Tensor, Tensor]:
    """Weights (C, D) and bias (C,) to begin at: those of another head, else the bare shares."""
    if start is not None:
        bias = start.bias + start.weights @ (centre - start.centre)  # the same head, centred here
        return torch.from_numpy(start.weights.copy()), torch.from_numpy(bias)
    shares = np.bincount(labels, minlength=n_values) / len(labels)  # (C,)
    return (
        torch.zeros(n_values, len(centre), dtype=torch.float64),
        torch.from_numpy(np.log(shares)),
    )


def _check(vectors: NDArray[np.float32], labels: NDArray[np.int64], n_values: int) -> None:
    if n_values < 2:
        raise TrainingError(
            f"a softmax head tells at least two values apart and was given {n_values}; "
            "use products of more values"
        )
    if bad := int((~np.isfinite(vectors).all(axis=1)).sum()):
        raise TrainingError(
            f"{bad} of {len(vectors)} vectors hold NaN or infinity; leave these products out, or "
            "build the index anew with `shopsearch reindex`"
        )
    missing = np.flatnonzero(np.bincount(labels, minlength=n_values) == 0)
    if len(missing):
        raise TrainingError(
            f"value number {missing[0]} has no product to learn from; leave it out of the values"
        )
