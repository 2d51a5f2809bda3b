"""Product: what image and text say together, as a Hadamard product beside the average."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from shopsearch.fusion.module import FusionModule, Items, Sizes


class Product(FusionModule):
    """v = (i + t) / 2 + U ((P i + p) * (Q t + q)), with U = 0 at the start: the average.

    The low-rank bilinear pooling of Kim et al. 2017 (arXiv:1610.04325), as a residual.
    """

    method = "product"

    def __init__(self, dimension: int, sizes: Sizes) -> None:
        super().__init__(dimension, sizes)
        self.of_image = nn.Linear(dimension, sizes.rank)
        self.of_text = nn.Linear(dimension, sizes.rank)
        self.out = nn.Linear(sizes.rank, dimension, bias=False)
        for factor in (self.of_image, self.of_text):
            nn.init.ones_(factor.bias)  # near one, so that a zero in one does not silence the other
        nn.init.zeros_(self.out.weight)

    def mixed(self, items: Items) -> Tensor:
        """See `FusionModule.mixed`."""
        image, text = self.filled(items)  # (B, D) each
        agreed = self.of_image(image) * self.of_text(text)  # (B, R)
        addition: Tensor = self.out(agreed)  # (B, D)
        return torch.add(0.5 * (image + text), self.familiar(items) * addition)
