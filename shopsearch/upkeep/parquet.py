"""The catalog as a Parquet file. Needs pyarrow: `pip install 'shopsearch[parquet]'`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any

from shopsearch.errors import ExportError
from shopsearch.upkeep.export import WORDS, Exported, as_record

ROWS_PER_GROUP = 5000


def parquet_format(
    *, encoder_id: str | None = None, fusion_id: str | None = None
) -> Callable[[IO[bytes]], Any]:
    """Opens Parquet files; with the ids of what made them, they have columns of embeddings too.

    Raises `ExportError` where pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise ExportError(
            "Parquet files need pyarrow: pip install 'shopsearch[parquet]', or export JSON lines "
            "with --format jsonl"
        ) from error

    @contextmanager
    def opened(file: IO[bytes]) -> Iterator[ParquetFormat]:
        schema = _schema(pa, encoder_id, fusion_id)
        with pq.ParquetWriter(file, schema, compression="zstd") as writer:
            written = ParquetFormat(
                lambda rows: writer.write_table(pa.Table.from_pylist(rows, schema=schema))
            )
            yield written
            written.flush()

    return opened


class ParquetFormat:
    """Collects rows and writes them in groups."""

    def __init__(self, write_group: Callable[[list[dict[str, Any]]], None]) -> None:
        self._write_group = write_group
        self._rows: list[dict[str, Any]] = []

    def write(self, batch: Sequence[Exported]) -> None:
        """See `Format.write`."""
        self._rows.extend(map(_row, batch))
        if len(self._rows) >= ROWS_PER_GROUP:
            self.flush()

    def flush(self) -> None:
        """Write the rows at hand as a group."""
        if self._rows:
            self._write_group(self._rows)
            self._rows = []


def _schema(pa: Any, encoder_id: str | None, fusion_id: str | None) -> Any:
    text, texts = pa.string(), pa.list_(pa.string())
    columns = [("id", text), *((name, text) for name in WORDS), ("product_type", texts)]
    columns += [("price", text), ("image_link", texts), ("additional_image_link", texts)]
    columns += [("attributes", text)]  # JSON: every reader of columns understands text
    if encoder_id is None or fusion_id is None:
        return pa.schema(columns)
    names = ("image_embedding", "text_embedding", "vector")
    columns += [(f"shopsearch_{name}", pa.list_(pa.float32())) for name in names]
    made_by = {"shopsearch_encoder": encoder_id, "shopsearch_fusion": fusion_id}
    return pa.schema(columns, metadata=made_by)


def _row(one: Exported) -> dict[str, Any]:
    row = as_record(one.product)
    if "attributes" in row:
        row["attributes"] = json.dumps(row["attributes"], ensure_ascii=False)
    if (embeddings := one.embeddings) is not None:
        row["shopsearch_image_embedding"] = embeddings.image
        row["shopsearch_text_embedding"] = embeddings.text
        row["shopsearch_vector"] = embeddings.vector
    return row
