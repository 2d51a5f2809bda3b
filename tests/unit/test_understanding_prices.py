"""Bounds of a price in the words of a query."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsearch.domain import Price
from shopsearch.understanding.comparing import compared_prices
from shopsearch.understanding.prices import PriceWords, prices_in


def told(text: str, *own: str) -> list[tuple[str, float | None, float | None]]:
    found = prices_in(text, own or ("usd",))
    return [(text[one.span.start : one.span.end], one.low, one.high) for one in found]


@pytest.mark.parametrize(
    ("text", "words", "low", "high"),
    [
        ("red dress under 50", "under 50", None, 50),
        ("dress below $50", "below $50", None, 50),
        ("less than 50 euros", "less than 50 euros", None, 50),
        ("shirt for less than 20 dollars", "for less than 20 dollars", None, 20),
        ("dress cheaper than 30€", "cheaper than 30€", None, 30),
        ("no more than 40", "no more than 40", None, 40),
        ("not over 60", "not over 60", None, 60),
        ("< 20", "< 20", None, 20),
        ("max 30", "max 30", None, 30),
        ("max. 30 eur", "max. 30 eur", None, 30),
        ("price under 50 shirt", "price under 50", None, 50),
        ("budget 500 phone", "budget 500", None, 500),
        ("gifts under $25 for dad", "under $25", None, 25),
        ("within 50 usd", "within 50 usd", None, 50),
        ("under rs 500", "under rs 500", None, 500),
        ("under Rs. 500", "under Rs. 500", None, 500),
        ("₹500 or less", "₹500 or less", None, 500),
        ("50 or less", "50 or less", None, 50),
        ("watch under ₹1,500", "under ₹1,500", None, 1500),
        ("under 1.299,50 eur", "under 1.299,50 eur", None, 1299.5),
        ("under 1.299 eur", "under 1.299 eur", None, 1299),
        ("less than $1,000.50", "less than $1,000.50", None, 1000.5),
        ("laptop under 50k inr", "under 50k inr", None, 50000),
        ("under 0", "under 0", None, 0),
        ("under 50 dresses", "under 50", None, 50),
        ("jackets under 50 for men", "under 50", None, 50),
        ("red dress,under 50, long", "under 50", None, 50),
        ("under 40 3-in-1 charger", None, None, None),
        ("over 100", "over 100", 100, None),
        ("jacket 100 or more", "100 or more", 100, None),
        ("$50+", "$50+", 50, None),
        ("from $50", "from $50", 50, None),
        ("starting at 50", "starting at 50", 50, None),
        ("at least £20", "at least £20", 20, None),
        ("between 20 and 50", "between 20 and 50", 20, 50),
        ("between 50 and 20", "between 50 and 20", 20, 50),
        ("from 20 to 50", "from 20 to 50", 20, 50),
        ("20-50 usd", "20-50 usd", 20, 50),
        ("£20-£50 lamp", "£20-£50", 20, 50),
        ("$20 to $50 gift", "$20 to $50", 20, 50),
    ],
)
def test_a_bound_of_a_price_is_read(
    text: str, words: str | None, low: float | None, high: float | None
) -> None:
    assert told(text) == ([(words, low, high)] if words else [])


@pytest.mark.parametrize(
    "text",
    [
        *("under armour shoes", "over ear headphones", "under bed storage", "size 42"),
        *("under 5 inch", "under 5-7 years", "under 50%", "up to 30 hours battery", 'under 27" tv'),
        *("50 ml", "iphone 15", "ram 8-16 gb", "between 5 and 7 inches", "3-in-1", "3-5 years"),
        *("nike air max 90", "galaxy s22", "spf over 50", "size under 42", "cheap dress"),
        *("toys for kids under 5", "vitamins for women over 50", "over 50 multivitamin"),
        *("dumbbells under 50 pounds", "under -5", "under 12.5.3", "puzzle over 1000 pieces", ""),
        *("$50 gift card", "20-50", "5 and 10", "from 20", "under"),
    ],
)
def test_other_numbers_are_no_price(text: str) -> None:
    assert told(text) == []


def test_pounds_are_money_where_the_catalog_has_them() -> None:
    assert told("lamp under 50 pounds", "gbp") == [("under 50 pounds", None, 50)]


def test_two_bounds_of_one_text_are_both_read() -> None:
    assert [low or high for _, low, high in told("dress over 20, under 50")] == [20, 50]


def test_a_sign_may_stand_for_several_currencies() -> None:
    (dollars,) = prices_in("under $50")
    assert {"USD", "AUD"} <= dollars.currencies
    (euros,) = prices_in("under 50 EUR")
    assert euros.currencies == {"EUR"}


def test_what_may_be_a_part_of_a_name_says_so() -> None:
    assert [one.may_be_name for one in prices_in("max 30")] == [True]
    assert [one.may_be_name for one in prices_in("max $30")] == [False]


@given(st.text(max_size=80))
def test_any_text_can_be_read(text: str) -> None:
    for one in prices_in(text, ("usd", "try")):
        assert isinstance(one, PriceWords)
        assert 0 <= one.span.start < one.span.end <= len(text)


WORDS = st.sampled_from(
    ["under", "over", "50", "$", "€20", "1,000", "between", "and", "to", "-", "rs", "max", "k", "a"]
)


@given(st.lists(WORDS, max_size=12).map(" ".join))
def test_bounds_never_overlap_and_are_in_order(text: str) -> None:
    found = prices_in(text, ("usd",))
    for one, following in pairwise(found):
        assert one.span.end <= following.span.start
    for one in found:
        assert one.low is not None or one.high is not None
        assert one.low is None or one.high is None or one.low <= one.high


@pytest.mark.parametrize(
    ("text", "words", "low", "high"),
    [
        ("cheaper than this", "cheaper than this", None, 19.98),
        ("something cheaper in blue", "something cheaper", None, 19.98),
        ("but less expensive", "but less expensive", None, 19.98),
        ("a bit dearer", "a bit dearer", 20.0, None),
        ("more expensive than this one", "more expensive than this one", 20.0, None),
    ],
)
def test_a_comparison_is_a_bound_by_the_price_of_the_product(
    text: str, words: str, low: float | None, high: float | None
) -> None:
    ((span, wish),) = compared_prices(text, Price(1999, "USD"))
    assert (text[span.start : span.end], wish.low, wish.high) == (words, low, high)


@pytest.mark.parametrize("text", ["cheaper than 30", "cheap", "cheaper-looking", "blue"])
def test_other_words_compare_nothing(text: str) -> None:
    assert compared_prices(text, Price(1999, "USD")) == []
