"""The head of the compact model: it joins the two frozen towers in one space.

A row has three parts side by side, and is of length one:

    picture   [ prior | learned | looks ]
    text      [ words | learned |   0   ]

`prior` is ConSE (Norouzi et al. 2014, arXiv:1312.5650): the mean of the text embeddings of the
ImageNet class names, less what all names share, weighted by what the classifier sees. It needs no
training and knows everyday things. `learned` was trained contrastively on catalogs, and knows
better what those show, and nothing else. So each picture says how much it trusts which: the more
training has seen of what the classifier sees in it, the more `learned` counts. `looks` holds what
tells one product from another in other views, for finding a picture by a picture; words have none,
and rank as they would without it.

Letters: B rows, F features, K of their principal components, C ImageNet classes, T the length of a
text embedding, J of the learned part, V of the looks.
"""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, normalize

from shopsearch.encoders.compact_towers import N_CLASSES, N_FEATURES, TEXT_DIM
from shopsearch.errors import EncoderUnavailable

FORMAT = "shopsearch-compact-head-4"
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


@dataclass(frozen=True, slots=True)
class Mix:
    """How the parts of a row share its length. Squares of the shares sum to one."""

    temperature: float = 1.5  # of the classifier: above 1 the prior hears more classes
    looks_share: float = 0.75  # of `looks` in a picture's row
    words_share: float = 0.4  # of `learned` in a text's row
    least_trust: float = 0.2  # weight of `learned` over that of `prior`: a picture of the unknown
    most_trust: float = 2.5  # the same: a picture of what training has seen often


class CompactHead(nn.Module):
    """Features and logits of pictures, embeddings of texts -> unit rows of one space."""

    feature_mean: Tensor  # (F,)
    feature_scale: Tensor  # (F,)
    basis: Tensor  # (F, K)
    class_words: Tensor  # (C, T), unit rows
    seen: Tensor  # (C,) in [0, 1): how much training has seen of each class
    looks_basis: Tensor  # (K, V)

    def __init__(self, shape: HeadShape, mix: Mix) -> None:
        super().__init__()
        self.shape, self.mix = shape, mix
        components, joint = shape.components, shape.learned
        self._reserve("feature_mean", N_FEATURES)
        self._reserve("feature_scale", N_FEATURES)
        self._reserve("basis", N_FEATURES, components)
        self._reserve("class_words", N_CLASSES, TEXT_DIM)
        self._reserve("seen", N_CLASSES)
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

    def trust(self, logits: Tensor) -> Tensor:
        """How much the learned part counts beside the prior, when words look for the pictures."""
        known = logits.softmax(dim=1) @ self.seen  # (B,)
        return self.trust_in(known)

    def trust_in(self, known: Tensor) -> Tensor:
        """The same, of a share in [0, 1] that training has seen."""
        least, most = self.mix.least_trust, self.mix.most_trust
        return (least + (most - least) * known)[:, None]  # (B, 1)

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
        words_share = self.mix.words_share  # words weigh the parts too: take that out again
        trust = self.trust(logits) * math.sqrt(1 - words_share**2) / words_share  # (B, 1)
        joint = join(self.prior(logits), self.learned(components), trust)  # (B, T + J)
        share = self.mix.looks_share
        rows = [math.sqrt(1 - share**2) * joint, share * self.looks(components)]
        return normalize(torch.cat(rows, dim=1), dim=1)  # (B, D)

    def text_rows(self, embedded: Tensor) -> Tensor:
        """The unit rows of texts."""
        share = self.mix.words_share
        words = math.sqrt(1 - share**2) * embedded  # (B, T)
        nothing_seen = embedded.new_zeros(len(embedded), self.shape.looks)  # (B, V)
        rows = [words, share * self.learned_words(embedded), nothing_seen]
        return normalize(torch.cat(rows, dim=1), dim=1)  # (B, D)

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
            head = cls(HeadShape(**about["shape"]), Mix(**about["mix"]))
            head.load_state_dict(tensors)
        except _UNREADABLE as error:
            raise EncoderUnavailable(
                f"{path} is no head of the compact encoder ({error}); train one with "
                "`shopsearch train head`, or unset SHOPSEARCH_HEAD to use the shipped one"
            ) from error
        return head.eval().requires_grad_(False)


def join(prior: Tensor, learned: Tensor, trust: Tensor) -> Tensor:
    """Unit rows of both side by side, `learned` weighing `trust` (B, 1) times what `prior` does."""
    return torch.cat([prior, trust * learned], dim=1) / (1 + trust**2).sqrt()  # (B, T + J)
