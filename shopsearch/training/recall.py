"""How well words find pictures: recall by groups of like titles."""

from __future__ import annotations

import torch
from torch import Tensor

GALLERY_SIZE = 1500


def recall_at(scores: Tensor, query_groups: Tensor, picture_groups: Tensor, k: int) -> float:
    """The share of queries with a picture of their own group among the first k.

    `scores` is (Q, N). Titles repeat in real catalogs: any picture under the same title is right.
    A query whose group has no picture counts as missed.
    """
    same = query_groups[:, None] == picture_groups[None, :]  # (Q, N)
    best = scores.masked_fill(~same, -torch.inf).amax(dim=1)  # (Q,)
    n_better = (scores > best[:, None]).sum(dim=1)  # (Q,)
    return float((n_better < k).float().mean())


def draw_gallery(n: int, seed: int, size: int = GALLERY_SIZE) -> Tensor:
    """The places of the pictures of a gallery, drawn by seed: all of them where n <= size."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randperm(n, generator=generator)[:size].sort().values  # (min(n, size),)
