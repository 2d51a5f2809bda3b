"""The centres of many rows: what training has seen, in short."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

_ROUNDS = 12


def centres(rows: Tensor, n: int, generator: torch.Generator) -> Tensor:
    """(n, D) unit centres of (N, D) unit rows: spherical k-means (Dhillon and Modha 2001)."""
    middles = rows[torch.randint(0, len(rows), (n,), generator=generator)]  # (n, D)
    for _ in range(_ROUNDS):
        nearest = (rows @ middles.T).argmax(dim=1)  # (N,)
        sums = torch.zeros_like(middles).index_add_(0, nearest, rows)  # (n, D)
        is_empty = sums.norm(dim=1, keepdim=True) < 1e-6  # (n, 1)
        middles = torch.where(is_empty, middles, normalize(sums, dim=1))
    return middles
