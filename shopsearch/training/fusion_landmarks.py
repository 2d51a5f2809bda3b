"""What a fusion will be at home with: the centres of the pictures and texts of each catalog."""

from __future__ import annotations

import torch
from torch import Tensor

from shopsearch.training.centres import centres
from shopsearch.training.fusion_lessons import UNTOLD, FusionLessons

_MOST = 160  # centres of one catalog
_ROWS_EACH = 4  # at least, on average
_MAX_ROWS = 12_000


def landmarks_of(lessons: FusionLessons, seed: int) -> tuple[Tensor, Tensor]:
    """(M, D) centres of pictures and (M', D) of titles and queries, catalog by catalog.

    Small catalogs get centres of their own: in one pot the largest would take them all.
    """
    draw = torch.Generator().manual_seed(seed)
    images, texts = [], []
    for catalog in lessons.catalogs.unique().tolist():
        here = lessons.catalogs == catalog
        images.append(_centres_of(lessons.images[here & lessons.has_image], draw))
        read = torch.cat([lessons.told[here, -2:].flatten(), lessons.queries[here].flatten()])
        texts.append(_centres_of(lessons.texts[read[read != UNTOLD].unique()], draw))
    return torch.cat(images), torch.cat(texts)


def _centres_of(rows: Tensor, draw: torch.Generator) -> Tensor:
    some = rows[torch.randperm(len(rows), generator=draw)[:_MAX_ROWS]].float()
    n = min(_MOST, len(some) // _ROWS_EACH)
    return centres(some, n, draw) if n else some
