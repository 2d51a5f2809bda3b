"""The learned combiner: a weighted sum, less what the words replace, plus what they look like.

Baldrati et al. 2022 (CLIP4Cir, arXiv:2203.04053) combine a picture and words by a gated sum with a
learned residual of full rank. Trained on the variants of one shop, such a residual forgets what
other shops show: here it has a low rank, and says only two things. What the words speak of, say the
colour, is taken out of the reference, and what it looks like is put in.

Letters: N queries, D the length of a fused vector, R the rank, G groups of neighbouring dimensions.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import safetensors
import safetensors.torch
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import gelu, normalize

from shopsearch.errors import FusionUnavailable
from shopsearch.fusion.card import FusionCard, read_card
from shopsearch.fusion.combiner import METHOD, REMEDY
from shopsearch.fusion.learned import write_weights
from shopsearch.fusion.module import spread

Rows = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class CombinerSizes:
    """The sizes of its parts."""

    rank: int = 64  # R
    groups: int = 16  # G
    strength: float = 0.3  # how much of the learned change a search makes; see the class


class ReplacingCombiner(nn.Module):
    """q = (1 - w) r + w t + 4 w (1 - w) ((1 - w) (a r + U (s(t) * V r)) + w (b t + U' gelu(V' t)))

    r is the reference, t the words, w their weight; s(t) = sigmoid(S t + c) says which of the R
    directions the words speak of; a and b are learned scales of groups of dimensions, zero at the
    start as U and U' are: training begins at the weighted sum. The change fades towards both ends
    of w: 0 is the reference alone, 1 the words alone, however it was trained.

    A search mixes q with the weighted sum: all of the change finds the one variant that is meant,
    but words that only say what the reference shows then lose what is like it. Much less than all
    finds nearly as many variants, and loses hardly any of the others: decision 13.
    """

    def __init__(self, dimension: int, sizes: CombinerSizes | None = None) -> None:
        super().__init__()
        sizes = sizes or CombinerSizes()
        self.dimension, self.sizes = dimension, sizes
        rank, groups = sizes.rank, min(sizes.groups, dimension)
        self.reference_scale = nn.Parameter(torch.zeros(groups))
        self.words_scale = nn.Parameter(torch.zeros(groups))
        self.spoken_of = nn.Linear(dimension, rank)
        self.found = nn.Linear(dimension, rank, bias=False)
        self.taken_out = nn.Linear(rank, dimension, bias=False)
        self.meant = nn.Linear(dimension, rank, bias=False)
        self.put_in = nn.Linear(rank, dimension, bias=False)
        self.dropout = nn.Dropout(0.1)
        nn.init.zeros_(self.taken_out.weight)
        nn.init.zeros_(self.put_in.weight)

    def forward(self, reference: Tensor, words: Tensor, text_weight: Tensor) -> Tensor:
        """(N, D) unit rows of (N, D) references, (N, D) words and (N,) text weights."""
        weight = text_weight[:, None]  # (N, 1)
        spoken = self.spoken_of(words).sigmoid() * self.found(reference)  # (N, R)
        out = self.taken_out(self.dropout(spoken))  # (N, D)
        out = out + spread(self.reference_scale, self.dimension) * reference
        put = self.put_in(self.dropout(gelu(self.meant(words))))  # (N, D)
        put = put + spread(self.words_scale, self.dimension) * words
        change = (1 - weight) * out + weight * put  # (N, D)
        mixed = (1 - weight) * reference + weight * words
        replaced = normalize(mixed + 4 * weight * (1 - weight) * change, dim=1)  # (N, D)
        if self.training:
            return replaced
        strength = self.sizes.strength
        return normalize((1 - strength) * normalize(mixed, dim=1) + strength * replaced, dim=1)


class LearnedCombiner:
    """A trained combiner behind the `Combiner` port."""

    def __init__(self, module: ReplacingCombiner) -> None:
        self._module = module.eval().requires_grad_(False)

    @classmethod
    def load(cls, path: Path) -> Self:
        """The combiner of a file. Raises `FusionUnavailable`."""
        card = read_combiner_card(path)
        try:
            module = ReplacingCombiner(card.dimension, CombinerSizes(**_own_sizes(card)))
            weights = safetensors.torch.load_file(path)
            module.load_state_dict({name: weight.float() for name, weight in weights.items()})
        except (OSError, TypeError, ValueError, RuntimeError, safetensors.SafetensorError) as error:
            raise FusionUnavailable(f"{path} holds no combiner ({error}); {REMEDY}") from error
        return cls(module)

    @torch.inference_mode()
    def combine(self, reference: Rows, words: Rows, text_weight: Rows) -> Rows:
        """See `Combiner.combine`."""
        rows: Rows = self._module(
            torch.tensor(reference), torch.tensor(words), torch.tensor(text_weight)
        ).numpy()
        return rows


def read_combiner_card(path: Path) -> FusionCard:
    """What a file of weights says about itself. Raises `FusionUnavailable`."""
    card = read_card(path, REMEDY)
    if card.method != METHOD:
        raise FusionUnavailable(f"{path} holds a fusion ({card.method}), no combiner; {REMEDY}")
    return card


def save_combiner(module: ReplacingCombiner, encoder_id: str, fusion_id: str, path: Path) -> None:
    """Write weights and card; whoever reads sees the old file or the new one."""
    sizes = {**asdict(module.sizes), "fusion_id": fusion_id}
    card = FusionCard(method=METHOD, dimension=module.dimension, encoder_id=encoder_id, sizes=sizes)
    write_weights(module.state_dict(), card, path)


def _own_sizes(card: FusionCard) -> dict[str, Any]:
    return {name: size for name, size in card.sizes.items() if name != "fusion_id"}
