"""Which reader a feed needs."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Protocol, runtime_checkable

from shopsearch.catalog.base import CatalogFeed, FieldMapping
from shopsearch.catalog.csv import CsvFeed
from shopsearch.catalog.csv_table import CsvTable
from shopsearch.catalog.folder import PictureFolder, has_pictures
from shopsearch.catalog.google_merchant import GoogleXmlFeed
from shopsearch.catalog.jsonl import JsonlFeed
from shopsearch.catalog.mapping import mapping_beside, read_mapping_file
from shopsearch.catalog.parquet import MAGIC, ParquetFeed
from shopsearch.catalog.products import ProductReader
from shopsearch.catalog.shopify import ShopifyFeed
from shopsearch.catalog.shopify_columns import is_shopify
from shopsearch.catalog.source import FeedSource
from shopsearch.catalog.watch import ColumnWatch
from shopsearch.errors import CatalogError

FORMATS: dict[str, Callable[[FeedSource, ProductReader], CatalogFeed]] = {
    "csv": CsvFeed,
    "jsonl": JsonlFeed,
    "shopify": ShopifyFeed,
    "google-xml": GoogleXmlFeed,
    "parquet": ParquetFeed,
    "pictures": PictureFolder,
}
_TABLE = "table"  # csv or shopify: the header tells
_FORMAT_OF_ENDING = {
    ".csv": _TABLE,
    ".tsv": _TABLE,
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".xml": "google-xml",
    ".rss": "google-xml",
    ".atom": "google-xml",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_ENDINGS = tuple(_FORMAT_OF_ENDING)
_AS_NAMED = FieldMapping()
_NAME_IN_A_FOLDER = "products"
_WEB_PAGE = re.compile(rb"<(!doctype\s+)?html", re.IGNORECASE)


@runtime_checkable
class Noting(Protocol):
    """A feed that has something to say to people once it was read."""

    def notes(self) -> Sequence[str]:
        """Such as which files were left out, a sentence each."""


def open_feed(
    feed: Path | FeedSource,
    *,
    format: str = "auto",
    mapping: FieldMapping = _AS_NAMED,
    watch: ColumnWatch | None = None,
) -> CatalogFeed:
    """Open a feed: a file, the one in a folder, a folder of pictures, or a source of bytes.

    `auto` goes by the mapping, then by the ending, then by what is inside. A file may be packed
    with gzip, whatever its name. A mapping file that lies beside the feed completes `mapping`,
    unless that comes from one already. Raises `CatalogError`.
    """
    source = feed if isinstance(feed, FeedSource) else FeedSource.of(find_feed(feed))
    mapping = complete(mapping, source)
    if format == "auto":
        format = mapping.format or _format_of(source)
    if format not in FORMATS:
        raise CatalogError(
            f"there is no feed format {format!r}; give one of auto, {', '.join(FORMATS)}"
        )
    _check_kind(source, format)
    return FORMATS[format](source, ProductReader(mapping, source.folder, watch))


def complete(mapping: FieldMapping, source: FeedSource, file: Path | None = None) -> FieldMapping:
    """A mapping with what a file says besides; by default the file that lies beside the feed.

    What is said already wins over the file. Raises `CatalogError`.
    """
    file = file or mapping_beside(source.path)
    if file is not None and mapping.file is None:
        mapping = mapping.over(read_mapping_file(file, FORMATS))
    return replace(mapping, currency=mapping.currency or mapping.fallback_currency)


def format_of(feed: CatalogFeed) -> str:
    """The name of the format that a feed is read as."""
    return next(name for name, kind in FORMATS.items() if type(feed) is kind)


def notes_of(feed: CatalogFeed) -> Sequence[str]:
    """What a feed that was read has to say to people."""
    return feed.notes() if isinstance(feed, Noting) else ()


def find_feed(path: Path) -> Path:
    """The feed that a path means: a file, the one in a folder, or a folder of pictures.

    In a folder that is the one called `products`, with the ending of a feed, or else the only file
    with such an ending; where there is none but pictures, the folder itself. Raises `CatalogError`
    where there is neither, or more than one.
    """
    if not path.exists():
        raise CatalogError(f"{path}: there is no such feed; check the path")
    if not path.is_dir():
        return path
    there = (one for one in path.iterdir() if one.is_file() and not one.name.startswith("."))
    feeds = sorted(one for one in there if _ending(one) in _ENDINGS)
    found = [one for one in feeds if one.name.split(".")[0] == _NAME_IN_A_FOLDER] or feeds
    if not found and has_pictures(path):
        return path
    if not found:
        raise CatalogError(
            f"{path}: the folder holds no feed ({_NAME_IN_A_FOLDER}.csv, or another file that ends "
            f"with {', '.join(_ENDINGS)}, also packed as .gz) and no pictures; name the feed's file"
        )
    if len(found) > 1:
        names = ", ".join(one.name for one in found)
        raise CatalogError(f"{path}: the folder holds several feeds ({names}); name one of them")
    return found[0]


def _ending(path: Path) -> str:
    name = path.name.lower().removesuffix(".gz")
    return Path(name).suffix


def _format_of(source: FeedSource) -> str:
    if source.path.is_dir():
        return "pictures"
    format = _FORMAT_OF_ENDING.get(_ending(source.path)) or _format_of_content(source)
    return _format_of_table(source) if format == _TABLE else format


def _format_of_content(source: FeedSource) -> str:
    head = source.first_bytes()
    if head.startswith(MAGIC):
        return "parquet"
    plain = head.replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")  # UTF-16 too
    if plain.startswith((b"{", b"[")):
        return "jsonl"
    if plain.startswith(b"<") and not _WEB_PAGE.match(plain):
        return "google-xml"
    return _TABLE


def _format_of_table(source: FeedSource) -> str:
    with suppress(CatalogError, UnicodeError):  # told about when it is read
        header, _ = CsvTable(source).read()
        return "shopify" if is_shopify(header) else "csv"
    return "csv"


def _check_kind(source: FeedSource, format: str) -> None:
    """Raises `CatalogError` where a folder is read as a file, or a file as a folder."""
    if source.path.is_dir() and format != "pictures":
        raise CatalogError(
            f"{source.name}: a folder of pictures cannot be read as {format}; name the feed's file"
        )
    if source.path.is_file() and format == "pictures":
        raise CatalogError(
            f"{source.name}: pictures are read from a folder, and this is a file; name the folder"
        )
