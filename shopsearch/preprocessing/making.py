"""The working copy and the thumbnails of a picture, made in memory, wherever there is time."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from PIL import Image

from shopsearch.preprocessing.images import load_working_copy, working_copy
from shopsearch.preprocessing.room import DecodingRoom

_THUMBNAIL_QUALITY = 82
_THUMBNAIL_METHOD = 2  # of 6: half the time of 4, files 5 % larger


@dataclass(frozen=True, slots=True)
class GivenPicture:
    """A picture as bytes: as its shop gives it, or its working copy where there is one."""

    encoded: bytes = field(repr=False)
    is_working_copy: bool


@dataclass(frozen=True, slots=True)
class MadeFiles:
    """What the library keeps of one picture."""

    working_copy: bytes = field(repr=False)  # a JPEG
    thumbnails: tuple[tuple[int, bytes], ...] = field(repr=False)  # (longest side in px, a WebP)


def made_files(
    encoded: bytes, *, max_pixels: int, room: DecodingRoom, thumbnail_sizes_px: Sequence[int]
) -> MadeFiles:
    """Check a picture and make its files. Raises `PictureRejected`."""
    copy = working_copy(encoded, max_pixels=max_pixels, room=room)
    return MadeFiles(copy, tuple(thumbnails(load_working_copy(copy), thumbnail_sizes_px)))


def thumbnails(picture: Image.Image, sizes_px: Iterable[int]) -> Iterator[tuple[int, bytes]]:
    """Thumbnails of a working copy, largest first; the picture is made small where it stands."""
    for size_px in sorted(sizes_px, reverse=True):  # each from the one before
        yield size_px, shrunk(picture, size_px)


def shrunk(picture: Image.Image, longest_side_px: int) -> bytes:
    """A picture made small where it stands, and written out as WebP."""
    picture.thumbnail((longest_side_px, longest_side_px), Image.Resampling.LANCZOS)
    encoded = io.BytesIO()
    picture.save(encoded, "WEBP", quality=_THUMBNAIL_QUALITY, method=_THUMBNAIL_METHOD)
    return encoded.getvalue()
