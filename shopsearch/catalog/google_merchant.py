"""Product feeds for Google Merchant Center as XML: RSS 2.0 and Atom with the `g:` namespace.

Names and meanings: https://support.google.com/merchants/answer/7052112. The same feed as text with
tabs is read as CSV.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from shopsearch.catalog.fields import check_columns, check_mapping
from shopsearch.catalog.products import ProductReader
from shopsearch.catalog.source import FeedSource
from shopsearch.catalog.values import Record, flatten
from shopsearch.catalog.xml_items import ITEM_NAMES, XmlItem, read_items
from shopsearch.domain import FeedRow, Rejection
from shopsearch.errors import CatalogError, FeedFormatError, ProductRejected

_ITEMS_FOR_COLUMNS = 100  # optional elements may be missing from the first items
_DESCRIPTIONS = ("summary", "content")  # Atom's names for it
_ITEM = re.compile(rf"<(?:[\w.-]+:)?({'|'.join(sorted(ITEM_NAMES))})(?=[\s>/])".encode())
_CHUNK_BYTES = 1 << 20
_LONGEST_TAG = 64


class GoogleXmlFeed:
    """An RSS or Atom feed of products. See `CatalogFeed`.

    What comes before a place where the XML breaks is read; then comes a `FeedFormatError`.
    """

    def __init__(self, source: FeedSource, reader: ProductReader) -> None:
        self._source = source
        self._reader = reader

    def __iter__(self) -> Iterator[FeedRow | Rejection]:
        check_mapping(self._reader.mapping)
        self._check_columns()
        for row, item in enumerate(read_items(self._source), start=1):
            record, where = _record(item), f"line {item.line}"
            if item.problem:
                yield self._reader.rejection(row, record, ProductRejected(item.problem), where)
            else:
                yield self._reader.row(row, record, where)

    def size_hint(self) -> int | None:
        """How often an item begins; None where the encoding hides that."""
        counts: dict[bytes, int] = {}
        with self._source.open() as binary:
            rest = b""
            while chunk := binary.read(_CHUNK_BYTES):
                text = rest + chunk
                end = max(0, len(text) - _LONGEST_TAG)  # a tag may go on in the next chunk
                _count(text, end, counts)
                rest = text[end:]
            _count(rest, len(rest), counts)
        return next(iter(counts.values()), None)

    def _check_columns(self) -> None:
        columns: dict[str, None] = {}
        n_items, broken = 0, None
        try:
            for item in islice(read_items(self._source), _ITEMS_FOR_COLUMNS):
                n_items += 1
                columns.update(dict.fromkeys(_record(item)))
        except CatalogError as error:
            broken = error  # it comes again, after the items before it
        if n_items:
            check_columns(list(columns), self._reader.mapping, self._source.name)
        elif not self._source.first_bytes(1):
            raise FeedFormatError(f"{self._source.name}: the file is empty; export the feed again")
        else:
            raise broken or FeedFormatError(
                f"{self._source.name}: the XML has no <item>, <entry> or <product>; is this a "
                f"product feed?"
            )


def _record(item: XmlItem) -> Record:
    record = flatten(item.record)
    told = next((name for name in _DESCRIPTIONS if name in record), None)
    if told is None or "description" in record:
        return record
    return {"description" if name == told else name: value for name, value in record.items()}


def _count(text: bytes, end: int, counts: dict[bytes, int]) -> None:
    """Count the items that begin before the end, by their name."""
    for found in _ITEM.finditer(text):
        if found.start() < end:
            counts[found[1]] = counts.get(found[1], 0) + 1
