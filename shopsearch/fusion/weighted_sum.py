"""Weighted sum: one learned weight for images and one for texts, or one per dimension."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from shopsearch.fusion.module import FusionModule, Items, Sizes


class WeightedSum(FusionModule):
    """v = alpha i + beta t, with alpha = beta = 1 at the start: the average.

    Weights per dimension can raise what only one modality speaks of.
    """

    method = "weighted-sum"
    quick = ("alpha", "beta")

    def __init__(self, dimension: int, sizes: Sizes) -> None:
        super().__init__(dimension, sizes)
        n = dimension if sizes.per_dimension else 1
        self.alpha = nn.Parameter(torch.ones(n))
        self.beta = nn.Parameter(torch.ones(n))

    def mixed(self, items: Items) -> Tensor:
        """See `FusionModule.mixed`."""
        image, text = self.filled(items)  # (B, D) each
        return 0.5 * (self.alpha * image + self.beta * text)  # (B, D)
