"""JSON lines, flat and nested."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shopsearch.catalog import FieldMapping, open_feed
from shopsearch.domain import FeedRow, Price, Product, Rejection
from shopsearch.errors import FeedFormatError

AS_NAMED = FieldMapping()


def records(folder: Path, text: str, mapping: FieldMapping = AS_NAMED) -> list[FeedRow | Rejection]:
    path = folder / "feed.jsonl"
    path.write_text(text, encoding="utf-8")
    return list(open_feed(path, mapping=mapping))


def product(folder: Path, mapping: FieldMapping = AS_NAMED, **fields: object) -> Product:
    (record,) = records(folder, json.dumps({"id": "1", "title": "t"} | fields), mapping)
    return record.product


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"id" 2}', "line 2: column 7: this is no JSON (Expecting ':' delimiter)"),
        ('{"id": 2, "title"', "line 2: column 18: this is no JSON"),
        ("[1, 2]", "this is no JSON object but '[1, 2]'"),
        ('"text"', "no JSON object"),
        ("null", "no JSON object"),
        ('{"id": 2, "title": "\\ud800"}', "half a character"),
        ('{"id": 2, "title": "\\u0000"}', "NUL"),
        ('{"id": null, "title": "x"}', "no id"),
        ('{"id": {}, "title": "x"}', "no id"),
        ('{"id": 2, "title": ' + "[" * 90 + "]" * 90 + "}", "more than 50 levels"),
        ('{"id": 2, "title": ' + "[" * 200_000 + "]" * 200_000 + "}", "without end"),
        ('{"id": 2, "title": "' + "x" * 1_000_001 + '"}', "longer than 1,000,000"),
    ],
)
def test_a_broken_line_is_rejected_with_its_place(tmp_path: Path, line: str, told: str) -> None:
    good = '{"id": 1, "title": "a"}'

    first, broken, last = records(tmp_path, f"{good}\n{line}\n\n{good}\n")

    assert isinstance(broken, Rejection)
    assert broken.row == 2
    assert told in broken.reason
    assert (first.row, last.row) == (1, 3)


def test_numbers_stay_as_they_were_written(tmp_path: Path) -> None:
    text = '{"id": 12345678901234567890123, "title": 1.50, "price": 19.90, "w": 1e400}'

    (record,) = records(tmp_path, text, FieldMapping(currency="EUR"))

    assert record.product.product_id == "12345678901234567890123"
    assert record.product.title == "1.50"
    assert record.product.price == Price(1990, "EUR")
    assert record.product.attributes == {"w": "1e400"}


def test_lists_truth_values_and_nothing_become_words(tmp_path: Path) -> None:
    found = product(tmp_path, tags=["a", None, "b", ["c"]], new=True, sale=False, gone=None, nan="")

    assert found.attributes == {"tags": "a | b | c", "new": "true", "sale": "false"}


def test_nested_objects_become_dotted_attributes(tmp_path: Path) -> None:
    found = product(
        tmp_path, dimensions={"height": {"value": 3, "unit": "cm"}, "Net Weight": "2 kg"}
    )

    assert found.attributes == {
        "dimensions.height.value": "3",
        "dimensions.height.unit": "cm",
        "dimensions.net_weight": "2 kg",
    }


def test_a_nested_column_can_be_mapped(tmp_path: Path) -> None:
    found = product(tmp_path, FieldMapping({"brand": "maker.name"}), maker={"name": "Acme"})

    assert found.brand == "Acme"


@pytest.mark.parametrize(
    "price",
    [
        "12.50 USD",
        {"value": "12.50", "currency": "USD"},
        {"amount": 12.5, "currencyCode": "USD"},
    ],
)
def test_a_price_may_be_an_object(tmp_path: Path, price: object) -> None:
    assert product(tmp_path, price=price).price == Price(1250, "USD")


def test_a_category_may_be_a_list(tmp_path: Path) -> None:
    assert product(tmp_path, category=["Home", "Mugs / Cups"]).product_type == "Home > Mugs / Cups"


def test_an_array_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(FeedFormatError, match=r"jq -c '\.\[\]' feed\.jsonl"):
        records(tmp_path, '[{"id": 1}, {"id": 2}]')


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FeedFormatError, match="none of the first lines is a JSON object"):
        records(tmp_path, "1\n2\n")


def test_a_mapped_field_may_be_missing_from_the_first_records(tmp_path: Path) -> None:
    text = '{"id": 1, "title": "a"}\n{"id": 2, "title": "b", "maker": "Acme"}\n'

    found = records(tmp_path, text, FieldMapping({"brand": "maker"}))

    assert [record.product.brand for record in found] == ["", "Acme"]
