"""Imagined pictures: how a picture of an ImageNet class would look to the head.

Catalogs show few things; the image tower knows a thousand. No picture of ImageNet is at hand, but
what its classifier learned from them is. With Gaussian features, the expected change of the
components x for a unit more of the logit of class c is Cov(x, logit_c) / Var(logit_c). A training
picture, its own content faded and pushed that way, stands for a picture of the class; the names of
the class are its captions. It keeps the learned part from forgetting what the tower knows.

Letters: N pictures, K components, C classes, M imagined pictures of a batch.
"""

from __future__ import annotations

import torch
from torch import Tensor

_FADING = (0.2, 0.9)  # the share of a training picture's own content that stays
_LOGITS = (6.0, 12.0)  # how sure the classifier is of an imagined picture's class


class Imagination:
    """Draws imagined pictures from the components and logits of the training pictures."""

    def __init__(self, components: Tensor, logits: Tensor, generator: torch.Generator) -> None:
        self._components = components  # (N, K)
        self._mean = components.mean(dim=0)  # (K,)
        self._generator = generator
        centred = logits - logits.mean(dim=0)  # (N, C)
        covariance = centred.T @ (components - self._mean) / len(components)  # (C, K)
        self._directions = covariance / centred.var(dim=0).clamp_min(1e-6)[:, None]

    def draw(self, n: int) -> tuple[Tensor, Tensor]:
        """(M, K) components of imagined pictures, and the (M,) classes they show."""
        classes = self._integers(len(self._directions), n)
        rows = self._components[self._integers(len(self._components), n)]  # (M, K)
        faded = self._mean + self._between(_FADING, n) * (rows - self._mean)
        return faded + self._between(_LOGITS, n) * self._directions[classes], classes

    def _integers(self, end: int, n: int) -> Tensor:
        return torch.randint(0, end, (n,), generator=self._generator)

    def _between(self, bounds: tuple[float, float], n: int) -> Tensor:
        low, high = bounds
        return low + (high - low) * torch.rand(n, 1, generator=self._generator)  # (M, 1)
