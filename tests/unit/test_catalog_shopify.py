"""Shopify's product export, with what is odd about real ones."""

from __future__ import annotations

import csv
import io
import tracemalloc
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from shopsearch.catalog import FieldMapping, Variants, open_feed
from shopsearch.domain import FeedRecord, FeedRow, Price, Product, Rejection, RemovalRow
from shopsearch.errors import FeedFormatError

Row = Mapping[str, str]

SHIRT = {
    "Handle": "shirt",
    "Title": "Linen shirt",
    "Body (HTML)": "<p>Cut <b>wide</b>.</p><ul><li>Cool &amp; light</li></ul><script>x()</script>",
    "Vendor": "Acme",
    "Product Category": "Apparel & Accessories > Clothing > Shirts",
    "Type": "Summer",
    "Tags": "linen, new in",
    "Published": "TRUE",
    "Option1 Name": "Size",
    "Option1 Value": "S",
    "Option2 Name": "Colour",
    "Option2 Value": "white",
    "Variant SKU": "SH-S-W",
    "Variant Inventory Tracker": "shopify",
    "Variant Inventory Qty": "0",
    "Variant Inventory Policy": "deny",
    "Variant Price": "25.00",
    "Variant Compare At Price": "99.00",
    "Variant Barcode": "'4006381333931",
    "Image Src": "https://cdn.example/2.jpg",
    "Image Position": "2",
    "Cost per item": "3.10",
    "Price / International": "1.00",
    "Status": "active",
    "Google Shopping / Age Group": "adult",
    "Fit (product.metafields.custom.fit)": "wide; relaxed",
}


def more(**cells: str) -> Row:
    """Another row of the shirt."""
    return {"Handle": "shirt"} | {name.replace("_", " "): cell for name, cell in cells.items()}


MEDIUM = more(
    Option1_Value="M",
    Option2_Value="white",
    Variant_SKU="SH-M-W",
    Variant_Inventory_Tracker="shopify",
    Variant_Inventory_Qty="4",
    Variant_Inventory_Policy="deny",
    Variant_Price="22.50",
    Variant_Barcode="'4006381333948",
    Image_Src="https://cdn.example/1.jpg",
    Image_Position="1",
    Variant_Image="https://cdn.example/m.jpg",
)
PICTURE = more(Image_Src="https://cdn.example/3.jpg", Image_Position="3")
MUG = {"Handle": "mug", "Title": "Mug", "Variant Price": "5", "Status": "active"}
EUR = FieldMapping(currency="EUR")
APART = FieldMapping(currency="EUR", variants=Variants.SEPARATE)


def records(
    folder: Path, rows: Sequence[Row], mapping: FieldMapping = EUR, header: Sequence[str] = ()
) -> list[FeedRecord]:
    text = io.StringIO()
    told = [*SHIRT, "Variant Image", *(column for row in rows for column in row)]
    columns = header or list(dict.fromkeys(told))
    writer = csv.DictWriter(text, columns, restval="")
    writer.writeheader()
    writer.writerows(rows)
    path = folder / "export.csv"
    path.write_text(text.getvalue(), encoding="utf-8")
    return list(open_feed(path, mapping=mapping))


def product(folder: Path, *rows: Row, mapping: FieldMapping = EUR) -> Product:
    (record,) = records(folder, rows, mapping)
    assert isinstance(record, FeedRow), record
    return record.product


def test_the_rows_of_a_handle_are_one_product(tmp_path: Path) -> None:
    shirt = product(tmp_path, SHIRT, MEDIUM, PICTURE)

    assert shirt == Product(
        product_id="shirt",
        title="Linen shirt",
        description="Cut wide. Cool & light",
        brand="Acme",
        product_type="Apparel & Accessories > Clothing > Shirts",
        images=tuple(f"https://cdn.example/{n}.jpg" for n in ("1", "2", "3", "m")),
        price=Price(2250, "EUR"),
        availability="in_stock",
        color="white",
        size="S | M",
        attributes={
            "type": "Summer",
            "tags": "linen | new in",
            "sku": "SH-S-W | SH-M-W",
            "age_group": "adult",
            "fit": "wide | relaxed",
        },
    )


def test_each_size_of_a_product_is_a_word_to_filter_by(tmp_path: Path) -> None:
    row = product(tmp_path, SHIRT, MEDIUM).filter_row()

    assert row["size"] == ("S", "M")
    assert row["tags"] == ("linen", "new in")
    assert row["color"] == ("white",)


def test_variants_apart_are_products_of_one_group(tmp_path: Path) -> None:
    small, medium = records(tmp_path, [SHIRT, MEDIUM, PICTURE], APART)

    assert (small.row, small.product.product_id, small.product.size) == (1, "SH-S-W", "S")
    assert (medium.row, medium.product.product_id, medium.product.size) == (2, "SH-M-W", "M")
    assert small.product.price == Price(2500, "EUR")
    assert (small.product.availability, medium.product.availability) == ("out_of_stock", "in_stock")
    assert medium.product.images[0] == "https://cdn.example/m.jpg"
    assert medium.product.gtin == "4006381333948"
    assert {small.product.item_group_id, medium.product.item_group_id} == {"shirt"}
    assert small.product.title == medium.product.title == "Linen shirt"


def test_a_variant_without_a_sku_is_known_by_its_options(tmp_path: Path) -> None:
    rows = [SHIRT | {"Variant SKU": ""}, MEDIUM | {"Variant SKU": ""}, MUG]

    found = [record.product for record in records(tmp_path, rows, APART)]

    assert [one.product_id for one in found] == ["shirt/S/white", "shirt/M/white", "mug"]
    assert [one.item_group_id for one in found] == ["shirt", "shirt", ""]


@pytest.mark.parametrize(
    ("tracker", "quantity", "policy", "availability"),
    [
        ("shopify", "3", "deny", "in_stock"),
        ("shopify", "0", "deny", "out_of_stock"),
        ("shopify", "-2", "deny", "out_of_stock"),
        ("shopify", "0", "continue", "in_stock"),
        ("shopify", "0", "CONTINUE", "in_stock"),
        ("", "0", "deny", "in_stock"),
        ("shopify", "", "deny", ""),
    ],
)
def test_availability_goes_by_what_shopify_would_sell(
    tmp_path: Path, tracker: str, quantity: str, policy: str, availability: str
) -> None:
    told = {
        "Variant Inventory Tracker": tracker,
        "Variant Inventory Qty": quantity,
        "Variant Inventory Policy": policy,
    }

    assert product(tmp_path, SHIRT | told).availability == availability


@pytest.mark.parametrize(
    "said", [{"Status": "draft"}, {"Status": "archived"}, {"Published": "false"}]
)
def test_what_is_not_for_sale_is_taken_out_unless_asked_for(tmp_path: Path, said: Row) -> None:
    rows = [MUG, SHIRT | said, MEDIUM]

    mug, shirt = records(tmp_path, rows)
    both = records(tmp_path, rows, FieldMapping(currency="EUR", include_drafts=True))

    assert isinstance(mug, FeedRow)
    assert shirt == RemovalRow(2, "shirt", is_change=False)
    assert [record.product.product_id for record in both] == ["mug", "shirt"]


def test_a_draft_whose_variants_are_apart_takes_out_each_of_them(tmp_path: Path) -> None:
    found = records(tmp_path, [SHIRT | {"Status": "draft"}, MEDIUM], APART)

    assert found == [
        RemovalRow(1, "SH-S-W", is_change=False),
        RemovalRow(2, "SH-M-W", is_change=False),
    ]


def test_rows_of_a_product_that_stand_apart_are_told(tmp_path: Path) -> None:
    shirt, mug, again = records(tmp_path, [SHIRT, MUG, MEDIUM])

    assert (shirt.product.size, mug.product.product_id) == ("S", "mug")
    assert isinstance(again, Rejection)
    assert (again.row, again.product_id, again.field) == (3, "shirt", "title")
    assert "put all rows of a product together" in again.reason


def test_empty_rows_say_nothing_and_a_row_without_a_handle_is_told(tmp_path: Path) -> None:
    found = records(tmp_path, [{}, SHIRT, {}, MEDIUM, {"Title": "lost"}, {}, MUG])

    assert [record.row for record in found] == [2, 5, 7]
    assert found[0].product.size == "S | M"
    assert "line 6: the row has no Handle" in found[1].reason


def test_a_broken_row_within_a_product_costs_itself_alone(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text("Handle,Title,Variant Price,Option1 Name,Option1 Value\n"
                    "cap,Cap,5,Size,S\ncap,,4\ncap,,6,,L\n")  # fmt: skip

    cap, broken = open_feed(path, mapping=EUR)

    assert cap.product.size == "S | L"
    assert (broken.row, broken.product_id) == (2, "cap")
    assert "3 cells where the header has 5" in broken.reason


def test_a_row_with_a_handle_alone_adds_nothing(tmp_path: Path) -> None:
    assert product(tmp_path, SHIRT, {"Handle": "shirt"}) == product(tmp_path, SHIRT)


def test_a_product_of_nothing_but_a_handle_is_rejected(tmp_path: Path) -> None:
    (record,) = records(tmp_path, [{"Handle": "ghost"}])

    assert isinstance(record, Rejection)
    assert "neither a picture nor words" in record.reason


def test_options_that_shopify_makes_up_are_none(tmp_path: Path) -> None:
    rows = MUG | {"Option1 Name": "Title", "Option1 Value": "Default Title"}

    assert product(tmp_path, rows).attributes == {}


def test_an_option_is_a_field_where_its_name_says_so_and_an_attribute_otherwise(
    tmp_path: Path,
) -> None:
    named = {"Option1 Name": "Größe", "Option2 Name": "Price", "Option2 Value": "low"}

    found = product(tmp_path, SHIRT | named | {"Option3 Name": "Neck", "Option3 Value": "V"})

    assert (found.size, found.price) == ("S", Price(2500, "EUR"))
    assert found.attributes["option_price"] == "low"
    assert found.attributes["neck"] == "V"


def test_an_option_can_be_mapped_by_its_name(tmp_path: Path) -> None:
    named = SHIRT | {"Option1 Name": "Shoe fit"}

    assert product(
        tmp_path, named, mapping=FieldMapping({"size": "shoe fit"}, currency="EUR")
    ).size == "S"  # fmt: skip
    with pytest.raises(FeedFormatError, match="--map size=hat fit names a column"):
        records(tmp_path, [named], FieldMapping({"size": "hat fit"}))


def test_a_mapping_reaches_columns_that_are_left_out_otherwise(tmp_path: Path) -> None:
    mapping = FieldMapping({"price": "Price / International", "id": "Variant SKU"}, currency="USD")

    found = product(tmp_path, SHIRT, MEDIUM | {"Price / International": "0.90"}, mapping=mapping)

    assert (found.product_id, found.price) == ("SH-S-W", Price(90, "USD"))
    assert "cost_per_item" not in found.attributes


def test_a_price_without_a_currency_names_the_option(tmp_path: Path) -> None:
    (record,) = records(tmp_path, [SHIRT], FieldMapping())

    assert isinstance(record, Rejection)
    assert (record.field, record.column, record.value) == ("price", "Variant Price", "25.00")
    assert "--currency" in record.reason


def test_variants_in_several_currencies_are_not_compared(tmp_path: Path) -> None:
    rows = [SHIRT | {"Variant Price": "25 EUR"}, MEDIUM | {"Variant Price": "20 USD"}]

    (record,) = records(tmp_path, rows)

    assert isinstance(record, Rejection)
    assert "EUR and USD" in record.reason


def test_one_price_that_cannot_be_read_rejects_the_product(tmp_path: Path) -> None:
    (record,) = records(tmp_path, [SHIRT, MEDIUM | {"Variant Price": "ask"}])

    assert isinstance(record, Rejection)
    assert "'ask' cannot be read" in record.reason


def test_the_newer_template_is_read_too(tmp_path: Path) -> None:
    row = {
        "Title": "Cap",
        "URL handle": "cap",
        "Description": "<p>warm</p>",
        "Vendor": "Acme",
        "Published on online store": "TRUE",
        "Status": "Active",
        "SKU": "C1",
        "Option1 name": "Color",
        "Option1 value": "red",
        "Price": "9.99",
        "Price / International": "1",
        "Compare-at price": "20",
        "Inventory tracker": "shopify",
        "Inventory quantity": "0",
        "Continue selling when out of stock": "CONTINUE",
        "Product image URL": "https://cdn.example/c.jpg",
    }

    (record,) = records(tmp_path, [row], header=list(row))

    assert record.product == Product(
        product_id="cap",
        title="Cap",
        description="warm",
        brand="Acme",
        images=("https://cdn.example/c.jpg",),
        price=Price(999, "EUR"),
        availability="in_stock",
        color="red",
        attributes={"sku": "C1"},
    )


def test_a_product_may_have_a_hundred_variants_and_not_without_end(tmp_path: Path) -> None:
    many = [MEDIUM | {"Option1 Value": str(n), "Variant Price": str(n + 1)} for n in range(100)]
    endless = [MEDIUM | {"Option1 Value": str(n)} for n in range(5_001)]

    shirt = product(tmp_path, SHIRT, *many)
    (rejected,) = records(tmp_path, [SHIRT, *endless])

    assert len(shirt.filter_row()["size"]) == 101
    assert shirt.price == Price(100, "EUR")
    assert isinstance(rejected, Rejection)
    assert "more than 5,000 rows" in rejected.reason


def test_no_more_than_one_product_is_held(tmp_path: Path) -> None:
    def peak(n_products: int) -> int:
        rows = [
            {**row, "Handle": f"p{n}", "Title": "word " * 500 if row is SHIRT else ""}
            for n in range(n_products)
            for row in (SHIRT, *[MEDIUM] * 20)
        ]
        records(tmp_path, rows)
        feed = open_feed(tmp_path / "export.csv", mapping=EUR)
        del rows
        tracemalloc.start()
        assert sum(1 for _ in feed) == n_products
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(100) < peak(20) + 500_000  # 80 products more are 1,680 rows and 0.5 MB of text


def test_a_plain_csv_is_not_taken_for_shopifys_nor_read_as_it(tmp_path: Path) -> None:
    path = tmp_path / "plain.csv"
    path.write_text("id,handle,title,sku,price\n1,h,a,s,5 EUR\n")

    (record,) = open_feed(path)

    assert record.product.product_id == "1"
    with pytest.raises(FeedFormatError, match=r"no product export of Shopify.*--format csv"):
        list(open_feed(path, format="shopify"))
