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
from shopsearch.training.centres import centres
from shopsearch.training.imagenet_names import N_WAYS, ways_to_say

_MAX_ROWS = 12_000  # more do not change the components visibly
_SHRINKAGE = 0.3  # of the scatter within products, towards the same in every direction
_WEIGHTS_OF_WAYS = (1.0, 1.0, 0.0, 2.0)  # the explained name knows what the class is a kind of


def fit_components(head: CompactHead, features: Tensor, generator: torch.Generator) -> None:
    """Set mean, scale and principal components from the (N, F) features of training pictures."""
    chosen = torch.randperm(len(features), generator=generator)[:_MAX_ROWS].sort().values
    rows = features[chosen].float()  # (n, F)
    mean, scale = rows.mean(dim=0), rows.std(dim=0).clamp_min(1e-3)
    standard = ((rows - mean) / scale).clamp(-CLIP, CLIP)
    variances, directions = _axes(standard.T @ standard / len(standard))
    n = head.shape.components
    spread = variances[-n:].clamp_min(0).sqrt().mean().clamp_min(1e-6)
    head.feature_mean.copy_(mean)
    head.feature_scale.copy_(scale)
    head.basis.copy_(directions[:, -n:].flip(1) / spread)  # (F, K), the widest first


def _axes(scatter: Tensor) -> tuple[Tensor, Tensor]:
    """(F,) variances, the smallest first, and the (F, F) directions that have them."""
    try:
        variances, directions = torch.linalg.eigh(scatter)
    except RuntimeError:  # torch.linalg.LinAlgError, which its types do not name
        # of a hundred pictures most directions have none, and single precision cannot part them
        variances, directions = torch.linalg.eigh(scatter.double())
    return variances.float(), directions.float()


def set_landmarks(head: CompactHead, captions: Tensor, generator: torch.Generator) -> None:
    """Set what is familiar: the centres of the (n, T) captions of training."""
    some = captions[torch.randperm(len(captions), generator=generator)[:_MAX_ROWS]]
    head.landmarks.copy_(centres(some, head.shape.landmarks, generator))


def fit_looks(head: CompactHead, components: Tensor, views: Tensor, originals: Tensor) -> None:
    """Set what makes two pictures alike: all that tells products apart, and not views of one.

    Linear discriminant analysis (Fisher 1936; Rao 1948) with one product per class: directions are
    shrunk by how much they differ between a product's `views` and its picture in `originals`, both
    (n, K), and of what is left the widest over all `components` (N, K) are kept.
    """
    change = views - originals  # (n, K)
    within = change.T @ change / len(change)  # (K, K)
    shrinkage = _SHRINKAGE * within.diagonal().mean().clamp_min(1e-6)
    strengths, axes = torch.linalg.eigh(within + shrinkage * torch.eye(len(within)))
    steady = axes @ torch.diag(strengths.rsqrt()) @ axes.T  # (K, K)
    between = steady @ torch.cov(components.T) @ steady  # (K, K)
    widest = torch.linalg.eigh(between).eigenvectors[:, -head.shape.looks :].flip(1)  # (K, V)
    basis = steady @ widest
    head.looks_basis.copy_(basis / basis.norm(dim=0).mean())  # near one: kept in half precision


def embed_class_names(texts: TextTower) -> Tensor:
    """(N_WAYS, C, T) unit embeddings of the ways to say each class."""
    ways: Sequence[tuple[str, ...]] = ways_to_say()
    flat = [way for of_class in ways for way in of_class]
    return texts.embed(flat).view(N_CLASSES, N_WAYS, -1).transpose(0, 1)


def set_class_words(head: CompactHead, class_names: Tensor) -> None:
    """What the prior says for each class: a mean of the ways to say it, less what all share.

    Else every picture is a little like the words that are like the name of any class, and the more
    so the more its prior counts.
    """
    weights = torch.tensor(_WEIGHTS_OF_WAYS)[:, None, None]  # (N_WAYS, 1, 1)
    said = normalize((weights * class_names).sum(dim=0), dim=1)  # (C, T)
    head.class_words.copy_(normalize(said - said.mean(dim=0), dim=1))
