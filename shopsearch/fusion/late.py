"""Late: image and text stay side by side in one longer row, and four kinds of scores are weighed.

A row has two blocks of length D. What stands in them depends on what an item has:

    both          [ a i + c t | d i + b t ]      at the start [ i | t ]
    image alone   [ e i       | f i       ]      at the start [ i | i ]
    text alone    [ g t       | h t       ]      at the start [ t | t ]

Inner products of such rows are sums of the four scores, so that an index needs nothing new:

    image query, full product    e a (i.i') + f b (i.t')  + e c (i.t') + f d (i.i')
    text query, full product     h b (t.t') + g a (t.i')  + g c (t.t') + h d (t.i')
    full query, full product     with c = d = 0: a a (i.i') + b b (t.t')

With c = d = 0 each of the four scores has a weight of its own, and every full product has one
length before it is scaled: a picture's own product has i.i' = 1, and no text can make it vanish as
it can when a sum of image and text is scaled (a sum is the case of one block, where the weights
are bound to e f = g h). At the start all weights are alike: the even sum of the scores.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from shopsearch.fusion.module import FusionModule, Items, Sizes, spread

_BOTH, _IMAGE, _TEXT = 0, 1, 2
_START = (
    ((1.0, 0.0), (0.0, 1.0)),  # both: a c over d b
    ((1.0, 0.0), (1.0, 0.0)),  # image alone: e over f
    ((0.0, 1.0), (0.0, 1.0)),  # text alone: g over h
)


class Late(FusionModule):
    """The modalities side by side: E = 2 D. The weights are learned per group of dimensions."""

    method = "late"
    quick = ("weights",)

    def __init__(self, dimension: int, sizes: Sizes) -> None:
        super().__init__(dimension, sizes)
        start = torch.tensor(_START)[..., None]  # (cases, blocks, modalities, 1)
        self.weights = nn.Parameter(start.repeat(1, 1, 1, sizes.groups))  # (3, 2, 2, G)

    @property
    def output_dimension(self) -> int:
        """See `FusionModule.output_dimension`."""
        return 2 * self.dimension

    def mixed(self, items: Items) -> Tensor:
        """See `FusionModule.mixed`; an absent modality is a zero row, and its token is added."""
        image, text = self.filled(items)  # (B, D) each
        weights = spread(self.weights, self.dimension)  # (3, 2, 2, D)
        case = self._case(items)  # (B, 3) one-hot
        blocks = [
            (case @ weights[:, block, 0]) * image + (case @ weights[:, block, 1]) * text
            for block in (0, 1)
        ]
        return 0.5 * torch.cat(blocks, dim=1)  # (B, 2 D)

    def _case(self, items: Items) -> Tensor:
        has_both = items.has_image * items.has_text  # (B, 1)
        return torch.cat([has_both, items.has_image - has_both, items.has_text - has_both], dim=1)
