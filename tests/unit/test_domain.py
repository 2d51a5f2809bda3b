"""The nouns."""

from __future__ import annotations

from decimal import Decimal

import pytest

from shopsearch.domain import Price, Product, Query


@pytest.mark.parametrize(
    ("amount", "currency", "minor", "shown"),
    [
        ("19.99", "usd", 1999, "19.99 USD"),
        ("899", "INR", 89900, "899.00 INR"),
        ("1500", "JPY", 1500, "1500 JPY"),
        ("1.234", "KWD", 1234, "1.234 KWD"),
    ],
)
def test_a_price_is_kept_in_the_minor_units_of_its_currency(
    amount: str, currency: str, minor: int, shown: str
) -> None:
    price = Price.of(Decimal(amount), currency)
    assert (price.amount_minor, price.currency, str(price)) == (minor, currency.upper(), shown)
    assert price.amount == Decimal(amount)


def test_a_filter_row_keeps_spellings_and_counts_a_category_as_all_of_its_levels() -> None:
    product = Product(
        product_id="1",
        brand="NIKE",
        product_type="Shoes > Running > Trail",
        price=Price(9950, "EUR"),
        attributes={"Heel": "Flat", "empty": ""},
    )
    assert product.filter_row() == {
        "brand": ("NIKE",),
        "product_type": ("Shoes", "Shoes > Running", "Shoes > Running > Trail"),
        "price": 99.5,
        "currency": ("EUR",),
        "Heel": ("Flat",),
    }


def test_each_of_several_values_is_a_word_of_its_own() -> None:
    product = Product(
        product_id="1",
        size="S | M | S | XL",
        color="red|blue",
        item_group_id="a | b",
        attributes={"tags": "new | sale", "odd": " | ", "path": "a|b | c"},
    )

    assert product.filter_row() == {
        "size": ("S", "M", "XL"),
        "color": ("red|blue",),
        "item_group_id": ("a | b",),
        "tags": ("new", "sale"),
        "odd": (" | ",),
        "path": ("a|b", "c"),
    }


def test_a_field_of_the_product_wins_over_an_attribute_of_the_same_name() -> None:
    product = Product(product_id="1", color="Blue", attributes={"color": "Navy"})
    assert product.filter_row()["color"] == ("Blue",)


@pytest.mark.parametrize(
    ("query", "empty"),
    [
        (Query(), True),
        (Query(text="  "), True),
        (Query(text="mug"), False),
        (Query(image=b"x"), False),
        (Query(product_id="1"), False),
    ],
)
def test_a_query_is_empty_when_it_asks_for_nothing(query: Query, empty: bool) -> None:
    assert query.is_empty is empty
