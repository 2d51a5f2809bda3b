"""Shopify's product export: a CSV in which a product takes as many rows as it has variants."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shopsearch.catalog.base import Variants, columns_of
from shopsearch.catalog.csv_table import Cells, CsvTable
from shopsearch.catalog.fields import check_columns, check_mapping, column_key
from shopsearch.catalog.products import ProductReader
from shopsearch.catalog.shopify_columns import OPTIONS, ShopifyColumns, is_shopify
from shopsearch.catalog.shopify_product import ShopifyProduct
from shopsearch.catalog.shopify_rows import RowGroup, ShopifyRow, grouped
from shopsearch.catalog.source import FeedSource
from shopsearch.catalog.values import Record
from shopsearch.domain import FeedRecord, RemovalRow
from shopsearch.errors import FeedFormatError, ProductRejected

_MAX_OPTION_NAMES = 1_000


@dataclass(frozen=True, slots=True)
class _Scan:
    """What is known once an export was looked through."""

    n_products: int
    options: tuple[str, ...]  # the names of options: they can be mapped, as columns can


class ShopifyFeed:
    """A product export of Shopify. See `CatalogFeed`.

    One product for each handle, or for each variant: see `Variants`. The rows of a product stand
    together; `row` is that of the first of them, or of the variant. A product that is a draft,
    archived or not published comes out as a `RemovalRow`: the shop does not sell it.
    """

    def __init__(self, source: FeedSource, reader: ProductReader) -> None:
        self._source = source
        self._mapping = reader.mapping
        self._is_parted = reader.mapping.variants is Variants.SEPARATE
        self._reader = reader
        self._table = CsvTable(source)
        self._scan: _Scan | None = None

    def __iter__(self) -> Iterator[FeedRecord]:
        check_mapping(self._mapping)
        self._table.survey()
        header, cells = self._table.read()
        columns = self._columns(header)
        reader = self._reader.with_mapping(columns.mapping)
        for group in grouped(_rows(header, cells, columns)):
            broken = [
                reader.rejection(row.place, row.cells, ProductRejected(row.problem), _where(row))
                for row in group.broken
            ]
            made = self._records(group, columns, reader) if group.rows else ()
            yield from sorted([*made, *broken], key=lambda record: record.row)

    def size_hint(self) -> int | None:
        """How many products there are, where all is well; None where each variant is one."""
        return None if self._is_parted else self._scanned().n_products

    def _columns(self, header: list[str]) -> ShopifyColumns:
        if not is_shopify(header):
            raise FeedFormatError(
                f"{self._source.name}: this is no product export of Shopify, which has columns "
                f"such as Handle, Title and Variant Price; the columns are "
                f"{', '.join(map(repr, header[:60]))}; read it with --format csv"
            )
        columns = ShopifyColumns.of(header, self._mapping)
        told = {column_key(column) for column in header}
        wanted = (each for one in self._mapping.columns.values() for each in columns_of(one))
        is_known = all(column_key(column) in told for column in wanted)
        options = () if is_known else self._scanned().options
        check_columns([*header, *options], columns.mapping, self._source.name)
        return columns

    def _scanned(self) -> _Scan:
        if self._scan is None:
            self._table.survey()
            header, cells = self._table.read()
            columns = ShopifyColumns.of(header, self._mapping)
            n_products, handle, options = 0, "", dict[str, None]()
            for row in _rows(header, cells, columns):
                if row.problem or row.handle == handle:
                    continue
                n_products, handle = n_products + 1, row.handle
                for n in OPTIONS if len(options) < _MAX_OPTION_NAMES else ():
                    options[row[columns.named.get(f"option{n}", "")]] = None
            self._scan = _Scan(n_products, tuple(filter(None, options)))
        return self._scan

    def _records(
        self, group: RowGroup, columns: ShopifyColumns, reader: ProductReader
    ) -> Iterator[FeedRecord]:
        product = ShopifyProduct(columns, group)
        is_told = bool(self._mapping.include_drafts) or product.is_for_sale
        try:
            product.check()
            records = product.separate() if self._is_parted else [product.together()]
            for row, record in records:
                if is_told:
                    yield reader.row(row.place, record, _where(row))
                else:
                    yield _removal(row, record, reader)
        except ProductRejected as error:
            first = group.rows[0]
            yield reader.rejection(first.place, first.cells, error, _where(first))


def _rows(
    header: Sequence[str], cells: Iterator[Cells], columns: ShopifyColumns
) -> Iterator[ShopifyRow]:
    """The rows that are not empty."""
    handle_column = columns.named.get("handle", "")
    for place, told in enumerate(cells, start=1):
        row = {name: cell for name, cell in zip(header, told.cells, strict=False) if cell.strip()}
        handle = row.get(handle_column, "").strip()
        problem = told.problem
        if not (problem or handle):
            if not row:
                continue  # spreadsheets leave them
            problem = "the row has no Handle, and so no id; give it that of its product"
        yield ShopifyRow(place, told.line, handle, row, problem)


def _removal(row: ShopifyRow, record: Record, reader: ProductReader) -> FeedRecord:
    try:
        return RemovalRow(row.place, reader.checked_id(record), is_change=False)
    except ProductRejected as error:
        return reader.rejection(row.place, record, error, _where(row))


def _where(row: ShopifyRow) -> str:
    return f"line {row.line}"
