"""The ports of the encoder room, and the one wrapper that every encoder is used through."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from shopsearch.errors import RegionsUnavailable

if TYPE_CHECKING:
    from PIL.Image import Image


class Encoder(Protocol):
    """Turns texts and pictures into unit vectors of one joint space.

    Rows are float32 and of length one, always: there is no switch. A batch gives the rows that its
    members give alone (to 1e-4), in the order given; an empty batch gives shape (0, D). The empty
    text has a unit row too. Encoders may be called from several threads at once.
    """

    @property
    def encoder_id(self) -> str:
        """Names weights and preprocessing together: part of every cache key and manifest."""

    @property
    def dimension(self) -> int:
        """D, the length of every row."""

    def encode_images(self, pictures: Sequence[Image]) -> NDArray[np.float32]:
        """(N, D) unit rows of upright RGB pictures, longest side at most 512 px, any shape."""

    def encode_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(N, D) unit rows."""


@runtime_checkable
class RegionExplainer(Protocol):
    """What an encoder may offer besides: which regions of a picture speak for a text.

    May be called from several threads at once, beside `encode_images`.
    """

    def relevance(self, picture: Image, wanted: NDArray[np.float32]) -> NDArray[np.float32]:
        """(h, w) float32 in 0..1 over the whole of an upright RGB picture, the strongest cell 1.

        A cell is the higher, the more that region raises the cosine of the picture's embedding with
        `wanted`, a (D,) unit row. All zeros where no region raises it. The encoder chooses h and w;
        what it does not look at, such as what it crops off, is 0.
        """


@dataclass(frozen=True, slots=True)
class EncoderUse:
    """What an encoder was used for since its process began, of one modality."""

    batches: int = 0
    contents: int = 0
    seconds: float = 0.0


class _Meter:
    """Counts one modality; threads may share it."""

    def __init__(self) -> None:
        self.use = EncoderUse()
        self._lock = threading.Lock()

    @contextmanager
    def batch(self, n_contents: int) -> Iterator[None]:
        """Count a batch that is encoded in a block; one that fails does not count."""
        started = time.perf_counter()
        yield
        passed = time.perf_counter() - started
        with self._lock:
            so_far = self.use
            self.use = EncoderUse(
                so_far.batches + 1, so_far.contents + n_contents, so_far.seconds + passed
            )


class LazyEncoder:
    """An encoder whose weights are loaded by its first use.

    A run that finds nothing to encode never pays for torch. `encoder_id` is known without loading.
    """

    def __init__(self, encoder_id: str, build: Callable[[], Encoder]) -> None:
        self._encoder_id = encoder_id
        self._build = build
        self._built: Encoder | None = None
        self._lock = threading.Lock()
        self._pictures, self._texts = _Meter(), _Meter()

    @property
    def picture_use(self) -> EncoderUse:
        """What was encoded of pictures."""
        return self._pictures.use

    @property
    def text_use(self) -> EncoderUse:
        """What was encoded of texts."""
        return self._texts.use

    @property
    def encoder_id(self) -> str:
        """The id of the encoder that will be built."""
        return self._encoder_id

    @property
    def dimension(self) -> int:
        """D; loads the encoder."""
        return self.load().dimension

    @property
    def is_loaded(self) -> bool:
        """Whether the weights are in memory."""
        return self._built is not None

    @property
    def tells_regions(self) -> bool:
        """Whether it offers `relevance`; some open_clip towers turn out not to when asked."""
        return isinstance(self.load(), RegionExplainer)

    def load(self) -> Encoder:
        """The encoder itself; built once, even when many threads ask at the same time."""
        with self._lock:
            if self._built is None:
                self._built = self._build()
            return self._built

    def warm_up(self, *, texts: bool = True, pictures: bool = True) -> None:
        """Load all that the first text, or the first picture, would have to wait for."""
        from PIL import Image

        if texts:
            self.encode_texts([""])
        if pictures:
            self.encode_images([Image.new("RGB", (1, 1))])

    def encode_images(self, pictures: Sequence[Image]) -> NDArray[np.float32]:
        """See `Encoder.encode_images`."""
        encoder = self.load()
        with self._pictures.batch(len(pictures)):
            return encoder.encode_images(pictures)

    def encode_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Encoder.encode_texts`."""
        encoder = self.load()
        with self._texts.batch(len(texts)):
            return encoder.encode_texts(texts)

    def relevance(self, picture: Image, wanted: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `RegionExplainer.relevance`. Raises `RegionsUnavailable` where it is not offered."""
        encoder = self.load()
        if not isinstance(encoder, RegionExplainer):
            raise RegionsUnavailable(
                f"the encoder {self._encoder_id!r} cannot say which regions of a picture words "
                "speak of; use the compact encoder or openclip (SHOPSEARCH_ENCODER), and reindex"
            )
        return encoder.relevance(picture, wanted)
