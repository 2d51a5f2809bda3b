"""The working copies of all pictures, by the hash of what the shop gave."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shopsearch.domain import Picture, Region
from shopsearch.errors import PictureRejected, StorageUnavailable
from shopsearch.preprocessing.images import (
    WORKING_LONGEST_SIDE_PX,
    load_working_copy,
    working_copy,
    working_copy_size,
)
from shopsearch.preprocessing.making import MadeFiles, made_files, shrunk
from shopsearch.preprocessing.picture_files import FolderFiles, PictureFiles
from shopsearch.preprocessing.room import DecodingRoom

DEFAULT_MAX_PIXELS = 50_000_000
GRID_THUMBNAILS_PX = (480, 320)  # what screens of one and two dots a pixel show on cards
_MIN_THUMBNAIL_PX = 16
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """A picture whose working copy lies in the library."""

    content_hash: str
    path: Path

    def load(self) -> Image.Image:
        """The working copy, decoded. Raises `PictureRejected` where it is gone or damaged."""
        try:
            return load_working_copy(self.path.read_bytes())
        except (OSError, SyntaxError) as error:
            raise PictureRejected(
                f"{self.path}: the working copy of a picture cannot be read ({error}); "
                f"delete it and index the feed again"
            ) from error


@dataclass(frozen=True, slots=True)
class HeldPicture:
    """A picture that is only in memory: a shopper's, which is not kept."""

    content_hash: str
    jpeg: bytes = field(repr=False)

    def load(self) -> Image.Image:
        """The working copy, decoded."""
        return load_working_copy(self.jpeg)


class PictureLibrary:
    """Keeps one working copy of each picture. Threads may share it.

    Copies are JPEGs without metadata, upright, on white, longest side at most 512 px. Whoever looks
    at a picture, product or query, sees such a copy, so both are seen alike. They lie in a folder,
    or where `files` says. Where these are in a storage that cannot be reached, what looks for a
    picture raises `StorageUnavailable`.
    """

    def __init__(
        self,
        files: Path | PictureFiles,
        *,
        max_pixels: int = DEFAULT_MAX_PIXELS,
        thumbnail_sizes_px: Sequence[int] = (),
    ) -> None:
        self._files = FolderFiles(files) if isinstance(files, Path) else files
        self._thumbnail_sizes_px = thumbnail_sizes_px  # made with the copy; others when asked for
        self._max_pixels = max_pixels
        self._room = DecodingRoom(max_pixels)

    def add(self, encoded: bytes) -> Picture:
        """Check a picture and keep its working copy. Raises `PictureRejected`."""
        content_hash = hash_content(encoded)
        if kept := self.get(content_hash):
            return kept
        files = made_files(
            encoded,
            max_pixels=self._max_pixels,
            room=self._room,
            thumbnail_sizes_px=self._thumbnail_sizes_px,
        )
        return self.keep(content_hash, files)

    def keep(self, content_hash: str, files: MadeFiles) -> Picture:
        """Keep what was made of the picture of this hash, here or on another machine."""
        for size_px, thumbnail in files.thumbnails:
            self._files.keep(_thumbnail(content_hash, size_px), thumbnail)
        path = self._files.keep(_copy(content_hash), files.working_copy)  # last: then all are there
        return StoredPicture(content_hash, path)

    def hold(self, encoded: bytes, region: Region | None = None) -> Picture:
        """Check a picture, or a region of one, and keep it in memory alone.

        Raises `PictureRejected`.
        """
        if region is not None:
            copy = self._working_copy(encoded, region)
            return HeldPicture(hash_content(copy), copy)
        content_hash = hash_content(encoded)
        if path := self._files.here(_copy(content_hash)):
            return StoredPicture(content_hash, path)
        return HeldPicture(content_hash, self._working_copy(encoded))

    def get(self, content_hash: str) -> Picture | None:
        """The picture, decoded when it is looked at; None where there is no working copy."""
        path = self.path(content_hash)
        return None if path is None else StoredPicture(content_hash, path)

    def path(self, content_hash: str) -> Path | None:
        """Where the working copy lies, a JPEG; None where there is none."""
        if not _HASH.fullmatch(content_hash):
            return None  # it came from outside: never a path
        return self._files.find(_copy(content_hash))

    def forget(self, content_hash: str) -> None:
        """Let go of a copy at hand that another one will replace; of a shared picture alone."""
        self._files.forget(_copy(content_hash))

    def size(self, content_hash: str) -> tuple[int, int] | None:
        """Width and height of the working copy; None where there is none that can be read.

        A copy is never larger than its picture, so below 512 px this is the picture's own size.
        """
        try:
            path = self.path(content_hash)
            return None if path is None else working_copy_size(path)
        except (OSError, SyntaxError, StorageUnavailable):
            return None

    def sketch(self, content_hash: str, side_px: int) -> NDArray[np.uint8] | None:
        """The picture as (side, side, 3) mean colours, whatever its shape; None where there is
        none that can be read. Copies of a picture have nearly the same, however they were saved.
        """
        try:
            picture = self.get(content_hash)
            if picture is None:
                return None
            small = picture.load().resize((side_px, side_px), Image.Resampling.BOX)
        except (PictureRejected, StorageUnavailable):
            return None
        return np.asarray(small, dtype=np.uint8)

    def thumbnail(self, content_hash: str, longest_side_px: int) -> Path | None:
        """Where a WebP of at most that size lies, made now if it is not; None without a copy.

        The size is brought into 16 to 512 px. Raises `PictureRejected` where the copy is damaged.
        """
        if not _HASH.fullmatch(content_hash):
            return None
        size_px = min(max(longest_side_px, _MIN_THUMBNAIL_PX), WORKING_LONGEST_SIDE_PX)
        name = _thumbnail(content_hash, size_px)
        find = self._files.find if size_px in self._thumbnail_sizes_px else self._files.here
        if (path := find(name)) is not None:
            return path
        picture = self.get(content_hash)
        if picture is None:
            return None
        return self._files.keep_here(name, shrunk(picture.load(), size_px))

    def _working_copy(self, encoded: bytes, region: Region | None = None) -> bytes:
        return working_copy(encoded, max_pixels=self._max_pixels, room=self._room, region=region)


def hash_content(encoded: bytes) -> str:
    """SHA-256, hexadecimal: what a picture is known by."""
    return hashlib.sha256(encoded).hexdigest()


def _copy(content_hash: str) -> str:
    return f"{content_hash[:2]}/{content_hash}.jpg"


def _thumbnail(content_hash: str, size_px: int) -> str:
    return f"{content_hash[:2]}/{content_hash}.{size_px}.webp"
