"""Confident guesses of what products do not tell, from those that are like them and do.

Pseudo-labels by nearest neighbours (Lee 2013; Iscen et al. 2019, arXiv:1904.04717): a guess counts
only where nearly all neighbours agree, and where they are as near as labelled products are to one
another, so that goods of another kind are left alone.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.functional import normalize

from shopsearch.training.fusion_lessons import UNTOLD, FusionLessons

N_NEIGHBOURS = 10
LEAST_AGREEMENT = 0.9
_MOST_LABELLED = 8000
_FEWEST_LABELLED = 50
_FARTHEST = 0.1  # quantile of how near labelled products are to their own neighbours


def with_guesses(lessons: FusionLessons) -> tuple[FusionLessons, int]:
    """The lessons with guesses in `facets`, and how many there are."""
    rows = _described(lessons)  # (N, 2 D)
    facets = lessons.facets.clone()
    for place in range(facets.shape[1]):
        facets[:, place] = _guessed(rows, facets[:, place])
    n_guessed = int((facets != lessons.facets).sum())
    return replace(lessons, facets=facets), n_guessed


def _described(lessons: FusionLessons) -> Tensor:
    """Picture and words of each product side by side, at length one."""
    ids = lessons.told[:, 1]
    text = lessons.texts[ids.clamp_min(0)].float() * (ids != UNTOLD)[:, None]  # (N, D)
    return normalize(torch.cat([lessons.images.float(), text], dim=1), dim=1)


def _guessed(rows: Tensor, codes: Tensor) -> Tensor:
    labelled = (codes != UNTOLD).nonzero().squeeze(1)[:_MOST_LABELLED]
    missing = (codes == UNTOLD).nonzero().squeeze(1)
    if len(labelled) < _FEWEST_LABELLED or not len(missing):
        return codes
    near, _ = _neighbours(rows[labelled], rows[labelled], N_NEIGHBOURS + 1)
    least_near = near[:, 1:].mean(dim=1).quantile(_FARTHEST)  # without the product itself
    codes = codes.clone()
    for some in missing.split(1024):
        near, places = _neighbours(rows[some], rows[labelled], N_NEIGHBOURS)
        votes = codes[labelled][places]  # (n, K)
        winner = votes.mode(dim=1).values  # (n,)
        share = (votes == winner[:, None]).float().mean(dim=1)
        sure = (share >= LEAST_AGREEMENT) & (near.mean(dim=1) >= least_near)
        codes[some[sure]] = winner[sure]
    return codes


def _neighbours(rows: Tensor, others: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """(n, k) cosines and places of the nearest others."""
    scores = torch.cat([part @ others.T for part in rows.split(1024)])
    found = scores.topk(min(k, len(others)), dim=1)
    return found.values, found.indices
