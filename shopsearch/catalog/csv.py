"""CSV feeds with a header: a product in each row."""

from __future__ import annotations

from collections.abc import Iterator

from shopsearch.catalog.csv_table import CsvTable
from shopsearch.catalog.fields import check_columns, check_mapping
from shopsearch.catalog.products import ProductReader
from shopsearch.catalog.source import FeedSource
from shopsearch.domain import FeedRow, Rejection
from shopsearch.errors import ProductRejected


class CsvFeed:
    """A CSV file with a header. See `CatalogFeed`."""

    def __init__(self, source: FeedSource, reader: ProductReader) -> None:
        self._source = source
        self._reader = reader
        self._table = CsvTable(source)

    def __iter__(self) -> Iterator[FeedRow | Rejection]:
        check_mapping(self._reader.mapping)
        self._table.survey()
        columns, rows = self._table.read()
        check_columns(columns, self._reader.mapping, self._source.name)
        for row, told in enumerate(rows, start=1):
            record, where = dict(zip(columns, told.cells, strict=False)), f"line {told.line}"
            if told.problem:
                problem = ProductRejected(told.problem)
                yield self._reader.rejection(row, record, problem, where)
            else:
                yield self._reader.row(row, record, where)

    def size_hint(self) -> int | None:
        """How many records there are, where quotes are as they should be."""
        return self._table.survey()
