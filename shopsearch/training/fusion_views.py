"""Pictures seen otherwise, for queries by picture: cropped, and mirrored; never in other colours.

Colour is what many shoppers look for, so a view must not change it.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageOps

from shopsearch.domain import Picture

N_VIEWED = 1000  # products of which views are made: each costs as much as a picture
_LEAST, _MOST = 0.65, 0.9  # of each side is kept by a crop


@dataclass(frozen=True, slots=True)
class View:
    """A view of a picture; it has a content hash of its own, so that it is cached like one."""

    picture: Picture
    kind: str
    change: Callable[[Image.Image, random.Random], Image.Image]

    @property
    def content_hash(self) -> str:
        """SHA-256 of the picture's own and the kind of view."""
        return hashlib.sha256(
            f"{self.kind} view of {self.picture.content_hash}".encode()
        ).hexdigest()

    def load(self) -> Image.Image:
        """The view; the same each time."""
        rng = random.Random(self.content_hash)  # noqa: S311 - views, not secrets
        return self.change(self.picture.load(), rng)


def other_views(picture: Picture) -> tuple[View, View]:
    """A crop of a picture, and a mirrored crop."""
    return View(picture, "cropped", _cropped), View(picture, "mirrored", _mirrored)


def _cropped(picture: Image.Image, rng: random.Random) -> Image.Image:
    width = max(1, round(picture.width * rng.uniform(_LEAST, _MOST)))
    height = max(1, round(picture.height * rng.uniform(_LEAST, _MOST)))
    left = rng.randint(0, picture.width - width)
    top = rng.randint(0, picture.height - height)
    return picture.crop((left, top, left + width, top + height))


def _mirrored(picture: Image.Image, rng: random.Random) -> Image.Image:
    return ImageOps.mirror(_cropped(picture, rng))
