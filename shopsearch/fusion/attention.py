"""Attention: each modality is a token; the tokens look at one another before they are summed.

Letters as in `module.py`, and T tokens of an item, one per text and one per image: a product may
have several images.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, scaled_dot_product_attention

from shopsearch.fusion.module import FusionModule, Items, Sizes

_N_HEADS = 4
_IMAGE, _TEXT = 0, 1


class Attention(FusionModule):
    """v = sum of a_m token_m + residual, with a_m alike at the start: the average.

    Tokens attend to one another in R dimensions (Vaswani et al. 2017, arXiv:1706.03762); from what
    they heard come the weight of each and what is added. A missing token is masked. The images of
    an item share the weight of one, so that ten photos do not outvote the words.
    """

    method = "attention"

    def __init__(self, dimension: int, sizes: Sizes) -> None:
        super().__init__(dimension, sizes)
        width = max(_N_HEADS, sizes.rank // _N_HEADS * _N_HEADS)
        self.into = nn.Linear(dimension, width)
        self.kinds = nn.Parameter(0.02 * torch.randn(2, width))  # what a token is: image, text
        self.attend = nn.Linear(width, 3 * width, bias=False)
        self.weigh = nn.Linear(width, 1, bias=False)
        self.out = nn.Linear(width, dimension, bias=False)
        nn.init.zeros_(self.weigh.weight)
        nn.init.zeros_(self.out.weight)

    def mixed(self, items: Items) -> Tensor:
        """See `FusionModule.mixed`."""
        image, text = self.filled(items)  # (B, D) each
        tokens = torch.stack([image, text], dim=1)  # (B, 2, D)
        present = torch.cat([items.has_image, items.has_text], dim=1) > 0  # (B, 2)
        kinds = torch.tensor([_IMAGE, _TEXT])
        return self.pooled(tokens, present, kinds, self.familiar(items))

    def pooled(
        self, tokens: Tensor, present: Tensor, kinds: Tensor, familiar: Tensor | float = 1.0
    ) -> Tensor:
        """(B, D) from (B, T, D) tokens; `present` is (B, T), `kinds` (T,) with 0 for images.

        `familiar`, (B, 1) or for all, is how much of what was learned may count.
        """
        inner = self.into(tokens) + self.kinds[kinds]  # (B, T, R)
        heard = inner + self._attended(inner, present)  # (B, T, R)
        of_kind = kinds[None, :] == kinds[:, None]  # (T, T)
        n_alike = (present.float() @ of_kind.float()).clamp_min(1)  # (B, T) tokens of its kind
        votes = familiar * self.weigh(heard).squeeze(2) - n_alike.log()  # (B, T)
        weights = votes.masked_fill(~present, -torch.inf).softmax(dim=1)[:, :, None]  # (B, T, 1)
        n_kinds = (present / n_alike).sum(dim=1, keepdim=True)  # (B, 1): 1 or 2
        addition: Tensor = familiar * self.out(gelu((weights * heard).sum(dim=1)))  # (B, D)
        summed: Tensor = (weights * tokens).sum(dim=1)  # (B, D)
        return 0.5 * n_kinds * summed + addition

    def _attended(self, inner: Tensor, present: Tensor) -> Tensor:
        n, t, width = inner.shape
        split = self.attend(inner).view(n, t, 3, _N_HEADS, width // _N_HEADS)
        asked, keys, told = split.permute(2, 0, 3, 1, 4)  # (B, heads, T, R / heads) each
        mask = present[:, None, None, :]  # (B, 1, 1, T)
        heard: Tensor = scaled_dot_product_attention(asked, keys, told, attn_mask=mask)
        return heard.transpose(1, 2).reshape(n, t, width)  # (B, T, R)
