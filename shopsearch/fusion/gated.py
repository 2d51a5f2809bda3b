"""Gated: each item says itself how much its image counts beside its text, group by group."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from shopsearch.fusion.module import FusionModule, Items, Residual, Sizes, spread

_IMAGE, _TEXT, _IMAGE_ALONE = range(3)


class Gated(FusionModule):
    """v = (1 - g) a i + g b t + f r, with g = sigmoid(0) = 1/2 at the start: the average.

    a and b are learned scales of groups of dimensions, the same for all items; an image alone has
    scales of its own. The gate g hears both embeddings and which of them are there, and speaks per
    group (Baldrati et al. 2022, arXiv:2203.04053, have one for all); so does the residual r. Both
    fade with f, the familiarity of the item: what is strange to the fusion is summed by the scales
    alone. A text alone has no scales: where it is strange it is its embedding, and words find among
    words what they found before.
    """

    method = "gated"
    quick = ("log_scales",)

    def __init__(self, dimension: int, sizes: Sizes) -> None:
        super().__init__(dimension, sizes)
        self.log_scales = nn.Parameter(torch.zeros(3, sizes.groups))
        self.gate = nn.Linear(2 * dimension + 2, sizes.groups)
        self.residual = Residual(2 * dimension + 2, sizes.rank, dimension)
        nn.init.zeros_(self.gate.weight)
        nn.init.zeros_(self.gate.bias)

    def mixed(self, items: Items) -> Tensor:
        """See `FusionModule.mixed`."""
        image, text = self.filled(items)  # (B, D) each
        heard = torch.cat([image, text, items.has_image, items.has_text], dim=1)  # (B, 2 D + 2)
        familiar = self.familiar(items)  # (B, 1)
        gate = spread((familiar * self.gate(heard)).sigmoid(), self.dimension)  # (B, D)
        scales = spread(self.log_scales.exp(), self.dimension)  # (3, D)
        both = (1 - gate) * scales[_IMAGE] * items.image + gate * scales[_TEXT] * items.text
        alone = scales[_IMAGE_ALONE] * items.image + items.text  # (B, D)
        has_both = items.has_image * items.has_text  # (B, 1)
        mean = torch.where(has_both > 0, both, 0.5 * alone)  # (B, D)
        return torch.add(mean, familiar * self.residual(heard))
