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
_AS_NAMED = FieldMapping()
_IN_A_FOLDER = ("products.csv", "products.jsonl", "products.csv.gz", "products.jsonl.gz")


def open_feed(
    path: Path, *, format: str = "auto", mapping: FieldMapping = _AS_NAMED
) -> CatalogFeed:
    """Open a feed file, or the one in a folder. `auto` goes by its ending, then by its first bytes.

    Raises `CatalogError`. A file may be packed with gzip, whatever its name.
    """
    path = _feed_file(path)
    if format == "auto":
        format = _FORMAT_OF_ENDING.get(_ending(path)) or _format_of_content(path)
    if format not in FORMATS:
        raise CatalogError(
            f"there is no feed format {format!r}; give one of auto, {', '.join(FORMATS)}"
        )
    return FORMATS[format](path, mapping)


def _feed_file(path: Path) -> Path:
    if path.is_dir():
        found = [path / name for name in _IN_A_FOLDER if (path / name).is_file()]
        if not found:
            raise CatalogError(
                f"{path}: the folder holds none of {', '.join(_IN_A_FOLDER)}; name the feed's file"
            )
        return found[0]
    if not path.exists():
        raise CatalogError(f"{path}: there is no such feed; check the path")
    return path


def _ending(path: Path) -> str:
    name = path.name.lower().removesuffix(".gz")
    return Path(name).suffix


def _format_of_content(path: Path) -> str:
    head = TextFile(path).first_bytes().lstrip(b"\xef\xbb\xbf \t\r\n")
    return "jsonl" if head.startswith((b"{", b"[")) else "csv"
