"""The compact encoder: the default, because it needs no download beyond pip.

Two frozen towers (`compact_towers.py`) and a head that shopsearch trained (`compact_head.py`). How
it was built and what it reaches is told in data/model-card-compact.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from shopsearch.encoders.compact_head import CompactHead
from shopsearch.encoders.compact_id import compact_id, head_file
from shopsearch.encoders.compact_towers import SIDE_PX, ImageTower, TextTower, view_of
from shopsearch.encoders.regions import over_picture, positive_evidence

# Twice the side that embeddings are made at: 14 x 14 regions in place of 7 x 7, found more surely
FINE_SIDE_PX = 2 * SIDE_PX


class CompactEncoder:
    """An `Encoder` of EfficientNet-Lite2, MiniLM and a small head that joins them.

    `head` names another head than the shipped one; `threads` of 0 leaves torch as it is. Raises
    `EncoderUnavailable` where weights are missing or do not fit.
    """

    def __init__(self, head: Path | None = None, *, device: str = "auto", threads: int = 0) -> None:
        if threads:
            torch.set_num_threads(threads)
        self._encoder_id = compact_id(head)
        self._device = _resolved(device)
        self._head = CompactHead.load(head_file(head)).to(self._device)
        self._images = ImageTower(self._device)
        self._texts = TextTower(self._device)

    @property
    def encoder_id(self) -> str:
        """See `Encoder.encoder_id`."""
        return self._encoder_id

    @property
    def dimension(self) -> int:
        """See `Encoder.dimension`."""
        return self._head.dimension

    @torch.inference_mode()
    def encode_images(self, pictures: Sequence[Image.Image]) -> NDArray[np.float32]:
        """See `Encoder.encode_images`."""
        features = self._images.features(pictures)  # (N, N_FEATURES)
        rows = self._head.image_rows(features, self._images.logits(features))  # (N, D)
        return _as_rows(rows)

    @torch.inference_mode()
    def encode_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Encoder.encode_texts`."""
        embedded = self._texts.embed(texts)  # (N, TEXT_DIM)
        return _as_rows(self._head.text_rows(embedded))  # (N, D)

    def relevance(self, picture: Image.Image, wanted: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `RegionExplainer.relevance`: by the tower's last stage, through the real head.

        The tower is shown the picture at twice the size that embeddings are made from.
        """
        rows, last = self._images.last_map(picture, FINE_SIDE_PX)
        target = torch.from_numpy(wanted).to(self._device)  # (D,)
        with torch.enable_grad():
            features = self._images.features_from(rows, last.requires_grad_())
            row = self._head.image_rows(features, self._images.logits(features))[0]  # (D,)
            evidence = positive_evidence(row @ target, last)  # (H, W)
        return over_picture(evidence, view_of(picture))


def _resolved(device: str) -> torch.device:
    if device != "auto":
        return torch.device(device)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def _as_rows(rows: torch.Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = rows.float().cpu().numpy()
    return np.ascontiguousarray(array)
