"""Parquet feeds, batch by batch. pyarrow reads them, where it is installed."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from shopsearch.catalog.fields import check_columns, check_mapping
from shopsearch.catalog.products import ProductReader
from shopsearch.catalog.source import FeedSource
from shopsearch.catalog.textfile import MAX_LINE_CHARS
from shopsearch.catalog.values import Json, Record, flatten
from shopsearch.domain import FeedRow, Rejection
from shopsearch.errors import CatalogError, FeedFormatError, ProductRejected

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

MAGIC = b"PAR1"
_ROWS_A_BATCH = 64
_BUFFER_BYTES = 1 << 20
_ROWS_FOR_COLUMNS = 100
_MAX_DEPTH = 50
_EXACT = 2**53  # whole numbers below it are exact in a float


class ParquetFeed:
    """A Parquet file with a product in each row. See `CatalogFeed`.

    Lists, structs and maps are read as those of JSON lines; decimals, dates and times as text.
    Bytes that are no UTF-8 text, such as pictures in the file, are left out.
    """

    def __init__(self, source: FeedSource, reader: ProductReader) -> None:
        self._source = source
        self._reader = reader

    def __iter__(self) -> Iterator[FeedRow | Rejection]:
        check_mapping(self._reader.mapping)
        self._check_columns()
        for row, record in enumerate(self._records(), start=1):
            if (n_chars := _length(record)) > MAX_LINE_CHARS:
                problem = f"the row has {n_chars:,} characters, over {MAX_LINE_CHARS:,}; shorten it"
                yield self._reader.rejection(row, record, ProductRejected(problem))
            else:
                yield self._reader.row(row, record)

    def size_hint(self) -> int | None:
        """How many rows there are."""
        with self._opened() as file:
            return int(file.metadata.num_rows)

    def _check_columns(self) -> None:
        columns: dict[str, None] = {}
        for record in islice(self._records(), _ROWS_FOR_COLUMNS):
            columns.update(dict.fromkeys(record))
        if not columns:
            with self._opened() as file:
                columns = dict.fromkeys(map(str, file.schema_arrow.names))
        check_columns(list(columns), self._reader.mapping, self._source.name)

    def _records(self) -> Iterator[Record]:
        with self._opened() as file:
            for batch in file.iter_batches(batch_size=_ROWS_A_BATCH, use_threads=False):
                columns = [_values(column) for column in batch.columns]
                for values in zip(*columns, strict=True):
                    yield flatten(dict(zip(map(str, batch.schema.names), values, strict=True)))

    @contextmanager
    def _opened(self) -> Iterator[ParquetFile]:
        pa, parquet = _pyarrow(self._source)
        if not self._source.first_bytes(1):
            raise FeedFormatError(f"{self._source.name}: the file is empty; export the feed again")
        with self._source.seekable() as binary:
            try:
                with parquet.ParquetFile(
                    binary, pre_buffer=False, buffer_size=_BUFFER_BYTES
                ) as file:
                    yield file
            except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
                raise FeedFormatError(
                    f"{self._source.name}: this is no whole Parquet file "
                    f"({' '.join(str(error).split())[:200]}); export or copy it again"
                ) from error


def _pyarrow(source: FeedSource) -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise CatalogError(
            f"{source.name}: Parquet is read by pyarrow, which is not installed; "
            f"add it: pip install 'shopsearch[parquet]'"
        ) from error
    return pa, parquet


def _values(column: pa.Array) -> list[Json]:
    """The values of a column as JSON would have them."""
    kind = str(column.type)
    if kind in ("float", "halffloat"):  # as they are written: 19.9 and not 19.899999618530273
        single = np.float32 if kind == "float" else np.float16
        return [None if each is None else _number(str(single(each))) for each in column.to_pylist()]
    return [_as_json(each) for each in _without_nanoseconds(column).to_pylist()]


def _without_nanoseconds(column: pa.Array) -> pa.Array:
    """Python's times end at microseconds."""
    kind = column.type
    if "[ns" not in str(kind) and str(kind) != "time64[ns]":
        return column
    return column.cast(_in_microseconds(kind), safe=False)


def _in_microseconds(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", kind.tz)
    if pa.types.is_duration(kind):
        return pa.duration("us")
    if pa.types.is_time(kind):
        return pa.time64("us")
    if pa.types.is_list(kind):
        return pa.list_(_in_microseconds(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(one.name, _in_microseconds(one.type)) for one in kind])
    return kind


def _as_json(value: Any, depth: int = 0) -> Json:
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, dict | list):
        return None if depth == _MAX_DEPTH else _nested(value, depth + 1)
    written = next((how for kind, how in _WRITTEN if isinstance(value, kind)), str)
    return written(value)


def _nested(value: dict[Any, Any] | list[Any], depth: int) -> Json:
    """An object or a list; a list of pairs is a map."""
    if isinstance(value, list):
        if not value or not all(isinstance(each, tuple) for each in value):
            return [_as_json(each, depth) for each in value]
        value = dict(value)
    return {str(name): _as_json(each, depth) for name, each in value.items()}


def _number(text: str) -> Json:
    """A number as people write it: 5 and not 5.0; None for what is none."""
    value = float(text)
    if not math.isfinite(value):
        return None
    return str(int(value)) if value.is_integer() and abs(value) < _EXACT else text


def _text(value: bytes) -> Json:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


_WRITTEN: tuple[tuple[Any, Callable[[Any], Json]], ...] = (
    (int, str),
    (float, lambda value: _number(repr(value))),
    (bytes, _text),
    (Decimal, lambda value: format(value, "f")),
    (datetime | date | time, lambda value: str(value.isoformat())),
)


def _length(record: Record) -> int:
    return sum(
        len(value) if isinstance(value, str) else len(json.dumps(value)) if value else 0
        for value in record.values()
    )
