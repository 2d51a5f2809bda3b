"""The port of the fusion room."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import ModalityEmbeddings


class Fusion(Protocol):
    """Makes one vector of the image and the text of an item.

    A missing modality is a case, not an error: an item with an image alone or a text alone gets a
    vector that is comparable with every other.
    """

    @property
    def fusion_id(self) -> str:
        """Names method and weights; part of the manifest."""

    def output_dimension(self, input_dimension: int) -> int:
        """The length of a fused vector, given the length of an embedding."""

    def fuse(
        self, embeddings: ModalityEmbeddings, text_weight: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """(N, D) unit rows. `text_weight` is (N,) in 0..1; 0.5 weighs both modalities alike."""
