"""JSON lines that say what to do with a product."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shopsearch.catalog import FieldMapping, open_feed
from shopsearch.domain import FeedRecord, FeedRow, Rejection, RemovalRow
from shopsearch.errors import FeedFormatError


def records(folder: Path, *lines: object, mapping: FieldMapping | None = None) -> list[FeedRecord]:
    path = folder / "changes.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return list(open_feed(path, mapping=mapping or FieldMapping()))


def test_a_line_may_take_a_product_out_or_bring_one(tmp_path: Path) -> None:
    gone, new, plain, empty = records(
        tmp_path,
        {"op": "delete", "id": "A7"},
        {"op": "upsert", "id": "A8", "title": "a"},
        {"id": "A9", "title": "b"},
        {"op": None, "id": 10, "title": "c"},
    )

    assert gone == RemovalRow(1, "A7")
    assert [one.product.product_id for one in (new, plain, empty)] == ["A8", "A9", "10"]
    assert new.product.attributes == empty.product.attributes == {}


def test_another_word_for_what_to_do_is_rejected_and_named(tmp_path: Path) -> None:
    (record,) = records(tmp_path, {"op": "M3 thread", "id": "1", "title": "screw"})

    assert isinstance(record, Rejection)
    assert (record.product_id, record.field, record.value) == ("1", "op", "M3 thread")
    assert "line 1: the op 'M3 thread' is none: write upsert or delete" in record.reason
    assert "changes = false" in record.reason


def test_a_catalog_with_a_column_of_that_name_can_say_so(tmp_path: Path) -> None:
    mapping = FieldMapping(has_changes=False)

    screw, odd = records(
        tmp_path,
        {"op": "M3 thread", "id": "1", "title": "screw"},
        {"op": "delete", "id": "2", "title": "key"},
        mapping=mapping,
    )

    assert screw.product.attributes == {"op": "M3 thread"}
    assert odd.product.attributes == {"op": "delete"}


def test_taking_out_needs_an_id(tmp_path: Path) -> None:
    (record, _) = records(tmp_path, {"op": "delete"}, {"id": "1", "title": "a"})

    assert isinstance(record, Rejection)
    assert "no id" in record.reason


def test_ids_alone_need_no_column_of_the_mapping_but_that_of_the_id(tmp_path: Path) -> None:
    mapping = FieldMapping({"title": "name", "id": "sku"})

    assert records(tmp_path, {"op": "Delete", "sku": "A7"}, mapping=mapping) == [
        RemovalRow(1, "A7")
    ]
    with pytest.raises(FeedFormatError, match="--map id=sku names a column"):
        records(tmp_path, {"op": "delete", "id": "A7"}, mapping=mapping)


def test_what_to_do_is_asked_of_json_lines_alone(tmp_path: Path) -> None:
    (tmp_path / "feed.csv").write_text("id,title,op\n1,a,delete\n")

    (record,) = open_feed(tmp_path / "feed.csv")

    assert isinstance(record, FeedRow)
    assert record.product.attributes == {"op": "delete"}
