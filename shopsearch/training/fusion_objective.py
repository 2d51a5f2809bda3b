"""What a fusion is taught: queries near the products they ask for, far from all others.

Letters: B products of a batch, which are asked for by as many queries; E the length of a row.
"""

from __future__ import annotations

import torch
from torch import Tensor


def ranking_loss(queries: Tensor, products: Tensor, gains: Tensor, sharpness: Tensor) -> Tensor:
    """InfoNCE with several right answers, weighed by their gains (Khosla et al. 2020, L_out).

    `queries` and `products` are (B, E); `gains` (B, B) is how right each product is for each query,
    and negative where the pair is left out: duplicates, and what nobody can tell. Queries with no
    right answer, or none but right ones, teach nothing.
    """
    scores = sharpness * queries @ products.T  # (B, B)
    scores = scores.masked_fill(gains < 0, -torch.inf)
    right = gains.clamp_min(0)  # (B, B)
    total = right.sum(dim=1)  # (B,)
    teaches = (total > 0) & ((gains == 0).any(dim=1))
    if not bool(teaches.any()):
        return scores.new_zeros(()) * queries.sum()
    shares = right[teaches] / total[teaches, None]  # rows sum to one
    log_odds = scores[teaches].log_softmax(dim=1).masked_fill(gains[teaches] < 0, 0.0)
    return -(shares * log_odds).sum(dim=1).mean()


def agreement(asked: Tensor, wanted: Tensor, facets: Tensor) -> Tensor:
    """(B, B) which products have all the facets that each query asks for.

    `asked` (B, F) are the facets that count, `wanted` (B, F) their values, `facets` (B, F) those of
    the products. Values that are not told (negative) agree with nothing.
    """
    agree = torch.ones(len(wanted), len(facets), dtype=torch.bool)
    for place in range(facets.shape[1]):  # one at a time: three axes at once take much longer
        agree &= (wanted[:, [place]] == facets[:, place]) | ~asked[:, [place]]
    return agree


def cannot_tell(asked: Tensor, wanted: Tensor, facets: Tensor, untold: int) -> Tensor:
    """(B, B) where a product does not tell a facet that is asked for, and disagrees on none."""
    maybe = torch.ones(len(wanted), len(facets), dtype=torch.bool)
    silent = torch.zeros_like(maybe)
    for place in range(facets.shape[1]):
        is_silent = (facets[:, place] == untold) & asked[:, [place]]
        maybe &= (wanted[:, [place]] == facets[:, place]) | ~asked[:, [place]] | is_silent
        silent |= is_silent
    return maybe & silent


def balanced(losses: Tensor, temperature: float = 0.25) -> Tensor:
    """One loss of several, the worst of which counts most: so that no modality is left behind."""
    weights = (losses.detach() / temperature).softmax(dim=0)
    return (0.5 * weights + 0.5 / len(losses)) @ losses


def kept_near(rows: Tensor, baseline: Tensor) -> Tensor:
    """How far rows have moved from what the untrained baseline makes of the same items."""
    return (1 - (rows * baseline).sum(dim=1)).mean()
