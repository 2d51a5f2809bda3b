"""How a training run moves: learning rate by step, and the moving average of the weights."""

from __future__ import annotations

import copy
import math
from typing import Generic, TypeVar

import torch
from torch import nn

Model = TypeVar("Model", bound=nn.Module)

_WARM_UP_STEPS = 50
_LAST_SHARE = 0.02  # of the learning rate, at the last step


def rate_share(step: int, n_steps: int) -> float:
    """The share of the full learning rate at a step: warm up, then half a cosine down."""
    warm = min(1.0, (step + 1) / _WARM_UP_STEPS)
    cosine = 0.5 * (1.0 + math.cos(math.pi * step / max(1, n_steps)))
    return warm * (_LAST_SHARE + (1.0 - _LAST_SHARE) * cosine)


class MovingAverage(Generic[Model]):
    """The mean of the last weights: steadier than the last ones (Polyak and Juditsky 1992)."""

    def __init__(self, model: Model, decay: float = 0.99) -> None:
        self.model = copy.deepcopy(model).eval()
        self._decay = decay
        self.steps = 0

    @torch.no_grad()
    def follow(self, model: Model) -> None:
        """Move towards the weights of a model; the first steps count more."""
        self.steps += 1
        decay = min(self._decay, self.steps / (self.steps + 9))
        for mean, weight in zip(self.model.parameters(), model.parameters(), strict=True):
            mean.lerp_(weight, 1.0 - decay)
