"""The gated fusion in use, without torch: a search starts sooner than torch can be imported.

`gated.py` says what it does and is what is trained; here are the same figures in numpy. Letters as
in `module.py`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import numpy as np
import safetensors
from numpy.typing import NDArray

from shopsearch.domain import ModalityEmbeddings
from shopsearch.errors import FusionUnavailable
from shopsearch.fusion.card import REMEDY, FusionCard, check_dimension, read_card, weights_id
from shopsearch.fusion.spans import IMAGES, TEXTS, Span

METHOD = "gated"
Rows = NDArray[np.float32]

_IMAGE, _TEXT, _IMAGE_ALONE = range(3)
_ROWS_AT_ONCE = 4096
_NOTHING_LEFT = 1e-6  # a row shorter than this has no direction
_erf = np.frompyfunc(math.erf, 1, 1)  # numpy has none; a row asks for as many as the rank


class GatedRows:
    """A `Fusion` of trained weights of the method gated, by their names in the file."""

    def __init__(self, card: FusionCard, weights: Mapping[str, Rows], fusion_id: str) -> None:
        self._dimension = card.dimension
        self._weights = weights
        self._fusion_id = fusion_id
        groups = weights["log_scales"].shape[1]
        size = -(-card.dimension // groups)  # the last group may be smaller
        self._group_of = np.arange(card.dimension) // size  # (D,)
        self._scales = np.exp(weights["log_scales"])[:, self._group_of]  # (3, D)

    @classmethod
    def load(cls, path: Path) -> Self:
        """The fusion of a file. Raises `FusionUnavailable`."""
        card = read_card(path)
        try:
            with safetensors.safe_open(path, framework="np") as file:
                names = list(file.keys())
                weights = {name: file.get_tensor(name).astype(np.float32) for name in names}
            if not all(np.isfinite(weight).all() for weight in weights.values()):
                raise ValueError("it holds weights that are no numbers")
            if _shapes(card) != {name: weight.shape for name, weight in weights.items()}:
                raise ValueError("its weights have other names or shapes than it says")
        except (OSError, TypeError, KeyError, ValueError, safetensors.SafetensorError) as error:
            message = f"{path} holds no fusion weights ({error}); {REMEDY}"
            raise FusionUnavailable(message) from error
        return cls(card, weights, weights_id(path))

    @property
    def fusion_id(self) -> str:
        """See `Fusion.fusion_id`."""
        return self._fusion_id

    def output_dimension(self, input_dimension: int) -> int:
        """See `Fusion.output_dimension`. Raises `FusionMismatch`."""
        check_dimension(self._fusion_id, self._dimension, input_dimension)
        return self._dimension

    def fuse(self, embeddings: ModalityEmbeddings, text_weight: Rows) -> Rows:
        """See `Fusion.fuse`. Raises `FusionMismatch`."""
        if not np.all(embeddings.has_image | embeddings.has_text):
            raise ValueError("an item with neither image nor text cannot be fused")
        n_items = len(text_weight)
        if n_items:
            check_dimension(self._fusion_id, self._dimension, embeddings.image.shape[1])
        rows = np.zeros((n_items, self._dimension), dtype=np.float32)
        for start in range(0, n_items, _ROWS_AT_ONCE):
            some = slice(start, start + _ROWS_AT_ONCE)
            has_image = embeddings.has_image[some, None].astype(np.float32)  # (B, 1)
            has_text = embeddings.has_text[some, None].astype(np.float32)  # (B, 1)
            image, text = embeddings.image[some], embeddings.text[some]  # (B, D) each
            lean = (2 * text_weight[some, None] - 1) * has_image * has_text  # (B, 1)
            rows[some] = self._leaning(image, text, has_image, has_text, lean)
        return rows

    def _leaning(
        self, image: Rows, text: Rows, has_image: Rows, has_text: Rows, lean: Rows
    ) -> Rows:
        """Towards -1 the image alone, towards 1 the text alone: `FusionModule.forward`."""
        even = self._mixed(image, text, has_image, has_text)  # (B, D)
        if lean.any():
            none = np.zeros_like(has_image)
            # an item of one modality has a lean of 0, and keeps what it is
            alone_image = 2 * self._mixed(image, 0 * text, has_image, none)  # (B, D)
            alone_text = 2 * self._mixed(0 * image, text, none, has_text)  # (B, D)
            towards = np.where(lean < 0, alone_image, alone_text)
            even = np.where(lean == 0, even, (1 - abs(lean)) * even + abs(lean) * towards)
        length = np.linalg.norm(even, axis=1, keepdims=True)  # (B, 1)
        # where image and text cancel out, the image decides
        rows = np.where(length < _NOTHING_LEFT, np.where(has_image > 0, image, text), even)
        unit: Rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit

    def _mixed(self, image: Rows, text: Rows, has_image: Rows, has_text: Rows) -> Rows:
        """`Gated.mixed`."""
        weights = self._weights
        filled_image = image + (1 - has_image) * weights["no_image"]  # (B, D)
        filled_text = text + (1 - has_text) * weights["no_text"]  # (B, D)
        heard = np.concatenate([filled_image, filled_text, has_image, has_text], axis=1)
        familiar = self._familiar(image, text, has_image, has_text)  # (B, 1)
        gate = _sigmoid(familiar * self._linear("gate", heard))[:, self._group_of]  # (B, D)
        both = (1 - gate) * self._scales[_IMAGE] * image + gate * self._scales[_TEXT] * text
        alone = self._scales[_IMAGE_ALONE] * image + text  # (B, D)
        mean = np.where(has_image * has_text > 0, both, 0.5 * alone)
        residual = _gelu(self._linear("residual.into", heard)) @ weights["residual.out.weight"].T
        mixed: Rows = mean + familiar * residual
        return mixed

    def _familiar(self, image: Rows, text: Rows, has_image: Rows, has_text: Rows) -> Rows:
        """`Familiarity`: that of the modality that is stranger, of those that an item has."""
        least = np.ones_like(has_image)  # (B, 1)
        kinds = (("image", IMAGES, image, has_image), ("text", TEXTS, text, has_text))
        for kind, span, rows, has in kinds:
            landmarks = self._weights[f"familiarity.{kind}_landmarks"]  # (M, D)
            if len(landmarks) and has.any():  # a query of words has no picture to compare
                trust = _trust(span, rows, landmarks)
                least = np.where(has > 0, np.minimum(least, trust), least)
        return least

    def _linear(self, name: str, rows: Rows) -> Rows:
        product: Rows = rows @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
        return product


def _shapes(card: FusionCard) -> dict[str, tuple[int, ...]]:
    """The names and shapes of the weights of a card."""
    sizes, dimension = card.sizes, card.dimension
    heard = 2 * dimension + 2
    return {
        "no_image": (dimension,),
        "no_text": (dimension,),
        "familiarity.image_landmarks": (sizes.get("image_landmarks", 0), dimension),
        "familiarity.text_landmarks": (sizes.get("text_landmarks", 0), dimension),
        "log_scales": (3, sizes["groups"]),
        "gate.weight": (sizes["groups"], heard),
        "gate.bias": (sizes["groups"],),
        "residual.into.weight": (sizes["rank"], heard),
        "residual.into.bias": (sizes["rank"],),
        "residual.out.weight": (dimension, sizes["rank"]),
    }


def _trust(span: Span, rows: Rows, landmarks: Rows) -> Rows:
    """(B, 1) shares for (B, D) rows and (M, D) landmarks."""
    nearest = (rows @ landmarks.T).max(axis=1, keepdims=True)  # (B, 1)
    share: Rows = ((nearest - span.strange) / (span.familiar - span.strange)).clip(0, 1)
    return share


def _sigmoid(rows: Rows) -> Rows:
    share: Rows = 0.5 * (1 + np.tanh(0.5 * rows))
    return share


def _gelu(rows: Rows) -> Rows:
    """Hendrycks and Gimpel 2016, arXiv:1606.08415."""
    bent: Rows = 0.5 * rows * (1 + _erf(rows / math.sqrt(2)).astype(np.float32))
    return bent
