"""The head of the compact model on disk: its shape, how its parts mix, and its weights.

Torch is not needed here; `compact_head.py` says what the parts are, and shares its letters.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import safetensors
from numpy.typing import NDArray

from shopsearch.encoders.compact_weights import N_CLASSES, N_FEATURES, TEXT_DIM
from shopsearch.errors import EncoderUnavailable

FORMAT = "shopsearch-compact-head-5"
ABOUT = "shopsearch"  # the entry of the file's metadata that tells shape and mix
CLIP = 6.0  # standardised features beyond this are cut: one odd channel must not decide
_UNREADABLE = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    safetensors.SafetensorError,
)


@dataclass(frozen=True, slots=True)
class HeadShape:
    """The sizes of a head's parts."""

    components: int = 512  # K
    hidden: int = 1024
    learned: int = 256  # J
    looks: int = 384  # V
    landmarks: int = 256  # M

    @property
    def dimension(self) -> int:
        """D, the length of a row."""
        return TEXT_DIM + self.learned + self.looks

    def weights(self) -> dict[str, tuple[int, ...]]:
        """The names and shapes of a head's weights."""
        return {
            "feature_mean": (N_FEATURES,),
            "feature_scale": (N_FEATURES,),
            "basis": (N_FEATURES, self.components),
            "class_words": (N_CLASSES, TEXT_DIM),
            "landmarks": (self.landmarks, TEXT_DIM),
            "looks_basis": (self.components, self.looks),
            "direct.weight": (self.learned, self.components),
            "direct.bias": (self.learned,),
            "hidden.weight": (self.hidden, self.components),
            "hidden.bias": (self.hidden,),
            "out.weight": (self.learned, self.hidden),
            "out.bias": (self.learned,),
            "words.weight": (self.learned, TEXT_DIM),
            "words.bias": (self.learned,),
        }


@dataclass(frozen=True, slots=True)
class Trust:
    """How much `learned` weighs beside a text's words, by the cosine to the nearest landmark."""

    least: float  # at `strange` and below
    most: float  # at `familiar` and above; between them it grows evenly
    strange: float
    familiar: float


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


@dataclass(frozen=True, slots=True)
class HeadFile:
    """A head as it was saved; weights in full precision, by name."""

    shape: HeadShape
    mix: Mix
    weights: Mapping[str, NDArray[np.float32]]

    @classmethod
    def read(cls, path: Path) -> Self:
        """The head of a file. Raises `EncoderUnavailable`."""
        try:
            with safetensors.safe_open(path, framework="np") as file:
                about = json.loads((file.metadata() or {}).get(ABOUT, "{}"))
                names = list(file.keys())
                weights = {name: file.get_tensor(name).astype(np.float32) for name in names}
            if about.get("format") != FORMAT:
                raise ValueError(f"its format is {about.get('format')!r}, not {FORMAT!r}")
            head = cls(HeadShape(**about["shape"]), Mix.of(about["mix"]), weights)
            if {name: w.shape for name, w in weights.items()} != head.shape.weights():
                raise ValueError("its weights have other names or shapes than it says")
        except _UNREADABLE as error:
            raise EncoderUnavailable(
                f"{path} is no head of the compact encoder ({error}); train one with "
                "`shopsearch train head`, or unset SHOPSEARCH_HEAD to use the shipped one"
            ) from error
        return head
