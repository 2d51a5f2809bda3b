"""Gated: each item says itself how much its image counts beside its text, group by group."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from shopsearch.fusion.module import FusionModule, Items, Residual, Sizes, spread


class Gated(FusionModule):
    """v = (1 - g) i + g t + residual, with g = sigmoid(0) = 1/2 at the start: the average.

    The gate hears both embeddings and which of them are there, and speaks per group of dimensions
    (Baldrati et al. 2022, arXiv:2203.04053, have one for all). An item of one modality has a gate
    of its own: the learned scale of each group.
    """

    method = "gated"

    def __init__(self, dimension: int, sizes: Sizes) -> None:
        super().__init__(dimension, sizes)
        self.gate = nn.Linear(2 * dimension + 2, sizes.groups)
        self.alone = nn.Parameter(torch.zeros(2, sizes.groups))  # log scales: image, text
        self.residual = Residual(2 * dimension + 2, sizes.rank, dimension)
        nn.init.zeros_(self.gate.weight)
        nn.init.zeros_(self.gate.bias)

    def mixed(self, items: Items) -> Tensor:
        """See `FusionModule.mixed`."""
        image, text = self.filled(items)  # (B, D) each
        heard = torch.cat([image, text, items.has_image, items.has_text], dim=1)  # (B, 2 D + 2)
        gate = spread(self.gate(heard).sigmoid(), self.dimension)  # (B, D)
        both = (1 - gate) * image + gate * text  # (B, D)
        scale = spread(self.alone.exp(), self.dimension)  # (2, D)
        single = 0.5 * (scale[0] * items.image + scale[1] * items.text)  # (B, D)
        has_both = items.has_image * items.has_text  # (B, 1)
        addition: Tensor = self.residual(heard)  # (B, D)
        return torch.where(has_both > 0, both, single) + addition
