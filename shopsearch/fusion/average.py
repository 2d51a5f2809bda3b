"""Average: the plain mean of the two embeddings. The baseline that learned methods have to beat."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import ModalityEmbeddings


class AverageFusion:
    """The weighted mean of image and text embedding, scaled back to length one.

    With both modalities: v = (w t + (1 - w) i) / |w t + (1 - w) i|. With one: that one, whatever
    its weight.
    """

    fusion_id = "average"

    def output_dimension(self, input_dimension: int) -> int:
        """The same as an embedding's."""
        return input_dimension

    def fuse(
        self, embeddings: ModalityEmbeddings, text_weight: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """See `Fusion.fuse`."""
        has_image, has_text = embeddings.has_image, embeddings.has_text  # (N,)
        if not np.all(has_image | has_text):
            raise ValueError("an item with neither image nor text cannot be fused")
        weight = np.where(has_image & has_text, text_weight, has_text.astype(np.float32))[:, None]
        mixed = weight * embeddings.text + (1.0 - weight) * embeddings.image  # (N, D)
        length = np.linalg.norm(mixed, axis=1, keepdims=True)  # (N, 1)
        opposed = length < 1e-6  # image and text cancel out: the image decides
        mixed = np.where(opposed, embeddings.image, mixed / np.maximum(length, 1e-6))
        return np.ascontiguousarray(mixed, dtype=np.float32)
