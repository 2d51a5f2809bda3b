"""Concatenation and a small network: X' = sigma(W1 I + W2 T + b), beside the average."""

from __future__ import annotations

import torch
from torch import Tensor

from shopsearch.fusion.module import FusionModule, Items, Residual, Sizes


class ConcatMlp(FusionModule):
    """v = (i + t) / 2 + U sigma(W1 i + W2 t + b), with U = 0 at the start: the average.

    W1 and W2 side by side are one matrix over the concatenation. Without the average beside it the
    network would have to learn anew what the encoder knows, and would know no other catalogs.
    """

    method = "concat-mlp"

    def __init__(self, dimension: int, sizes: Sizes) -> None:
        super().__init__(dimension, sizes)
        self.network = Residual(2 * dimension, sizes.rank, dimension)

    def mixed(self, items: Items) -> Tensor:
        """See `FusionModule.mixed`."""
        image, text = self.filled(items)  # (B, D) each
        both = torch.cat([image, text], dim=1)  # (B, 2 D)
        addition: Tensor = self.network(both)  # (B, D)
        return 0.5 * (image + text) + self.familiar(items) * addition
