"""A small world to train fusions in: what is asked for is partly seen and partly said."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import normalize

from shopsearch.training.fusion_lessons import UNTOLD, FusionLessons

D, N = 24, 192
N_COLORS, N_KINDS = 4, 4


def world(n: int = N, seed: int = 0, *, told_kind: bool = True) -> FusionLessons:
    """Pictures show the colour, texts say the kind, both amid much else; queries ask for both."""
    draw = torch.Generator().manual_seed(seed)
    meanings = torch.linalg.qr(torch.randn(D, D, generator=torch.Generator().manual_seed(99)))[0]
    color = torch.randint(N_COLORS, (n,), generator=draw)
    kind = torch.randint(N_KINDS, (n,), generator=draw)
    of_color, of_kind = meanings[:N_COLORS], meanings[N_COLORS : N_COLORS + N_KINDS]

    def noise() -> Tensor:
        return 0.25 * torch.randn(n, D, generator=draw) @ meanings[8:].T @ meanings[8:]

    images = normalize(0.6 * of_color[color] + noise(), dim=1)
    said = normalize(0.6 * of_kind[kind] + noise(), dim=1)
    phrases = normalize((of_color[:, None] + of_kind[None]).reshape(-1, D), dim=1)
    texts = torch.cat([said, phrases, of_color])
    facets = torch.full((n, 4), UNTOLD)
    facets[:, 0], facets[:, 2] = color, kind if told_kind else UNTOLD
    asked = torch.zeros(n, 2, 4, dtype=torch.bool)
    asked[:, :, [0, 2]] = True
    phrase = (n + color * N_KINDS + kind)[:, None].expand(n, 2)
    return FusionLessons(
        images=images,
        has_image=torch.ones(n, dtype=torch.bool),
        texts=texts,
        told=torch.arange(n)[:, None].expand(n, 4).clone(),
        queries=phrase.clone(),
        asked=asked,
        facets=facets,
        titles=torch.arange(n),
        views=normalize(images[:20] + 0.1 * noise()[:20], dim=1),
        view_of=torch.arange(20),
        catalogs=torch.zeros(n, dtype=torch.long),
        color_queries=(n + N_COLORS * N_KINDS + torch.arange(N_COLORS))[:, None],
    )
