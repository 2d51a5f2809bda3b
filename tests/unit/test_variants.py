"""Variants as choices: which fields tell them apart, and where each value leads."""

from __future__ import annotations

import pytest

from shopsearch.domain import Hit, Product
from shopsearch.server.variants import NO_FIELD, axes, natural


def shirt(product_id: str, color: str = "", size: str = "", **further) -> Product:
    return Product(
        product_id=product_id,
        title=f"Shirt {product_id}",
        item_group_id="shirt",
        color=color,
        size=size,
        **further,
    )


def hits(*products: Product, image_hash: str | None = "ab") -> list[Hit]:
    return [Hit(product, 0.0, rank, image_hash) for rank, product in enumerate(products, 1)]


SHIRTS = (
    shirt("red-l", "Red", "L"),
    shirt("red-s", "Red", "S"),
    shirt("blue-s", "blue", "S"),
    shirt("blue-m", "Blue", "M", availability="out_of_stock"),
)


def shown(product: Product, *products: Product) -> dict[str, list[tuple[str, str, bool]]]:
    return {
        axis.field: [(one.value, one.product_id, one.is_current) for one in axis.choices]
        for axis in axes(product, hits(*products))
    }


def test_each_value_leads_to_the_variant_that_is_else_the_same() -> None:
    assert shown(SHIRTS[1], *SHIRTS) == {
        "color": [("blue", "blue-s", False), ("Red", "red-s", True)],
        "size": [("S", "red-s", True), ("M", "blue-m", False), ("L", "red-l", False)],
    }


def test_a_choice_says_what_else_changes_and_what_cannot_be_had() -> None:
    color, size = axes(SHIRTS[1], hits(*SHIRTS))
    assert [one.keeps_the_rest for one in color.choices] == [True, True]
    assert [(one.value, one.keeps_the_rest, one.is_available) for one in size.choices] == [
        ("S", True, True),
        ("M", False, False),
        ("L", True, True),
    ]


def test_the_product_at_hand_is_the_choice_of_its_own_values() -> None:
    twins = (shirt("a", "Red", "S"), shirt("b", "Red", "S"), shirt("c", "Blue", "S"))
    for product in twins[:2]:
        current = [row for row in shown(product, *twins)["color"] if row[2]]
        assert current == [("Red", product.product_id, True)]


def test_attributes_count_only_where_they_are_needed() -> None:
    phones = [
        shirt(name, "Black", attributes={"memory": memory, "sku": name})
        for name, memory in (("a", "64 GB"), ("b", "128 GB"))
    ]
    assert [*shown(phones[0], *phones)] == ["memory"]
    colours = [shirt(name, name, attributes={"sku": name}) for name in ("red", "blue")]
    assert [*shown(colours[0], *colours)] == ["color"]


def test_a_field_that_some_lack_tells_nothing_apart() -> None:
    some = (shirt("a", "Red", "S"), shirt("b", "Blue", ""))
    assert [*shown(some[0], *some)] == ["color"]


def test_variants_that_nothing_tells_apart_are_listed_by_title() -> None:
    twins = (shirt("b"), shirt("a"))
    assert shown(twins[0], *twins) == {
        NO_FIELD: [("Shirt b", "b", True), ("Shirt a", "a", False)],
    }


@pytest.mark.parametrize("others", [(), (shirt("x"), shirt("y"))])
def test_a_product_alone_has_no_choices(others) -> None:
    assert axes(shirt("a"), hits(*others)) == ()
    assert axes(shirt("a"), hits(shirt("a"))) == ()


def test_colours_are_shown_where_all_have_a_picture() -> None:
    with_pictures, without = hits(*SHIRTS[:3]), hits(*SHIRTS[:3], image_hash=None)
    assert [one.is_pictured for one in axes(SHIRTS[0], with_pictures)] == [True, False]
    assert [one.is_pictured for one in axes(SHIRTS[0], without)] == [False, False]


def test_sizes_stand_as_on_a_rack() -> None:
    sizes = ["XL", "10", "s", "9.5", "M", "one size", "XXS", "100 ml"]
    assert sorted(sizes, key=natural) == [
        *("XXS", "s", "M", "XL"),
        *("9.5", "10", "100 ml"),
        "one size",
    ]
