"""Turns of talk, over a catalog of a few values: what each does to a query, and what it says."""

from __future__ import annotations

from decimal import Decimal

import pytest

from shopsearch.domain import (
    AnyOf,
    Between,
    PartKind,
    Price,
    Product,
    ProductFilter,
    Query,
    Sort,
    UnderstoodPart,
    Wanted,
)
from shopsearch.refining import Change, ChangeKind, Known, Refined, Turn, refine
from shopsearch.understanding.sizes import CatalogSizes
from shopsearch.understanding.values import FIELDS, CatalogValues, Meaning

VALUES = {
    PartKind.COLOR: ("red", "blue", "green", "black, white"),
    PartKind.BRAND: ("nike", "alder & finch"),
    PartKind.MATERIAL: ("leather", "cotton"),
    PartKind.CATEGORY: ("clothing > dresses", "shoes"),
}
PHRASES = {"black, white": "black white", "alder & finch": "alder finch"}
PHRASES |= {"clothing > dresses": "dress", "shoes": "shoe", "leather": "leather"}
MEANINGS = {
    PHRASES.get(value, value): (Meaning(kind, FIELDS[kind], (value,), 5),)
    for kind, values in VALUES.items()
    for value in values
}
KNOWN = Known(
    values=CatalogValues(
        meanings=MEANINGS,
        sizes=CatalogSizes.of(["s", "m", "42"]),
        currencies=frozenset(["usd"]),
    ),
    availabilities=("in_stock", "preorder"),
    genders=("female", "unisex", "male"),
)


def product(number: int, price: str = "", color: str = "") -> Product:
    amount = Price.of(Decimal(price), "usd") if price else None
    return Product(product_id=f"p{number}", title=f"Dress {number}", price=amount, color=color)


SHOWN = (
    product(1, "10", "red"),
    product(2, "20", "blue"),
    product(3, "30", "blue"),
    product(4, "40"),
    product(5, "90"),
)
RED = UnderstoodPart(kind=PartKind.COLOR, text="red", wish=AnyOf("color", ("red",)))
UNDER = UnderstoodPart(
    kind=PartKind.PRICE, text="under 50", wish=Between("price", high=50.0), is_filter=True
)


def after(said: str, query: Query | None = None, **further) -> Refined:
    asked = Query(text="dress") if query is None else query
    return refine(Turn(said=said, query=asked, **{"shown": SHOWN} | further), KNOWN)


def where(refined: Refined) -> tuple:
    return refined.query.where.conditions


def filtered(*conditions: AnyOf | Between) -> Query:
    return Query(text="dress", where=ProductFilter(conditions))


@pytest.mark.parametrize(
    ("said", "low", "high"),
    [
        ("cheaper", None, 29.99),
        ("something less expensive", None, 29.99),
        ("too expensive", None, 29.99),
        ("a bit cheaper", None, 39.99),
        ("much cheaper", None, 19.99),
        ("more expensive", 30.01, None),
        ("cheaper than the second one", None, 19.99),
        ("pricier than the blue one", None, None),
        ("under 50", None, 50),
        ("nothing over 50", None, 50),
        ("between 20 and 40", 20, 40),
        ("around 30", 24, 36),
        ("at least $20", 20, None),
        ("20 to 40", 20, 40),
        ("my budget is 80", None, 80),
        ("under 70 and newest first", None, 70),
    ],
)
def test_prices_are_bounds(said: str, low: float | None, high: float | None) -> None:
    expected = () if low is high is None else (Between("price", low, high),)
    assert where(after(said)) == expected


def test_a_relative_price_never_widens_what_was_asked_for() -> None:
    assert where(after("cheaper", filtered(Between("price", 5, 15)))) == (Between("price", 5, 15),)
    assert after("cheaper", filtered(Between("price", 30, 95))).missed


def test_without_prices_in_sight_nothing_is_cheaper() -> None:
    refined = after("cheaper", shown=(product(1), None))
    assert refined.query == Query(text="dress")
    assert refined.reply == "Nothing that is shown has a price to compare with."


def test_a_price_in_the_words_gives_way() -> None:
    query = Query(text="dress under 50")
    assert after("under 30", query, parts=(UNDER,)).query.text == "dress"
    assert after("forget the price", query, parts=(UNDER,)).query == Query(text="dress")


@pytest.mark.parametrize(
    ("said", "order"),
    [
        ("the cheapest", Sort.PRICE_ASC),
        ("cheapest first", Sort.PRICE_ASC),
        ("most expensive first", Sort.PRICE_DESC),
        ("newest first", Sort.NEWEST),
        ("sort by popularity", Sort.POPULARITY),
    ],
)
def test_orders_are_taken(said: str, order: Sort) -> None:
    assert after(said).query.sort is order


def test_an_order_that_is_not_there_is_said_so() -> None:
    assert "There is no order by “rating”" in after("sort by rating").reply


@pytest.mark.parametrize(
    ("said", "condition"),
    [
        ("in blue", AnyOf("color", ("blue",))),
        ("blue or green", AnyOf("color", ("blue", "green"))),
        ("black and white", AnyOf("color", ("black, white",))),
        ("by Alder & Finch", AnyOf("brand", ("alder & finch",))),
        ("made of cotton", AnyOf("material", ("cotton",))),
        ("size 42", AnyOf("size", ("42",))),
        ("for women", AnyOf("gender", ("female", "unisex"))),
        ("only in stock", AnyOf("availability", ("in_stock",))),
        ("not leather", AnyOf("material", ("leather",), negate=True)),
        ("no Nike", AnyOf("brand", ("nike",), negate=True)),
        ("not red or blue", AnyOf("color", ("red", "blue"), negate=True)),
        ("everything but Nike", AnyOf("brand", ("nike",), negate=True)),
        ("either red or blue", AnyOf("color", ("red", "blue"))),
        ("that I can buy right now", AnyOf("availability", ("in_stock",))),
        ("I don't want green", AnyOf("color", ("green",), negate=True)),
    ],
)
def test_values_of_the_catalog_are_filters(said: str, condition: AnyOf) -> None:
    assert where(after(said)) == (condition,)


def test_a_value_replaces_and_or_adds() -> None:
    query = filtered(AnyOf("color", ("Red",)))
    assert where(after("blue", query)) == (AnyOf("color", ("blue",)),)
    assert where(after("or blue", query)) == (AnyOf("color", ("Red", "blue")),)
    assert where(after("blue too", query)) == (AnyOf("color", ("Red", "blue")),)
    assert where(after("not red", query)) == (AnyOf("color", ("red",), negate=True),)


def test_words_that_meant_a_value_give_way_to_another() -> None:
    refined = after("in blue instead", Query(text="red dress"), parts=(RED,))
    assert refined.query.text == "dress"
    assert where(refined) == (AnyOf("color", ("blue",)),)
    assert refined.reply == "Only in blue, instead of red."
    refined = after("or blue", Query(text="red dress"), parts=(RED,))
    assert where(refined) == (AnyOf("color", ("red", "blue")),)


def test_free_words_are_unwanted_or_searched_for_too() -> None:
    assert after("without sleeves").query.negatives == ("sleeves",)
    refined = after("with pockets")
    assert refined.query.text == "dress pockets"
    assert refined.reply == "Searched for “pockets” too."


@pytest.mark.parametrize(
    ("said", "wishes"),
    [
        ("more like the second one", [("p2", 1.0)]),
        ("the third", [("p3", 1.0)]),
        ("like the last two", [("p4", 0.5), ("p5", 0.5)]),
        ("like the first and the third", [("p1", 1.0), ("p3", 1.0)]),
        ("less like the first", [("p1", -0.5)]),
        ("more like the red one", [("p1", 1.0)]),
        ("the red one", [("p1", 1.0)]),
        ("something like #4", [("p4", 1.0)]),
        ("like the cheapest one", [("p1", 1.0)]),
    ],
)
def test_what_is_shown_can_be_pointed_at(said: str, wishes: list[tuple[str, float]]) -> None:
    assert [(one.product_id, one.weight) for one in after(said).query.also] == wishes


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("more like the ninth", "There is no “the ninth”: only 5 products are shown."),
        ("like the blue one", "2 of the products shown are “blue”: say which one."),
        ("more like this", "Say which one “this” is: “the second one”, for instance."),
    ],
)
def test_pointing_at_nothing_is_said_so(said: str, why: str) -> None:
    refined = after(said)
    assert (refined.query, refined.reply) == (Query(text="dress"), why)


@pytest.mark.parametrize(
    ("said", "wish"),
    [
        ("more colourful", Wanted(text="colourful", weight=0.5)),
        ("a bit more formal", Wanted(text="formal", weight=0.3)),
        ("much warmer", Wanted(text="warm", weight=0.8)),
        ("less formal", Wanted(text="formal", weight=-0.4)),
        ("not so bright", Wanted(text="bright", weight=-0.4)),
    ],
)
def test_wishes_have_weights(said: str, wish: Wanted) -> None:
    assert after(said).query.also == (wish,)


@pytest.mark.parametrize(
    "said",
    [
        "any colour",
        "any color is fine",
        "forget the color",
        "remove blue",
        "the colour doesn't matter",
    ],
)
def test_parts_are_taken_away(said: str) -> None:
    assert after(said, filtered(AnyOf("color", ("blue",)))).query == Query(text="dress")


def test_taking_away_what_is_not_there_is_said_so() -> None:
    assert after("remove green").reply == "There is no “green” to take away."


def test_several_things_in_one_turn_are_all_done() -> None:
    refined = after("cheaper and in blue, not leather")
    assert where(refined) == (
        Between("price", None, 29.99),
        AnyOf("color", ("blue",)),
        AnyOf("material", ("leather",), negate=True),
    )
    kinds = [change.kind for change in refined.changes]
    assert kinds == [ChangeKind.PRICE, ChangeKind.FILTER, ChangeKind.EXCLUDE]


@pytest.mark.parametrize("said", ["show me shoes instead", "shoes instead", "search for shoes"])
def test_another_thing_begins_anew(said: str) -> None:
    assert after(said, filtered(AnyOf("color", ("blue",)))).query == Query(text="shoes")


def test_everything_again_keeps_the_words_and_starting_over_does_not() -> None:
    query = Query(text="dress under 50", negatives=("dots",), sort=Sort.NEWEST)
    assert after("show everything again", query, parts=(UNDER,)).query == Query(text="dress")
    assert after("start over", query).query == Query()


def test_undo_is_told_and_left_to_others() -> None:
    refined = after("undo")
    assert refined.query == Query(text="dress")
    assert refined.changes[0].kind is ChangeKind.UNDO


def test_the_first_words_are_searched_for() -> None:
    assert after("red dress with pockets", Query()).query.text == "red dress with pockets"


def test_nothing_is_unwanted_where_nothing_is_sought() -> None:
    assert after("without sleeves", Query()).query == Query()
    assert after("without sleeves", Query(), pictured=True).query.negatives == ("sleeves",)
    left = after("blue", Query(text="red", negatives=("dots",)), parts=(RED,))
    assert (left.query.text, left.query.negatives) == ("", ())
    assert "nothing is unwanted either" in left.reply


def test_a_wish_too_many_is_refused() -> None:
    full = tuple(Wanted(text=f"wish {n}") for n in range(10))
    refined = after("more formal", Query(text="dress", also=full))
    assert refined.query.also == full
    assert "at most 10 wishes" in refined.reply


@pytest.mark.parametrize("said", ["ok thanks", "", "hmm", "something", "...", "and"])
def test_what_says_nothing_changes_nothing(said: str) -> None:
    refined = after(said)
    assert refined.query == Query(text="dress")
    assert refined.changes == ()
    assert refined.reply


def test_a_reply_is_made_of_what_was_done() -> None:
    refined = after("in blue, like the ninth")
    assert refined.changes == (
        Change(kind=ChangeKind.FILTER, text="color: blue", told="Only in blue.", field="color"),
    )
    assert refined.reply == "Only in blue. There is no “the ninth”: only 5 products are shown."
