"""Which reader a feed needs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from shopsearch.catalog.base import CatalogFeed, FieldMapping
from shopsearch.catalog.csv import CsvFeed
from shopsearch.catalog.jsonl import JsonlFeed
from shopsearch.catalog.textfile import TextFile
from shopsearch.errors import CatalogError

FORMATS: dict[str, Callable[[Path, FieldMapping], CatalogFeed]] = {
    "csv": CsvFeed,
    "jsonl": JsonlFeed,
}
_FORMAT_OF_ENDING = {
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
_ENDINGS = tuple(_FORMAT_OF_ENDING)
_AS_NAMED = FieldMapping()
_NAME_IN_A_FOLDER = "products"


def open_feed(
    path: Path, *, format: str = "auto", mapping: FieldMapping = _AS_NAMED
) -> CatalogFeed:
    """Open a feed file, or the one in a folder. `auto` goes by its ending, then by its first bytes.

    Raises `CatalogError`. A file may be packed with gzip, whatever its name.
    """
    path = find_feed(path)
    if format == "auto":
        format = _FORMAT_OF_ENDING.get(_ending(path)) or _format_of_content(path)
    if format not in FORMATS:
        raise CatalogError(
            f"there is no feed format {format!r}; give one of auto, {', '.join(FORMATS)}"
        )
    return FORMATS[format](path, mapping)


def find_feed(path: Path) -> Path:
    """The feed file that a path means: itself, or the one in a folder.

    In a folder that is the one called `products`, with the ending of a feed, or else the only file
    with such an ending. Raises `CatalogError` where there is none, or more than one.
    """
    if not path.exists():
        raise CatalogError(f"{path}: there is no such feed; check the path")
    if not path.is_dir():
        return path
    there = (one for one in path.iterdir() if one.is_file() and not one.name.startswith("."))
    feeds = sorted(one for one in there if _ending(one) in _ENDINGS)
    found = [one for one in feeds if one.name.split(".")[0] == _NAME_IN_A_FOLDER] or feeds
    if not found:
        raise CatalogError(
            f"{path}: the folder holds no feed ({_NAME_IN_A_FOLDER}.csv, or another file that ends "
            f"with {', '.join(_ENDINGS)}, also packed as .gz); name the feed's file"
        )
    if len(found) > 1:
        names = ", ".join(one.name for one in found)
        raise CatalogError(f"{path}: the folder holds several feeds ({names}); name one of them")
    return found[0]


def _ending(path: Path) -> str:
    name = path.name.lower().removesuffix(".gz")
    return Path(name).suffix


def _format_of_content(path: Path) -> str:
    head = TextFile(path).first_bytes().lstrip(b"\xef\xbb\xbf \t\r\n")
    return "jsonl" if head.startswith((b"{", b"[")) else "csv"
