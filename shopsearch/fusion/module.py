"""What all learned fusions share: how an item comes in, what its text weight does, how rows end.

A method says only how it mixes what is there (`FusionModule.mixed`). A missing modality is a
learned token in its place, and a mask that tells the method so. Letters: B items, D the length of
an embedding, E of a fused row, R the rank of a residual, G groups of neighbouring dimensions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from shopsearch.fusion.familiarity import Familiarity

_NOTHING_LEFT = 1e-6  # a row shorter than this has no direction
_ALONE = 2.0  # half of a mean is missing where a modality is: this makes up for it


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes of a method's parts; each method reads those that it has."""

    rank: int = 64  # of the learned residual
    groups: int = 16  # of neighbouring dimensions that share a learned weight
    per_dimension: bool = False  # weighted sum: a weight per dimension instead of one
    image_landmarks: int = 0  # of what training has seen: see `Familiarity`
    text_landmarks: int = 0


class Items(NamedTuple):
    """B items as tensors; rows without the modality are zero."""

    image: Tensor  # (B, D)
    text: Tensor  # (B, D)
    has_image: Tensor  # (B, 1), 1.0 or 0.0
    has_text: Tensor  # (B, 1)

    def image_alone(self) -> Items:
        """The same items without their texts, where an image is left."""
        keep = 1 - self.has_image  # (B, 1)
        return self._replace(text=keep * self.text, has_text=keep * self.has_text)

    def text_alone(self) -> Items:
        """The same items without their images, where a text is left."""
        keep = 1 - self.has_text  # (B, 1)
        return self._replace(image=keep * self.image, has_image=keep * self.has_image)


class FusionModule(nn.Module):
    """A learned fusion. It starts equal to its simple baseline."""

    method: ClassVar[str]
    quick: ClassVar[tuple[str, ...]] = ()  # its few scales, which learn faster than matrices

    def __init__(self, dimension: int, sizes: Sizes) -> None:
        super().__init__()
        self.dimension, self.sizes = dimension, sizes
        self.no_image = nn.Parameter(torch.zeros(dimension))  # stands where an image is missing
        self.no_text = nn.Parameter(torch.zeros(dimension))
        self.familiarity = Familiarity(dimension, sizes.image_landmarks, sizes.text_landmarks)

    @property
    def output_dimension(self) -> int:
        """E, the length of a fused row."""
        return self.dimension

    def mixed(self, items: Items) -> Tensor:
        """(B, E) rows of any length; both modalities weigh alike, or the one that is there."""
        raise NotImplementedError

    def filled(self, items: Items) -> tuple[Tensor, Tensor]:
        """Images and texts, (B, D) each, with the learned tokens where one is missing."""
        image = items.image + (1 - items.has_image) * self.no_image  # (B, D)
        return image, items.text + (1 - items.has_text) * self.no_text  # (B, D)

    def familiar(self, items: Items) -> Tensor:
        """(B, 1) how much of what was learned an item may have: 0 where it is strange."""
        share: Tensor = self.familiarity(*items)
        return share

    def forward(self, items: Items, text_weight: Tensor) -> Tensor:
        """(B, E) unit rows. `text_weight` is (B,).

        Below one half a row goes straight towards that of the image alone, above towards that of
        the text alone; so both ends are what an item of one modality gets.
        """
        even = self.mixed(items)  # (B, E)
        has_both = items.has_image * items.has_text  # (B, 1)
        lean = (2 * text_weight[:, None] - 1) * has_both  # (B, 1), -1 image alone, 1 text alone
        if bool((lean != 0).any()):
            image = _ALONE * self.mixed(items.image_alone())  # (B, E)
            text = _ALONE * self.mixed(items.text_alone())  # (B, E)
            towards = torch.where(lean < 0, image, text)
            even = (1 - lean.abs()) * even + lean.abs() * towards
        return self._unit(even, items)

    def _unit(self, rows: Tensor, items: Items) -> Tensor:
        """Rows at length one; where image and text cancel out, the image decides."""
        length = rows.norm(dim=1, keepdim=True)  # (B, 1)
        opposed = length < _NOTHING_LEFT
        if not bool(opposed.any()):
            return normalize(rows, dim=1)
        some = torch.where(items.has_image > 0, items.image, items.text)  # (B, D)
        extra = self.output_dimension - self.dimension
        some = torch.cat([some, some.new_zeros(len(some), extra)], dim=1)  # (B, E)
        return normalize(torch.where(opposed, some, rows), dim=1)


class Residual(nn.Module):
    """A learned addition of low rank, zero at the start: U gelu(V z + b).

    Of low rank it can turn and stretch a few directions, and not forget what the others know.
    """

    def __init__(self, n_in: int, rank: int, n_out: int) -> None:
        super().__init__()
        self.into = nn.Linear(n_in, rank)
        self.out = nn.Linear(rank, n_out, bias=False)
        nn.init.zeros_(self.out.weight)

    def forward(self, rows: Tensor) -> Tensor:
        """(B, n_in) -> (B, n_out)."""
        addition: Tensor = self.out(nn.functional.gelu(self.into(rows)))
        return addition


def spread(weights: Tensor, dimension: int) -> Tensor:
    """(..., G) weights of groups as (..., dimension) weights of dimensions; groups are even."""
    groups = weights.shape[-1]
    size = -(-dimension // groups)  # the last group may be smaller
    return weights.repeat_interleave(size, dim=-1)[..., :dimension]


def sizes_for(dimension: int, sizes: Sizes) -> Sizes:
    """The same sizes, brought down to what small embeddings allow."""
    return replace(sizes, rank=min(sizes.rank, dimension), groups=min(sizes.groups, dimension))
