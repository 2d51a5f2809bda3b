"""JSON lines: one object a line (jsonlines.org)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from enum import Enum
from itertools import islice

from shopsearch.catalog.fields import check_columns, check_mapping
from shopsearch.catalog.products import ProductReader
from shopsearch.catalog.source import FeedSource
from shopsearch.catalog.textfile import MAX_LINE_CHARS, Line, TextFile
from shopsearch.catalog.values import Record, as_text, flatten, parse_json
from shopsearch.domain import FeedRecord, RemovalRow
from shopsearch.errors import FeedFormatError, ProductRejected

_OPERATION = "op"
_LINES_FOR_COLUMNS = 100  # optional fields may be missing from the first records


class _Operation(Enum):
    """What a feed of changes asks for."""

    UPSERT = "upsert"
    DELETE = "delete"


class JsonlFeed:
    """A file with a JSON object in each line. See `CatalogFeed`.

    A feed of changes says in `op` what is to be done with a product: `upsert`, which is what an
    object without `op` means, or `delete`. Any other word there is a `Rejection`: what was meant
    cannot be known. A mapping can say that `op` is an attribute like others.
    """

    def __init__(self, source: FeedSource, reader: ProductReader) -> None:
        self._file = TextFile(source)
        self._reader = reader
        self._has_changes = reader.mapping.has_changes is not False
        self._n_lines: int | None = None

    def __iter__(self) -> Iterator[FeedRecord]:
        check_mapping(self._reader.mapping)
        self.size_hint()
        self._check_columns()
        for row, line in enumerate(self._lines(), start=1):
            yield self._record(row, line)

    def size_hint(self) -> int | None:
        """How many lines there are."""
        if self._n_lines is None:
            self._n_lines = self._file.survey()
        return self._n_lines

    def _lines(self) -> Iterator[Line]:
        return (line for line in self._file.lines() if line.text.strip())

    def _record(self, row: int, line: Line) -> FeedRecord:
        record: Record = {}
        where = f"line {line.number}"
        try:
            record = _parse(line)
            if not self._has_changes or _OPERATION not in record:
                return self._reader.row(row, record, where)
            operation, record = _parted(record)
            if operation is _Operation.DELETE:
                return RemovalRow(row, self._reader.checked_id(record))
            return self._reader.row(row, record, where)
        except ProductRejected as error:
            return self._reader.rejection(row, record, error, where)

    def _check_columns(self) -> None:
        columns: dict[str, None] = {}
        first, is_whole = "", False
        for line in islice(self._lines(), _LINES_FOR_COLUMNS):
            first = first or line.text
            try:
                record = _parse(line)
            except ProductRejected:
                continue  # it is told about when its turn comes
            is_whole = is_whole or not (self._has_changes and _deletes(record))
            columns.update(dict.fromkeys(record))
        if not columns:
            raise self._unreadable(first)
        mapping = self._reader.mapping
        if not is_whole:  # ids alone, of products to take out: other columns may come later
            mapped = {name: told for name, told in mapping.columns.items() if name == "id"}
            mapping = replace(mapping, columns=mapped)
        check_columns(list(columns), mapping, self._file.source.name)

    def _unreadable(self, first: str) -> FeedFormatError:
        source = self._file.source
        if not first:
            return FeedFormatError(f"{source.name}: the file is empty; export the feed again")
        if first.lstrip().startswith("["):
            return FeedFormatError(
                f"{source.name}: this is one JSON array, but one object a line is read; "
                f"convert it: jq -c '.[]' {source.path.name} > products.jsonl"
            )
        return FeedFormatError(
            f"{source.name}: none of the first lines is a JSON object; the file begins with "
            f"{first[:60]!r}; give one object a line"
        )


def _parted(record: Record) -> tuple[_Operation, Record]:
    """What is to be done, and with what. Raises `ProductRejected`."""
    said = as_text(record[_OPERATION])
    rest = {name: value for name, value in record.items() if name != _OPERATION}
    try:
        return (_Operation(said.casefold()) if said else _Operation.UPSERT), rest
    except ValueError as error:
        known = " or ".join(one.value for one in _Operation)
        raise ProductRejected(
            f"the op {said[:60]!r} is none: write {known}; where op is an attribute, rename it, "
            f"or set changes = false in the mapping"
        ).about(_OPERATION, _OPERATION, said) from error


def _deletes(record: Record) -> bool:
    return as_text(record.get(_OPERATION)).casefold() == _Operation.DELETE.value


def _parse(line: Line) -> Record:
    if not line.whole:
        raise ProductRejected(f"the line is longer than {MAX_LINE_CHARS:,} characters; shorten it")
    try:
        record = parse_json(line.text.rstrip())
    except json.JSONDecodeError as error:
        raise ProductRejected(
            f"column {error.colno}: this is no JSON ({error.msg}); write one object in each line"
        ) from error
    except ValueError as error:
        raise ProductRejected(f"{error}; flatten it") from error
    if not isinstance(record, dict):
        raise ProductRejected(
            f"this is no JSON object but {line.text.strip()[:40]!r}; write one object in each line"
        )
    return flatten(record)
