"""Small pictures that a report carries in itself, within a budget."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Protocol

from shopsearch.errors import PictureRejected

LIST_PX = 160  # longest side; pages show this size too, so that it may be there already
MAP_PX = 64
MOST_BYTES = 7_000_000  # of all, as they stand in the page


class ThumbnailFiles(Protocol):
    """Makes thumbnails; see `PictureLibrary.thumbnail`."""

    def thumbnail(self, content_hash: str, longest_side_px: int) -> Path | None:
        """Where a WebP of that size lies; None without a picture. Raises `PictureRejected`."""


class Thumbnails:
    """Pictures as data addresses; "" where there is none, none that opens, or no room left."""

    def __init__(self, files: ThumbnailFiles, most_bytes: int = MOST_BYTES) -> None:
        self._files = files
        self._left = most_bytes

    def of(self, content_hash: str, longest_side_px: int = LIST_PX) -> str:
        """The picture as an address, which counts against the budget each time it is asked for."""
        if not content_hash or self._left <= 0:
            return ""
        try:
            path = self._files.thumbnail(content_hash, longest_side_px)
            webp = b"" if path is None else path.read_bytes()
        except (PictureRejected, OSError):
            return ""  # a report without one picture is better than none
        address = f"data:image/webp;base64,{base64.b64encode(webp).decode()}" if webp else ""
        if len(address) > self._left:
            return ""
        self._left -= len(address)
        return address
