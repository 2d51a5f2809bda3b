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
from dataclasses import asdict
from pathlib import Path
from typing import Self

import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, normalize

from shopsearch.encoders.compact_head_file import (
    ABOUT,
    CLIP,
    FORMAT,
    HeadFile,
    HeadShape,
    Mix,
    Trust,
)
from shopsearch.encoders.compact_weights import N_CLASSES, N_FEATURES, TEXT_DIM

__all__ = ["CLIP", "CompactHead", "HeadShape", "Mix", "Trust", "join"]


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
        return self.shape.dimension

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
        trust = self.mix.trust
        likeness = (embedded @ self.landmarks.T).amax(dim=1, keepdim=True)  # (B, 1)
        share = ((likeness - trust.strange) / (trust.familiar - trust.strange)).clamp(0, 1)
        return trust.least + (trust.most - trust.least) * share  # (B, 1)

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
            file.write(safetensors.torch.save(tensors, {ABOUT: json.dumps(about)}))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """A head as it was saved, ready to use. Raises `EncoderUnavailable`."""
        saved = HeadFile.read(path)
        head = cls(saved.shape, saved.mix)
        head.load_state_dict({name: torch.from_numpy(w) for name, w in saved.weights.items()})
        return head.eval().requires_grad_(False)


def join(known: Tensor, learned: Tensor, trust: Tensor | float = 1.0) -> Tensor:
    """Unit rows of both side by side, `learned` (B, J) weighing `trust` times what `known` does."""
    return normalize(torch.cat([known, trust * learned], dim=1), dim=1)  # (B, T + J)
