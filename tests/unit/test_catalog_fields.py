"""Columns become fields and attributes; places become paths; formats are found."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from shopsearch.catalog import FieldMapping, find_feed, open_feed
from shopsearch.catalog.fields import FIELD_ALIASES, attribute_name, field_named
from shopsearch.domain import Price, Product
from shopsearch.errors import CatalogError

AS_NAMED = FieldMapping()


def product(folder: Path, mapping: FieldMapping = AS_NAMED, **columns: str) -> Product:
    path = folder / "feed.jsonl"
    path.write_text(json.dumps({"id": "1", "title": "t"} | columns), encoding="utf-8")
    (record,) = open_feed(path, mapping=mapping)
    return record.product


@pytest.mark.parametrize("field", FIELD_ALIASES)
@pytest.mark.parametrize("change", [str, str.upper, str.title, lambda name: f" {name} "])
def test_a_field_is_known_by_its_name_however_it_is_written(field: str, change: object) -> None:
    for name in (field, *FIELD_ALIASES[field]):
        written = change(name)  # type: ignore[operator]
        for spelling in (
            written,
            written.replace("_", " "),
            written.replace("_", "-"),
            f"g:{name}",
        ):
            assert field_named(spelling) == field


@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("Designed For", "designed_for"),
        ("baseColour", "base_colour"),
        ("  Net-Weight (kg) ", "net_weight_kg"),
        ("Größe", "größe"),
        ("a  -  b", "a_b"),
        ("!!!", ""),
    ],
)
def test_an_attribute_is_named_in_lower_snake_case(column: str, name: str) -> None:
    assert attribute_name(column) == name


def test_a_price_column_may_name_its_currency(tmp_path: Path) -> None:
    found = product(tmp_path, price_inr="899", retail_price_inr="999")

    assert found.price == Price(89900, "INR")
    assert found.attributes == {"retail_price_inr": "999"}


def test_the_currency_of_a_column_wins_over_that_of_the_feed(tmp_path: Path) -> None:
    assert product(tmp_path, FieldMapping(currency="USD"), price_eur="5").price == Price(500, "EUR")


def test_a_mapped_price_column_keeps_the_currency_in_its_name(tmp_path: Path) -> None:
    mapping = FieldMapping({"price": "retail_price_inr"})

    assert product(tmp_path, mapping, retail_price_inr="5").price == Price(500, "INR")


def test_three_letters_that_are_no_currency_make_no_price(tmp_path: Path) -> None:
    found = product(tmp_path, price_old="5")

    assert found.price is None
    assert found.attributes == {"price_old": "5"}


def test_of_two_columns_for_a_field_the_first_with_a_value_is_taken(tmp_path: Path) -> None:
    found = product(tmp_path, name="other", image="", image_url="https://shop.example/a.jpg")

    assert found.title == "t"
    assert found.attributes == {"name": "other"}
    assert found.images == ("https://shop.example/a.jpg",)


def test_a_column_of_attributes_is_spread_and_fills_empty_fields(tmp_path: Path) -> None:
    told = {"Color": "Red", "Material": "Wool", "Fit": "slim", "Size": {"EU": 42}}

    found = product(tmp_path, attributes=json.dumps(told), material="Silk")

    assert found.color == "Red"
    assert found.material == "Silk"
    assert found.attributes == {"fit": "slim", "material": "Wool", "size.eu": "42"}


@pytest.mark.parametrize(
    ("told", "attributes"),
    [
        (
            '[{"key": "Fit", "value": "slim"}, {"name": "Neck", "value": "V"}]',
            {"fit": "slim", "neck": "V"},
        ),
        ("Width: 3 cm", {"specifications": "Width: 3 cm"}),
        ("{broken", {"specifications": "{broken"}),
        ("[]", {"specifications": "[]"}),
        ("", {}),
    ],
)
def test_specifications_come_in_many_forms(
    tmp_path: Path, told: str, attributes: dict[str, str]
) -> None:
    assert product(tmp_path, specifications=told).attributes == attributes


@pytest.mark.parametrize(
    ("told", "path"),
    [
        ("Home > Mugs", "Home > Mugs"),
        ("Home>Mugs", "Home > Mugs"),
        ("Home &gt; Mugs", "Home > Mugs"),
        ("Home / Mugs", "Home > Mugs"),
        ("Home | Mugs |", "Home > Mugs"),
        ("Food/Drink", "Food/Drink"),
        (" > ", ""),
    ],
)
def test_the_levels_of_a_category_are_parted(tmp_path: Path, told: str, path: str) -> None:
    assert product(tmp_path, product_type=told).product_type == path


@pytest.mark.parametrize(
    ("told", "word"),
    [
        ("in stock", "in_stock"),
        ("In_Stock", "in_stock"),
        ("https://schema.org/InStock", "in_stock"),
        ("Out of Stock", "out_of_stock"),
        ("sold out", "out_of_stock"),
        ("PreOrder", "preorder"),
        ("on backorder", "backorder"),
        ("in two weeks", "in two weeks"),
        ("", ""),
    ],
)
def test_availability_is_told_in_googles_words(tmp_path: Path, told: str, word: str) -> None:
    assert product(tmp_path, availability=told).availability == word


@pytest.mark.parametrize(
    ("main", "more", "found"),
    [
        ("a.jpg", "", ["{}/a.jpg"]),
        (
            "images/a.jpg",
            "images/b.jpg,images/c.png",
            ["{}/images/a.jpg", "{}/images/b.jpg", "{}/images/c.png"],
        ),
        ("a.jpg|b.jpg", "a.jpg", ["{}/a.jpg", "{}/b.jpg"]),
        ('["a.jpg", "b,c.jpg"]', "", ["{}/a.jpg", "{}/b,c.jpg"]),
        ("red, blue.jpg", "", ["{}/red, blue.jpg"]),
        ("x/../a.jpg", "", ["{}/a.jpg"]),
        ("images\\a.jpg", "", ["{}/images/a.jpg"]),
        ("/photos/./a.jpg", "", ["/photos/a.jpg"]),
        ("https://h/w_1,h_2/a.jpg", "", ["https://h/w_1,h_2/a.jpg"]),
        ("https://h/a.jpg, https://h/b.jpg", "", ["https://h/a.jpg", "https://h/b.jpg"]),
        ("//h/a.jpg", "", ["https://h/a.jpg"]),
        ("", "", []),
    ],
)
def test_pictures_are_absolute_paths_or_addresses(
    tmp_path: Path, main: str, more: str, found: list[str]
) -> None:
    images = product(tmp_path, image_link=main, additional_image_link=more).images

    assert images == tuple(place.format(tmp_path) for place in found)


def test_a_feed_given_by_a_relative_path_has_absolute_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "products.csv").write_text("id,image\n1,a.jpg\n")
    monkeypatch.chdir(tmp_path)

    (record,) = open_feed(Path("products.csv"))

    assert record.product.images == (f"{tmp_path}/a.jpg",)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("feed.csv", b"id,title\n1,a\n"),
        ("feed.tsv", b"id\ttitle\n1\ta\n"),
        ("feed.CSV", b"id,title\n1,a\n"),
        ("feed.txt", b"id;title\n1;a\n"),
        ("feed", b'{"id": 1, "title": "a"}\n'),
        ("feed.json", b'\n {"id": 1, "title": "a"}\n'),
        ("feed.ndjson", b'{"id": 1, "title": "a"}\n'),
        ("feed.gz", gzip.compress(b'{"id": 1, "title": "a"}\n', mtime=0)),
        ("feed.csv.gz", b"id,title\n1,a\n"),
    ],
)
def test_the_format_is_found_by_ending_or_content(
    tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)

    (record,) = open_feed(tmp_path / name)

    assert (record.product.product_id, record.product.title) == ("1", "a")


def test_a_named_format_wins_over_the_ending(tmp_path: Path) -> None:
    (tmp_path / "feed.csv").write_text('{"id": 1, "title": "a"}\n')

    assert len(list(open_feed(tmp_path / "feed.csv", format="jsonl"))) == 1


def test_a_folder_means_the_feed_inside(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"holds no feed \(products\.csv.*name the feed's file"):
        open_feed(tmp_path)
    (tmp_path / "notes.txt").write_text("id,title")
    (tmp_path / "shop.jsonl").write_text('{"id": 1, "title": "a"}\n')

    assert len(list(open_feed(tmp_path))) == 1


def test_of_several_feeds_in_a_folder_the_one_called_products_is_meant(tmp_path: Path) -> None:
    for name in ("links.csv", "stock.tsv"):
        (tmp_path / name).write_text("id,title\n")
    with pytest.raises(CatalogError, match=r"several feeds \(links\.csv, stock\.tsv\); name one"):
        find_feed(tmp_path)
    (tmp_path / "products.csv.gz").touch()
    assert find_feed(tmp_path) == tmp_path / "products.csv.gz"
    (tmp_path / "products.csv").touch()
    with pytest.raises(CatalogError, match=r"several feeds \(products\.csv, products\.csv\.gz\)"):
        find_feed(tmp_path)


def test_a_missing_feed_and_an_unknown_format_are_told(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="no such feed; check the path"):
        open_feed(tmp_path / "missing.csv")
    (tmp_path / "feed.csv").touch()
    with pytest.raises(CatalogError, match=r"'yaml'; give one of auto, csv, jsonl"):
        open_feed(tmp_path / "feed.csv", format="yaml")
