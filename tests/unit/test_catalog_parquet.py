"""Parquet feeds: every kind of value, and files that are damaged."""

from __future__ import annotations

import builtins
import contextlib
import datetime as dt
import gzip
import io
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from shopsearch.catalog import FieldMapping, open_feed
from shopsearch.domain import FeedRecord, Price, Rejection
from shopsearch.errors import CatalogError, FeedFormatError

NOON = dt.datetime(2024, 5, 1, 12, 30, tzinfo=dt.UTC)


def records(folder: Path, mapping: FieldMapping | None = None, **columns: Any) -> list[FeedRecord]:
    parquet.write_table(pa.table(columns), folder / "feed.parquet")
    return list(open_feed(folder / "feed.parquet", mapping=mapping or FieldMapping()))


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (pa.array([["S", "M", None]]), "S | M"),
        (pa.array([[]], pa.list_(pa.string())), None),
        (pa.array(["red"]).dictionary_encode(), "red"),
        (pa.array([7], pa.int8()), "7"),
        (pa.array([2**63], pa.uint64()), "9223372036854775808"),
        (pa.array([7.0]), "7"),
        (pa.array([7.25]), "7.25"),
        (pa.array([19.9], pa.float32()), "19.9"),
        (pa.array([np.float16(1.5)], pa.float16()), "1.5"),
        (pa.array([float("nan")]), None),
        (pa.array([float("inf")], pa.float32()), None),
        (pa.array([True]), "true"),
        (pa.array([Decimal("19.90")]), "19.90"),
        (pa.array([NOON]), "2024-05-01T12:30:00+00:00"),
        (pa.array([1_700_000_000_123_456_789], pa.timestamp("ns")), "2023-11-14T22:13:20.123456"),
        (pa.array([[1]], pa.list_(pa.timestamp("ns"))), "1970-01-01T00:00:00"),
        (pa.array([dt.date(2024, 5, 1)]), "2024-05-01"),
        (pa.array([dt.time(12, 30)]), "12:30:00"),
        (pa.array([dt.timedelta(hours=2)]), "2:00:00"),
        (pa.array([b"words"]), "words"),
        (pa.array([b"\xff\xd8\xff\x00"]), None),
        (pa.array([None], pa.null()), None),
        (pa.array([""]), None),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_values_become_text_as_people_write_it(
    tmp_path: Path, values: pa.Array, text: str | None
) -> None:
    (record,) = records(tmp_path, id=["1"], title=["a"], told=values)

    assert record.product.attributes.get("told") == text


def test_structs_and_maps_become_dotted_attributes_and_prices(tmp_path: Path) -> None:
    (record,) = records(
        tmp_path,
        id=[1],
        title=["a"],
        price=[{"value": "12.50", "currency": "USD"}],
        depth=[{"inner": {"cm": 3}}],
        attributes=pa.array([[("Fit", "slim")]], pa.map_(pa.string(), pa.string())),
        images=[["a.jpg"]],
    )

    assert record.product.price == Price(1250, "USD")
    assert record.product.attributes == {
        "depth.inner.cm": "3",
        "fit": "slim",
        "images": "a.jpg",
    }


def test_a_null_is_an_empty_cell(tmp_path: Path) -> None:
    good, bad = records(tmp_path, id=["1", None], title=["a", "b"], brand=[None, "Acme"])

    assert good.product.brand == ""
    assert isinstance(bad, Rejection)
    assert (bad.row, bad.reason[:21]) == (2, "the product has no id")


def test_a_nested_column_can_be_mapped(tmp_path: Path) -> None:
    mapping = FieldMapping({"brand": "maker.name", "price": "cost"}, currency="EUR")

    (record,) = records(
        tmp_path, mapping, id=[1], title=["a"], maker=[{"name": "Acme"}], cost=[Decimal("5")]
    )

    assert (record.product.brand, record.product.price) == ("Acme", Price(500, "EUR"))


def test_a_table_without_rows_has_no_products_but_has_to_have_an_id(tmp_path: Path) -> None:
    none = pa.array([], pa.string())

    assert records(tmp_path, id=none, title=none) == []
    with pytest.raises(FeedFormatError, match="the columns are 'sku', 'title'"):
        records(tmp_path, sku=none, title=none)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_file_cut_short_is_told(tmp_path: Path, share: float) -> None:
    records(tmp_path, id=[str(n) for n in range(1_000)], title=["a"] * 1_000)
    path = tmp_path / "feed.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])

    with pytest.raises(FeedFormatError, match="no whole Parquet file"):
        list(open_feed(path))


def test_a_file_that_is_something_else_is_told(tmp_path: Path) -> None:
    (tmp_path / "feed.parquet").write_text("id,title\n1,a\n")

    with pytest.raises(FeedFormatError, match="no whole Parquet file"):
        list(open_feed(tmp_path / "feed.parquet"))


@pytest.mark.parametrize("name", ["feed.parquet.gz", "feed"])
def test_parquet_is_known_by_its_ending_or_its_beginning_and_may_be_packed(
    tmp_path: Path, name: str
) -> None:
    records(tmp_path, id=["1"], title=["a"])
    content = (tmp_path / "feed.parquet").read_bytes()
    (tmp_path / name).write_bytes(gzip.compress(content))

    (record,) = open_feed(tmp_path / name)

    assert record.product.title == "a"


def test_without_pyarrow_the_error_names_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records(tmp_path, id=["1"], title=["a"])
    real_import = builtins.__import__

    def without(name: str, *rest: Any, **named: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real_import(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)

    with pytest.raises(CatalogError, match=r"pip install 'shopsearch\[parquet\]'"):
        open_feed(tmp_path / "feed.parquet").size_hint()


def test_what_pyarrow_holds_does_not_grow_with_the_feed(tmp_path: Path) -> None:
    table = pa.table({"id": [str(n) for n in range(5_000)], "title": ["word " * 2_000] * 5_000})
    path = tmp_path / "feed.parquet"
    parquet.write_table(table, path, use_dictionary=False, compression="none")
    del table
    most = 0

    for _ in open_feed(path):
        most = max(most, pa.total_allocated_bytes())

    assert path.stat().st_size > 49_000_000
    assert most < 25_000_000


@settings(max_examples=40, deadline=None)
@given(flips=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=4))
def test_a_damaged_file_is_read_or_refused_and_nothing_else(flips: list[tuple[int, int]]) -> None:
    table, file = pa.table({"id": ["1", "2"], "title": ["a", "b"], "s": [["x"], []]}), io.BytesIO()
    parquet.write_table(table, file)
    damaged = bytearray(file.getvalue())
    for place, byte in flips:
        damaged[place % len(damaged)] = byte
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "feed.parquet"
        path.write_bytes(damaged)
        with contextlib.suppress(CatalogError):
            assert all(record.row in (1, 2) for record in open_feed(path))
