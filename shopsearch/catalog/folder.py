"""A folder of pictures: each of them is a product, known by where it lies."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from shopsearch.catalog.fields import check_columns, check_mapping
from shopsearch.catalog.places import PICTURE_ENDINGS
from shopsearch.catalog.products import ProductReader
from shopsearch.catalog.source import FeedSource
from shopsearch.catalog.values import Json
from shopsearch.domain import FeedRow, Rejection
from shopsearch.errors import CatalogError, ProductRejected

_COLUMNS = ("id", "title", "product_type", "image_link")
_JUST_PICTURES = frozenset({"images", "image", "img", "imgs", "photos", "pictures", "pics"})
_SAYS_NOTHING = (
    "img dsc dscn dscf pxl mvimg sam gopr dji image images photo photos picture pic screenshot "
    "scan whatsapp jpg jpeg png webp copy final untitled unnamed download main front back"
)
_OF_CAMERAS = frozenset(_SAYS_NOTHING.split())
_CODE = re.compile(r"[0-9a-f]{16,}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]{3,}")


@dataclass(frozen=True, slots=True)
class _Found:
    """A picture below the folder, or a place that may hold some."""

    place: PurePath  # relative
    problem: str = ""


class PictureFolder:
    """Every picture in a folder and the folders below it. See `CatalogFeed`.

    The id is the path without its ending, so it stays as long as the file does; the category is the
    path of folders. Hidden files, and files that are no pictures, are left out and counted.
    """

    def __init__(self, source: FeedSource, reader: ProductReader) -> None:
        self._source = source
        self._reader = reader
        self._n_hidden = 0
        self._n_others = 0

    def __iter__(self) -> Iterator[FeedRow | Rejection]:
        mapping = self._reader.mapping
        check_mapping(mapping)
        check_columns(_COLUMNS, mapping, self._source.name)
        self._n_hidden = self._n_others = 0
        before = PurePath("..")  # none of them
        for row, found in enumerate(self._walk(PurePath()), start=1):
            yield self._product(row, found, before)
            before = found.place

    def size_hint(self) -> int | None:
        """Not known before the folders were walked through."""
        return None

    def notes(self) -> Sequence[str]:
        """What was left out, once it was read to its end."""
        told = ((self._n_hidden, "hidden files"), (self._n_others, "files that are no pictures"))
        return [f"{n:,} {what} were left out" for n, what in told if n]

    def _product(self, row: int, found: _Found, before: PurePath) -> FeedRow | Rejection:
        place = found.place
        record: dict[str, Json] = {
            "id": place.with_suffix("").as_posix(),
            "title": title_of(place.stem),
            "product_type": [*_levels(place.parent)],
            "image_link": [str(self._source.path.absolute() / place)],
        }
        problem = found.problem
        if place.with_suffix("") == before.with_suffix(""):
            problem = f"{place.name} and {before.name} make one id; rename one of them"
        if problem:
            return self._reader.rejection(row, record, ProductRejected(problem))
        return self._reader.row(row, record)

    def _walk(self, folder: PurePath) -> Iterator[_Found]:
        """The pictures of a folder, then those of the folders in it, by name."""
        pictures, folders = [], []
        try:
            with os.scandir(self._source.path / folder) as entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        self._n_hidden += 1
                    elif entry.is_dir(follow_symlinks=False):  # links may lead in circles
                        folders.append(folder / entry.name)
                    elif is_picture(entry.name) and entry.is_file():
                        pictures.append(folder / entry.name)
                    else:
                        self._n_others += 1
        except OSError as error:
            if folder == PurePath():
                raise CatalogError(
                    f"{self._source.name}: the folder cannot be read ({error}); check the path"
                ) from error
            yield _Found(folder, f"the folder {str(folder)!r} cannot be read ({error.strerror})")
            return
        pictures.sort(key=lambda place: (place.stem, place.suffix))
        yield from map(_Found, pictures)
        for inner in sorted(folders):
            yield from self._walk(inner)


def has_pictures(folder: Path) -> bool:
    """Whether there is a picture in a folder, or below it."""
    return any(
        is_picture(name) and not name.startswith(".")
        for _, _, names in os.walk(folder)
        for name in names
    )


def is_picture(name: str) -> bool:
    """Whether a file's name ends as that of a picture."""
    return name.lower().endswith(PICTURE_ENDINGS)


def title_of(stem: str) -> str:
    """The title in the name of a file: `red-striped_mug` is "red-striped mug".

    "" where the name says nothing: `IMG_2041`, a hash, a number.
    """
    words = [word.casefold() for word in _WORD.findall(stem)]
    if _CODE.search(stem) or all(word in _OF_CAMERAS for word in words):
        return ""
    return _words(stem)


def _words(name: str) -> str:
    """Hyphens part words too, where nothing else does."""
    parted = re.split(r"[\s_+]+", name)
    return " ".join(parted if len(parted) > 1 else name.split("-")).strip()


def _levels(folder: PurePath) -> Iterator[str]:
    return (_words(level) for level in folder.parts if level.lower() not in _JUST_PICTURES)
