"""The head of the compact model: it joins the two frozen towers in one space.

A row has three parts side by side, and is of length one:

    picture   [ prior | learned | looks ]
    text      [ words | learned |   0   ]

`prior` is ConSE (Norouzi et al. 2014, arXiv:1312.5650): the mean of the text embeddings of the
ImageNet class names, less what all names share, weighted by what the classifier sees. It needs no
training and knows everyday things. `learned` was trained contrastively on catalogs: it knows better
what those show, and nothing else. So it counts the more, the more familiar a text is: the nearer it
lies to the landmarks, the centres of what training has read. `looks` holds what tells one product
from another in other views, for finding a picture by a picture; words have none. All pictures have
the same shares, so that each text ranks them by its own mix of prior and learned part.

Letters: B rows, F features, K of their principal components, C ImageNet classes, T the length of a
text embedding, J of the learned part, V of the looks, M landmarks.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, normalize

from shopsearch.encoders.compact_towers import N_CLASSES, N_FEATURES, TEXT_DIM
from shopsearch.errors import EncoderUnavailable

FORMAT = "shopsearch-compact-head-5"
_ABOUT = "shopsearch"  # the entry of the file's metadata that tells shape and mix
_UNREADABLE = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    RuntimeError,
    safetensors.SafetensorError,
)
CLIP = 6.0  # standardised features beyond this are cut: one odd channel must not decide


@dataclass(frozen=True, slots=True)
class HeadShape:
    """The sizes of a head's parts."""

    components: int = 512  # K
    hidden: int = 1024
    learned: int = 256  # J
    looks: int = 384  # V
    landmarks: int = 256  # M


@dataclass(frozen=True, slots=True)
class Trust:
    """How much `learned` weighs beside a text's words, by the cosine to the nearest landmark."""

    least: float  # at `strange` and below
    most: float  # at `familiar` and above; between them it grows evenly
    strange: float
    familiar: float

    def at(self, likeness: Tensor) -> Tensor:
        """(B, 1) weights for (B,) cosines."""
        share = ((likeness - self.strange) / (self.familiar - self.strange)).clamp(0, 1)
        return (self.least + (self.most - self.least) * share)[:, None]


@dataclass(frozen=True, slots=True)
class Mix:
    """How the parts of a row share its length."""

    temperature: float = 1.5  # of the classifier: above 1 the prior hears more classes
    looks_share: float = 0.75  # of `looks` in a picture's row
    trust: Trust = Trust(least=0.4, most=1.5, strange=0.45, familiar=0.65)

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        """The mix that a file tells."""
        return cls(**{**told, "trust": Trust(**told["trust"])})


class CompactHead(nn.Module):
    """Features and logits of pictures, embeddings of texts -> unit rows of one space."""

    feature_mean: Tensor  # (F,)
    feature_scale: Tensor  # (F,)
    basis: Tensor  # (F, K)
    class_words: Tensor  # (C, T), unit rows
    landmarks: Tensor  # (M, T), unit rows
    looks_basis: Tensor  # (K, V)

    def __init__(self, shape: HeadShape, mix: Mix) -> None:
        super().__init__()
        self.shape, self.mix = shape, mix
        components, joint = shape.components, shape.learned
        self._reserve("feature_mean", N_FEATURES)
        self._reserve("feature_scale", N_FEATURES)
        self._reserve("basis", N_FEATURES, components)
        self._reserve("class_words", N_CLASSES, TEXT_DIM)
        self._reserve("landmarks", shape.landmarks, TEXT_DIM)
        self._reserve("looks_basis", components, shape.looks)
        self.direct = nn.Linear(components, joint)
        self.hidden = nn.Linear(components, shape.hidden)
        self.out = nn.Linear(shape.hidden, joint)
        self.words = nn.Linear(TEXT_DIM, joint)
        self.dropout = nn.Dropout(0.2)

    def _reserve(self, name: str, *size: int) -> None:
        self.register_buffer(name, torch.zeros(*size))

    @property
    def dimension(self) -> int:
        """D, the length of a row."""
        return TEXT_DIM + self.shape.learned + self.shape.looks

    def compress(self, features: Tensor) -> Tensor:
        """The principal components of standardised features."""
        standard = (features - self.feature_mean) / self.feature_scale  # (B, F)
        return standard.clamp(-CLIP, CLIP) @ self.basis  # (B, K)

    def prior(self, logits: Tensor) -> Tensor:
        """What ImageNet's classes say about the pictures, in words."""
        seen_classes = (logits / self.mix.temperature).softmax(dim=1)  # (B, C)
        return normalize(seen_classes @ self.class_words, dim=1)  # (B, T)

    def trust(self, embedded: Tensor) -> Tensor:
        """How much the learned part of texts counts beside their words."""
        return self.mix.trust.at((embedded @ self.landmarks.T).amax(dim=1))  # (B, 1)

    def learned(self, components: Tensor) -> Tensor:
        """What training has taught about the pictures."""
        bent = self.out(self.dropout(gelu(self.hidden(components))))  # (B, J)
        return normalize(self.direct(components) + bent, dim=1)  # (B, J)

    def learned_words(self, embedded: Tensor) -> Tensor:
        """The texts, as the learned part of a picture understands them."""
        return normalize(self.words(embedded), dim=1)  # (B, J)

    def looks(self, components: Tensor) -> Tensor:
        """The pictures for one another."""
        return normalize(components @ self.looks_basis, dim=1)  # (B, V)

    def image_rows(self, features: Tensor, logits: Tensor) -> Tensor:
        """The unit rows of pictures."""
        components = self.compress(features)  # (B, K)
        joint = join(self.prior(logits), self.learned(components))  # (B, T + J)
        share = self.mix.looks_share
        rows = [math.sqrt(1 - share**2) * joint, share * self.looks(components)]
        return normalize(torch.cat(rows, dim=1), dim=1)  # (B, D)

    def text_rows(self, embedded: Tensor) -> Tensor:
        """The unit rows of texts."""
        joint = join(embedded, self.learned_words(embedded), self.trust(embedded))  # (B, T + J)
        nothing_seen = embedded.new_zeros(len(embedded), self.shape.looks)  # (B, V)
        return normalize(torch.cat([joint, nothing_seen], dim=1), dim=1)  # (B, D)

    def save(self, path: Path) -> None:
        """Write the head in half precision; whoever reads sees the old file or the new one."""
        tensors = {name: w.detach().half().contiguous() for name, w in self.state_dict().items()}
        about = {"format": FORMAT, "shape": asdict(self.shape), "mix": asdict(self.mix)}
        beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            # one entry: safetensors writes several in any order, and the same head has one hash
            file.write(safetensors.torch.save(tensors, {_ABOUT: json.dumps(about)}))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """A head as it was saved, ready to use. Raises `EncoderUnavailable`."""
        try:
            with safetensors.safe_open(path, framework="pt") as file:
                about = json.loads((file.metadata() or {}).get(_ABOUT, "{}"))
                tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 - no mapping
            if about.get("format") != FORMAT:
                raise ValueError(f"its format is {about.get('format')!r}, not {FORMAT!r}")
            head = cls(HeadShape(**about["shape"]), Mix.of(about["mix"]))
            head.load_state_dict(tensors)
        except _UNREADABLE as error:
            raise EncoderUnavailable(
                f"{path} is no head of the compact encoder ({error}); train one with "
                "`shopsearch train head`, or unset SHOPSEARCH_HEAD to use the shipped one"
            ) from error
        return head.eval().requires_grad_(False)


def join(known: Tensor, learned: Tensor, trust: Tensor | float = 1.0) -> Tensor:
    """Unit rows of both side by side, `learned` (B, J) weighing `trust` times what `known` does."""
    return normalize(torch.cat([known, trust * learned], dim=1), dim=1)  # (B, T + J)
