"""The port of the fusion room, and the wrapper that learned fusions are used through."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import ModalityEmbeddings


class Fusion(Protocol):
    """Makes one vector of the image and the text of an item.

    A missing modality is a case, not an error: an item with an image alone or a text alone gets a
    vector that is comparable with every other. Products and queries are fused alike.
    """

    @property
    def fusion_id(self) -> str:
        """Names method and weights; part of the manifest."""

    def output_dimension(self, input_dimension: int) -> int:
        """The length of a fused vector, given the length of an embedding."""

    def fuse(
        self, embeddings: ModalityEmbeddings, text_weight: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """(N, E) unit rows. `text_weight` is (N,) in 0..1; 0.5 weighs both modalities alike, 0 is
        the image alone and 1 the text alone. An item of one modality does not care for it.
        """


class LazyFusion:
    """A fusion whose weights are loaded by its first use; its id is known without that."""

    def __init__(self, fusion_id: str, build: Callable[[], Fusion]) -> None:
        self._fusion_id = fusion_id
        self._build = build
        self._built: Fusion | None = None
        self._lock = threading.Lock()

    @property
    def fusion_id(self) -> str:
        """The id of the fusion that will be built."""
        return self._fusion_id

    def load(self) -> Fusion:
        """The fusion itself; built once, even when many threads ask at the same time."""
        with self._lock:
            if self._built is None:
                self._built = self._build()
            return self._built

    def output_dimension(self, input_dimension: int) -> int:
        """See `Fusion.output_dimension`; loads the weights."""
        return self.load().output_dimension(input_dimension)

    def fuse(
        self, embeddings: ModalityEmbeddings, text_weight: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """See `Fusion.fuse`."""
        return self.load().fuse(embeddings, text_weight)
