"""JSON lines: one object a line (jsonlines.org)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from shopsearch.catalog.base import FieldMapping
from shopsearch.catalog.fields import check_columns, check_mapping
from shopsearch.catalog.products import ProductReader
from shopsearch.catalog.textfile import MAX_LINE_CHARS, Line, TextFile
from shopsearch.catalog.values import Record, flatten, parse_json
from shopsearch.domain import FeedRow, Rejection
from shopsearch.errors import FeedFormatError, ProductRejected

_LINES_FOR_COLUMNS = 100  # optional fields may be missing from the first records


class JsonlFeed:
    """A file with a JSON object in each line. See `CatalogFeed`."""

    def __init__(self, path: Path, mapping: FieldMapping) -> None:
        self._file = TextFile(path)
        self._mapping = mapping
        self._n_lines: int | None = None

    def __iter__(self) -> Iterator[FeedRow | Rejection]:
        check_mapping(self._mapping)
        self.size_hint()
        self._check_columns()
        reader = ProductReader(self._mapping, self._file.path.parent.absolute())
        for row, line in enumerate(self._lines(), start=1):
            record: Record = {}
            try:
                record = _parse(line)
                yield FeedRow(row, reader.read(record))
            except ProductRejected as error:
                product_id = reader.product_id(record)
                yield Rejection(row, product_id, f"line {line.number}: {error}")

    def size_hint(self) -> int | None:
        """How many lines there are."""
        if self._n_lines is None:
            self._n_lines = self._file.survey()
        return self._n_lines

    def _lines(self) -> Iterator[Line]:
        return (line for line in self._file.lines() if line.text.strip())

    def _check_columns(self) -> None:
        columns: dict[str, None] = {}
        first = ""
        for line in islice(self._lines(), _LINES_FOR_COLUMNS):
            first = first or line.text
            try:
                columns.update(dict.fromkeys(_parse(line)))
            except ProductRejected:
                continue  # it is told about when its turn comes
        path = self._file.path
        if not first:
            raise FeedFormatError(f"{path}: the file is empty; export the feed again")
        if not columns and first.lstrip().startswith("["):
            raise FeedFormatError(
                f"{path}: this is one JSON array, but one object a line is read; "
                f"convert it: jq -c '.[]' {path.name} > products.jsonl"
            )
        if not columns:
            raise FeedFormatError(
                f"{path}: none of the first lines is a JSON object; the file begins with "
                f"{first[:60]!r}; give one object a line"
            )
        check_columns(list(columns), self._mapping, path)


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
