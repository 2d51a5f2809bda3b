"""What a worker does: decode pictures, make their files, encode. It keeps nothing."""

from __future__ import annotations

import os
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from PIL import Image

import shopsearch
from shopsearch.adapters import encoder_of
from shopsearch.distributed.parcels import (
    CannotStart,
    EncodedParcel,
    EncodedPicture,
    Parcel,
    Started,
    WorkerPlan,
)
from shopsearch.errors import PictureRejected, ShopsearchError
from shopsearch.preprocessing.images import load_working_copy
from shopsearch.preprocessing.making import GivenPicture, MadeFiles, made_files
from shopsearch.preprocessing.room import DecodingRoom


@dataclass(frozen=True, slots=True)
class _Decoded:
    picture: Image.Image
    files: MadeFiles | None


class EncodingWorker:
    """Encodes parcels as the run itself would; the model is loaded once. Threads may share it.

    It opens nothing but the files of models, and asks no network.
    """

    def __init__(self, plan: WorkerPlan) -> None:
        self._plan = plan
        self._settings = plan.settings
        self._encoder = encoder_of(self._settings)
        self._room = DecodingRoom(self._settings.max_image_pixels)
        self._pool = ThreadPoolExecutor(plan.threads, thread_name_prefix="decode")

    def start(self) -> Started | CannotStart:
        """Load the model; it must be the one that the run would use."""
        node = socket.gethostname()
        if shopsearch.__version__ != self._plan.version:
            reason = (
                f"it has shopsearch {shopsearch.__version__}, and this is {self._plan.version}: "
                "install the same version on all machines"
            )
            return CannotStart(node, reason)
        try:
            encoder_id = self._encoder.load().encoder_id
        except ShopsearchError as error:
            return CannotStart(node, str(error))
        if encoder_id != self._plan.encoder_id:
            reason = (
                f"its encoder is {encoder_id!r}, and here it is {self._plan.encoder_id!r}: "
                "install the same weights on all machines"
            )
            return CannotStart(node, reason)
        return Started(node, os.getpid())

    def encode(self, parcel: Parcel) -> EncodedParcel:
        """Encode each content; a picture that is refused is told with its reason."""
        decoded = list(self._pool.map(self._decoded, parcel.pictures))
        good = [one for one in decoded if isinstance(one, _Decoded)]
        rows = iter(self._encoder.encode_images([one.picture for one in good]))  # (P, D)
        pictures = tuple(
            EncodedPicture(next(rows).copy(), one.files) if isinstance(one, _Decoded) else one
            for one in decoded
        )
        return EncodedParcel(self._encoder.encode_texts(parcel.texts), pictures)

    def _decoded(self, given: GivenPicture) -> _Decoded | str:
        try:
            if given.is_working_copy:
                return _Decoded(_loaded(given.encoded), None)
            files = made_files(
                given.encoded,
                max_pixels=self._settings.max_image_pixels,
                room=self._room,
                thumbnail_sizes_px=self._plan.thumbnail_sizes_px,
            )
        except PictureRejected as error:
            return str(error)
        return _Decoded(_loaded(files.working_copy), files)


def _loaded(working_copy: bytes) -> Image.Image:
    try:
        return load_working_copy(working_copy)
    except (OSError, SyntaxError) as error:
        raise PictureRejected(f"a working copy cannot be read: {error}") from error
