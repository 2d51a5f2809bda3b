"""The parts of a head that are fitted in closed form and then stay as they are.

Letters: N pictures, F features, K principal components, C ImageNet classes, T text embedding.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import normalize

from shopsearch.encoders.compact_head import CLIP, CompactHead
from shopsearch.encoders.compact_towers import N_CLASSES, TextTower
from shopsearch.training.imagenet_names import N_WAYS, ways_to_say

_MAX_ROWS = 12_000  # more do not change the components visibly
_WEIGHTS_OF_WAYS = (1.0, 1.0, 0.0, 2.0)  # the explained name knows what the class is a kind of


def fit_components(head: CompactHead, features: Tensor, generator: torch.Generator) -> None:
    """Set mean, scale and principal components from the (N, F) features of training pictures."""
    chosen = torch.randperm(len(features), generator=generator)[:_MAX_ROWS].sort().values
    rows = features[chosen].float()  # (n, F)
    mean, scale = rows.mean(dim=0), rows.std(dim=0).clamp_min(1e-3)
    standard = ((rows - mean) / scale).clamp(-CLIP, CLIP)
    variances, directions = torch.linalg.eigh(standard.T @ standard / len(standard))
    n = head.shape.components
    spread = variances[-n:].clamp_min(0).sqrt().mean().clamp_min(1e-6)
    head.feature_mean.copy_(mean)
    head.feature_scale.copy_(scale)
    head.basis.copy_(directions[:, -n:].flip(1) / spread)  # (F, K), the widest first


def fit_looks(head: CompactHead, components: Tensor) -> None:
    """The looks of a picture are its first principal components, the wide ones narrowed by half.

    Half-way to whitening, on a logarithmic scale: the widest components tell shape and background,
    and would drown the many narrow ones that tell one product from the next.
    """
    narrowed = components.std(dim=0).clamp_min(1e-6) ** -0.5  # (K,)
    head.looks_basis.copy_(torch.diag(narrowed)[:, : head.shape.looks])  # (K, V)


def embed_class_names(texts: TextTower) -> Tensor:
    """(N_WAYS, C, T) unit embeddings of the ways to say each class."""
    ways: Sequence[tuple[str, ...]] = ways_to_say()
    flat = [way for of_class in ways for way in of_class]
    return texts.embed(flat).view(N_CLASSES, N_WAYS, -1).transpose(0, 1)


def set_class_words(head: CompactHead, class_names: Tensor) -> None:
    """What the prior says for each class: a mean of the ways to say it."""
    weights = torch.tensor(_WEIGHTS_OF_WAYS)[:, None, None]  # (N_WAYS, 1, 1)
    head.class_words.copy_(normalize((weights * class_names).sum(dim=0), dim=1))
