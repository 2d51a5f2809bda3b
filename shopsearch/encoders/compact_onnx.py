"""The compact encoder without torch: its two graphs on ONNX Runtime, which is quicker on a CPU.

The graphs give the rows that torch gives (to 1e-4), so both runtimes have one encoder id. Heat maps
need gradients: they are made by the encoder of `compact.py`, loaded by the first of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from shopsearch.encoders.base import Encoder, LazyEncoder
from shopsearch.encoders.compact_head_file import HeadFile
from shopsearch.encoders.compact_id import INT8, compact_id, head_file
from shopsearch.encoders.compact_inputs import TextReader, square_batches
from shopsearch.encoders.compact_weights import image_weights, text_folder, text_weights
from shopsearch.encoders.kept_models import KeptModels
from shopsearch.encoders.onnx_session import LazySession

if TYPE_CHECKING:
    from PIL.Image import Image

PICTURES_PER_BATCH = 8  # more are no faster, and take more memory
_WRITERS = ("compact_graphs.py", "compact_export.py", "compact_int8.py", "onnx_graph.py")
_SAMPLES, _SAMPLE_BYTES = 16, 65_536


class OnnxCompactEncoder:
    """An `Encoder` of EfficientNet-Lite2, MiniLM and a small head that joins them.

    `head` names another head than the shipped one. `models` is the folder in which the graphs are
    kept; without one they are made at every start. `threads` of 0 takes all cores. With `examples`,
    pictures are encoded in 8 bits, which these pictures calibrate; the embeddings are others then,
    and so is the id. Raises `EncoderUnavailable` where weights are missing or do not fit; each
    graph is loaded by its first use.
    """

    def __init__(
        self,
        head: Path | None = None,
        *,
        models: Path | None = None,
        threads: int = 0,
        examples: Callable[[], Sequence[Image]] | None = None,
    ) -> None:
        self._encoder_id = compact_id(head) + (INT8 if examples else "")
        self._examples = examples
        self._head = head_file(head)
        self._dimension = HeadFile.read(self._head).shape.dimension
        self._kept = KeptModels(models)
        folder, weights = text_folder(), image_weights()
        self._reader = TextReader(folder)
        self._texts = LazySession(lambda: self._text_graph(text_weights(folder)), threads)
        self._pictures = LazySession(lambda: self._picture_graph(weights), threads)
        self._explainer = LazyEncoder(self._encoder_id, lambda: _with_gradients(head, threads))

    @property
    def encoder_id(self) -> str:
        """See `Encoder.encoder_id`."""
        return self._encoder_id

    @property
    def dimension(self) -> int:
        """See `Encoder.dimension`."""
        return self._dimension

    def encode_images(self, pictures: Sequence[Image]) -> NDArray[np.float32]:
        """See `Encoder.encode_images`."""
        batches = square_batches(pictures, PICTURES_PER_BATCH)
        rows = [self._pictures.rows(pixels=squares) for squares in batches]
        return np.concatenate([np.empty((0, self._dimension), dtype=np.float32), *rows])

    def encode_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Encoder.encode_texts`."""
        rows = np.empty((len(texts), self._dimension), dtype=np.float32)
        for batch in self._reader.batches(texts):
            rows[batch.places] = self._texts.rows(ids=batch.ids, mask=batch.mask)
        return rows

    def relevance(self, picture: Image, wanted: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `RegionExplainer.relevance`; loads torch."""
        return self._explainer.relevance(picture, wanted)

    def _text_graph(self, weights: Path) -> Path | bytes:
        def export() -> bytes:
            from shopsearch.encoders.compact_export import export_texts

            return export_texts(HeadFile.read(self._head))

        return self._kept.get("texts", self._version(weights), export)

    def _picture_graph(self, weights: Path) -> Path | bytes:
        def export() -> bytes:
            from shopsearch.encoders.compact_export import export_pictures

            graph = export_pictures(HeadFile.read(self._head))
            return graph if self._examples is None else _in_int8(graph, self._examples())

        return self._kept.get("pictures", self._version(weights), export)

    def _version(self, weights: Path) -> str:
        return f"{self._encoder_id}-{_graph_version(weights)}"


def _in_int8(graph: bytes, examples: Sequence[Image]) -> bytes:
    from shopsearch.encoders.compact_int8 import in_int8

    return in_int8(graph, square_batches(examples, PICTURES_PER_BATCH))


def _with_gradients(head: Path | None, threads: int) -> Encoder:
    from shopsearch.encoders.compact import CompactEncoder

    return CompactEncoder(head, device="cpu", threads=threads)


def _graph_version(weights: Path) -> str:
    """Names the weights of a tower and the code that writes its graph."""
    digest = hashlib.sha256()
    for name in _WRITERS:
        digest.update((files("shopsearch.encoders") / name).read_bytes())
    size = weights.stat().st_size
    digest.update(str(size).encode())
    with weights.open("rb") as file:  # other weights differ everywhere: samples tell them apart
        for place in range(_SAMPLES):
            file.seek(place * size // _SAMPLES)
            digest.update(file.read(_SAMPLE_BYTES))
    return digest.hexdigest()[:16]
