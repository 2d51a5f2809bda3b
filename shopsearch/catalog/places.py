"""Where a product's pictures lie, as a feed says it -> absolute paths and http(s) URLs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from shopsearch.errors import ProductRejected

_BEFORE_URL = re.compile(r"\s*,\s*(?=https?://)")
_COMMA = re.compile(r"\s*,\s*")
PICTURE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif")
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]+):")


def split_places(text: str) -> Iterator[str]:
    """The places in a cell: parted by `|`, or by commas where each part looks like a place."""
    for part in text.split("|"):
        yield from (place.strip() for place in _split_at_commas(part) if place.strip())


def _split_at_commas(text: str) -> list[str]:
    if text.lstrip().startswith(("http://", "https://")):
        return _BEFORE_URL.split(text)  # a comma may be part of a URL
    parts = _COMMA.split(text.strip())
    if all(part.lower().endswith(PICTURE_ENDINGS) for part in parts):
        return parts
    return [text]  # and of a file's name


def resolve_place(place: str, folder: Path) -> str:
    """An absolute path or an http(s) URL; `folder` is the feed's. Raises `ProductRejected`.

    A relative path may not leave the folder. An absolute one may lie anywhere: whoever writes it
    knows the machine.
    """
    if place.startswith(("http://", "https://")):
        return place
    if place.startswith("//"):
        return f"https:{place}"
    if _SCHEME.match(place):
        raise ProductRejected(
            f"the picture {place[:200]!r} is neither a path nor an http(s) address; give one"
        )
    if place.startswith("/"):
        return os.path.normpath(place)
    relative = os.path.normpath(place.replace("\\", "/"))
    if relative == ".." or relative.startswith("../"):
        raise ProductRejected(
            f"the picture {place[:200]!r} lies outside of the feed's folder {folder}; "
            f"move it inside, or give an absolute path"
        )
    return os.path.join(folder, relative)  # noqa: PTH118 - a hot path, and it stays a string
