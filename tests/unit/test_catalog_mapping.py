"""Mapping files: what they say, where they lie, and what wins."""

from __future__ import annotations

from pathlib import Path

import pytest

from shopsearch.catalog import FieldMapping, Variants, open_feed
from shopsearch.catalog.fields import FIELD_ALIASES
from shopsearch.catalog.formats import FORMATS, complete
from shopsearch.catalog.mapping import read_mapping_file
from shopsearch.catalog.source import FeedSource
from shopsearch.cli import feed_options
from shopsearch.domain import Price, Product
from shopsearch.errors import CatalogError, FeedFormatError

WHOLE = """
format = "shopify"
currency = "eur"
variants = "separate"
include_drafts = true
changes = false
skip = ["Internal note"]

[fields]
title = "product_name"
price = ["sale_price", "price"]
colour = "shade"

[defaults]
brand = "Acme"
category = "Home > Mugs"
"""


def read(folder: Path, text: str | bytes) -> FieldMapping:
    path = folder / "m.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_mapping_file(path, FORMATS)


def products(
    folder: Path, feed: str, toml: str = "", mapping: FieldMapping | None = None
) -> list[Product]:
    (folder / "feed.csv").write_text(feed)
    if toml:
        (folder / "feed.csv.toml").write_text(toml)
    opened = open_feed(folder / "feed.csv", mapping=mapping or FieldMapping())
    return [record.product for record in opened]


def test_a_file_says_all_that_a_mapping_can(tmp_path: Path) -> None:
    assert read(tmp_path, WHOLE) == FieldMapping(
        columns={"title": "product_name", "price": ["sale_price", "price"], "color": "shade"},
        currency="eur",
        defaults={"brand": "Acme", "product_type": "Home > Mugs"},
        skipped=frozenset({"Internal note"}),
        format="shopify",
        variants=Variants.SEPARATE,
        include_drafts=True,
        has_changes=False,
        file=tmp_path / "m.toml",
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "currencie = 'EUR'",
            r"m\.toml: currencie: there is no such key; the keys are form",
        ),
        ("currency = 'ABC'", "currency: 'ABC' is no ISO 4217 code"),
        ("currency = 5", "currency: 5 is no ISO 4217 code"),
        ("format = 'yaml'", "format: 'yaml' is none of auto, csv, jsonl, shopify"),
        ("format = []", r"format: \[\] is none of"),
        ("variants = 'apart'", "variants: 'apart' is none of together, separate"),
        ("include_drafts = 'yes'", "include_drafts: 'yes' is neither true nor false"),
        ("skip = 'note'", "skip: 'note' is no list of names"),
        ("fields = 'title'", r"fields: this is a table: write \[fields\]"),
        ("[fields]\ntitel = 'a'", r"fields\.titel: there is no field 'titel'; .* are id, title"),
        ("[fields]\ntitle = 5", r"fields\.title: 5 is no list of names"),
        ("[fields]\ntitle = ''", r"fields\.title: '' is no list of names"),
        ("[defaults]\nid = '1'", r"defaults\.id: an id has no default"),
        ("[defaults]\nbrand = 1", r"defaults\.brand: 1 is no text"),
        ("[fields]\n]", r"this is no TOML \(.*line 2"),
        (b"currency = '\xff'", "byte 12 is no UTF-8"),
        ("#" * 1_000_001, "1,000,000 bytes are no mapping"),
        ("a = " + "[" * 5_000, "this is no TOML"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_wrong_in_a_file_is_told_with_its_key(
    tmp_path: Path, text: str | bytes, told: str
) -> None:
    with pytest.raises(FeedFormatError, match=told):
        read(tmp_path, text)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="the mapping cannot be read"):
        read_mapping_file(tmp_path, FORMATS)


def test_the_file_beside_a_feed_is_used_and_what_is_said_wins_over_it(tmp_path: Path) -> None:
    feed = "id,product_name,other,cost,Internal note,fit\n1,Mug,Cup,5,secret,wide\n"
    toml = (
        "currency = 'EUR'\nskip = ['internal-note']\n"
        "[fields]\ntitle = 'product_name'\nprice = 'cost'\n[defaults]\nbrand = 'Acme'\n"
    )

    (as_file_says,) = products(tmp_path, feed, toml)
    (as_told,) = products(
        tmp_path, feed, mapping=FieldMapping({"title": "other"}, "USD", fallback_currency="INR")
    )

    assert as_file_says == Product(
        product_id="1",
        title="Mug",
        brand="Acme",
        price=Price(500, "EUR"),
        attributes={"other": "Cup", "fit": "wide"},
    )
    assert (as_told.title, as_told.price) == ("Cup", Price(500, "USD"))


def test_a_shops_currency_stands_in_where_nothing_else_is_said(tmp_path: Path) -> None:
    shop = FieldMapping(fallback_currency="INR")

    (bare,) = products(tmp_path, "id,title,price\n1,a,5\n", mapping=shop)
    (told,) = products(tmp_path, "id,title,price\n1,a,5\n", "currency = 'EUR'", shop)

    assert (bare.price, told.price) == (Price(500, "INR"), Price(500, "EUR"))


def test_a_default_fills_what_is_empty_alone(tmp_path: Path) -> None:
    toml = "[defaults]\ncolor = 'white'\nprice = '1 EUR'\navailability = 'in stock'\ntitle = 'Mug'"
    feed = "id,title,colour,price,attributes\n1,Cap,red,5 EUR,\n2,,,,\n"

    cap, mug = products(tmp_path, feed, toml)

    assert (cap.title, cap.color, cap.price) == ("Cap", "red", Price(500, "EUR"))
    assert (mug.title, mug.color, mug.price) == ("Mug", "white", Price(100, "EUR"))
    assert cap.availability == "in_stock"


def test_an_attribute_within_a_column_of_many_can_be_skipped(tmp_path: Path) -> None:
    feed = 'id,title,attributes\n1,a,"{""Fit"": ""slim"", ""Cost"": ""3""}"\n'

    (product,) = products(tmp_path, feed, "skip = ['cost']")

    assert product.attributes == {"fit": "slim"}


def test_the_format_of_a_file_is_that_of_the_mapping(tmp_path: Path) -> None:
    (product,) = products(tmp_path, '{"id": 1, "title": "a"}\n', "format = 'jsonl'")

    assert product.title == "a"


def test_an_error_about_a_column_names_the_file_that_maps_it(tmp_path: Path) -> None:
    toml = "[fields]\nbrand = 'maker'\n"

    with pytest.raises(FeedFormatError, match=r'feed\.csv\.toml: brand = "maker" names a column'):
        products(tmp_path, "id,title\n1,a\n", toml)
    with pytest.raises(FeedFormatError, match="--map brand=house names a column"):
        products(tmp_path, "id,title\n1,a\n", mapping=FieldMapping({"brand": "house"}))


def test_of_several_columns_for_a_field_one_has_to_be_there(tmp_path: Path) -> None:
    toml = "[fields]\nprice = ['sale', 'price']\n"

    (product,) = products(tmp_path, "id,title,price\n1,a,5 EUR\n", toml)

    assert product.price == Price(500, "EUR")
    with pytest.raises(FeedFormatError, match=r"price = \['sale', 'price'\] names a column"):
        products(tmp_path, "id,title\n1,a\n")


def test_a_file_that_is_named_wins_over_the_one_beside(tmp_path: Path) -> None:
    (tmp_path / "feed.csv").touch()
    (tmp_path / "feed.csv.toml").write_text("currency = 'EUR'")
    (tmp_path / "m.toml").write_text("currency = 'USD'")

    mapping = complete(FieldMapping(), FeedSource.of(tmp_path / "feed.csv"), tmp_path / "m.toml")

    assert (mapping.currency, mapping.file) == ("USD", tmp_path / "m.toml")


def test_the_command_line_knows_the_fields_and_formats_of_the_catalog_room() -> None:
    assert tuple(FIELD_ALIASES) == feed_options.PRODUCT_FIELDS
    assert ("auto", *FORMATS) == feed_options.FORMATS
