"""Any open_clip model as an encoder: by name and tag, from a file, a folder or the hub."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import structlog
import torch
from numpy.typing import NDArray

from shopsearch.encoders.openclip_id import locate, openclip_id
from shopsearch.encoders.openclip_loading import load
from shopsearch.encoders.openclip_regions import last_map, seen_of
from shopsearch.encoders.openclip_text import text_encoding
from shopsearch.encoders.regions import WHOLE, over_picture, positive_evidence
from shopsearch.errors import EncoderError, EncoderUnavailable

if TYPE_CHECKING:
    from PIL.Image import Image

_log = structlog.get_logger(__name__)

_DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
_PROBES = ["", "a red mug with stripes", "word " * 200]  # no words, some, more than fit
_WIDEST = 8  # longest over shortest side; what lies further out, a central square cannot see


class OpenClipEncoder:
    """An `Encoder` on an open_clip model.

    `model` is a name that open_clip lists, with a tag or weights file as `pretrained`; or
    `hf-hub:organisation/name`, or `local-dir:folder`. `device` is auto, cpu, cuda or mps. With
    `precision` auto a CUDA device computes in fp16 and everything else in fp32. Raises
    `EncoderUnavailable`.
    """

    def __init__(
        self,
        model: str,
        pretrained: str | None = None,
        *,
        device: str = "auto",
        precision: str = "auto",
        cache_dir: Path | None = None,
        batch_size: int = 32,
        threads: int = 4,
    ) -> None:
        started = time.perf_counter()
        source = locate(model, pretrained)
        self.encoder_id = openclip_id(model, pretrained)
        self._device = _device(device)
        precision = _precision(precision, self._device)
        self._model = load(source, device=self._device, precision=precision, cache_dir=cache_dir)
        self._dtype = _DTYPES[precision]
        self._batch_size = batch_size
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="openclip-pictures")
        self._tokenizing = threading.Lock()  # Hugging Face's tokenizers change while they work
        with torch.inference_mode():
            probes = self._tokens(_PROBES)
            self._encode_text = text_encoding(self._model.network, probes, self._dtype)
            self.dimension = self._encode_text(probes).shape[1]
        _log.info(
            "open_clip model loaded",
            encoder_id=self.encoder_id,
            device=self._device,
            precision=precision,
            seconds=round(time.perf_counter() - started, 2),
        )

    def encode_images(self, pictures: Sequence[Image]) -> NDArray[np.float32]:
        """See `Encoder.encode_images`."""
        rows = np.empty((len(pictures), self.dimension), dtype=np.float32)
        with torch.inference_mode():
            for start, pixels in self._pixels(pictures):
                batch = pixels.to(self._device, self._dtype, non_blocking=True)  # (B, 3, H, W)
                features = self._model.network.encode_image(batch)  # (B, D)
                rows[start : start + len(batch)] = self._unit(features)
        return rows

    def encode_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Encoder.encode_texts`."""
        rows = np.empty((len(texts), self.dimension), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda n: len(texts[n]))  # like lengths together
        with torch.inference_mode():
            for start in range(0, len(texts), self._batch_size):
                places = order[start : start + self._batch_size]
                tokens = self._tokens([texts[n] for n in places])  # (B, L)
                rows[places] = self._unit(self._encode_text(tokens))
        return rows

    def relevance(self, picture: Image, wanted: NDArray[np.float32]) -> NDArray[np.float32]:
        """See `RegionExplainer.relevance`. Raises `RegionsUnavailable`.

        By gradient times activation on the last map (`openclip_regions.py`).
        """
        pixels = self._transform(picture)[None].to(self._device, self._dtype)  # (1, 3, H, W)
        shown_height, shown_width = pixels.shape[2:]
        target = torch.from_numpy(wanted).to(self._device)  # (D,)
        visual = self._model.network.visual
        with torch.enable_grad(), last_map(visual, shown_width / shown_height) as last:
            features = self._model.network.encode_image(pixels)  # (1, D)
            row = torch.nn.functional.normalize(features.float(), dim=-1)[0]  # (D,)
            evidence = positive_evidence(row @ target, last.taken)
        if self._model.squashes:
            return over_picture(evidence, WHOLE)
        shown = (shown_width, shown_height)
        view = seen_of(picture.size, shown, is_cropped=self._model.crops_centre)
        return over_picture(evidence, view)

    def _tokens(self, texts: list[str]) -> torch.Tensor:
        sound = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
        with self._tokenizing:
            return self._model.tokenize(sound).to(self._device)

    def _pixels(self, pictures: Sequence[Image]) -> Iterator[tuple[int, torch.Tensor]]:
        """Batches of transformed pictures; the next one is made while the caller uses this one."""
        if len(pictures) == 1:  # a query: not worth a thread
            yield 0, self._transform(pictures[0])[None]
            return
        starts = range(0, len(pictures), self._batch_size)
        ahead = self._transformed(pictures, 0)
        for start in starts:
            ready = torch.stack(list(ahead))  # (B, 3, H, W)
            ahead = self._transformed(pictures, start + self._batch_size)
            yield start, ready

    def _transformed(self, pictures: Sequence[Image], start: int) -> Iterator[torch.Tensor]:
        """The batch from `start` on, in the making."""
        return self._pool.map(self._transform, pictures[start : start + self._batch_size])

    def _transform(self, picture: Image) -> torch.Tensor:
        """(3, H, W). Scaling a very long picture up to its short side would take gigabytes."""
        if self._model.crops_centre:
            picture = _without_far_ends(picture)
        pixels: torch.Tensor = self._model.transform(picture)
        return pixels

    def _unit(self, features: torch.Tensor) -> NDArray[np.float32]:
        """(B, D) unit rows."""
        rows = torch.nn.functional.normalize(features.float(), dim=-1).cpu()
        if not bool(torch.isfinite(rows).all()):
            raise EncoderError(
                f"{self.encoder_id} gives numbers that are none in {self._dtype}; "
                "set SHOPSEARCH_PRECISION=fp32, or check its weights"
            )
        unit: NDArray[np.float32] = rows.numpy()
        return unit


def _device(wanted: str) -> str:
    """The device to compute on, by what this machine has."""
    has = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if wanted == "auto":
        return next(device for device, is_there in has.items() if is_there)
    if not has.get(wanted, False):
        there = ", ".join(device for device, is_there in has.items() if is_there)
        raise EncoderUnavailable(
            f"torch {torch.__version__} finds no {wanted!r} device here, but {there}: "
            "set SHOPSEARCH_DEVICE, or install a torch that supports it"
        )
    return wanted


def _precision(wanted: str, device: str) -> str:
    """Half precision where it is faster: fp16 rather than bf16, since its rows are more exact."""
    if wanted == "auto":
        return "fp16" if device == "cuda" else "fp32"
    if wanted not in _DTYPES:
        raise EncoderUnavailable(
            f"there is no precision {wanted!r}; set SHOPSEARCH_PRECISION to one of "
            f"auto, {', '.join(_DTYPES)}"
        )
    return wanted


def _without_far_ends(picture: Image) -> Image:
    """The middle of a very long picture; anything else as it is."""
    width, height = picture.size
    reach = _WIDEST * min(width, height)
    if max(width, height) <= reach:
        return picture
    left, top = max(0, (width - reach) // 2), max(0, (height - reach) // 2)
    return picture.crop((left, top, left + min(width, reach), top + min(height, reach)))
