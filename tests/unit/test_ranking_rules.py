"""Which rules a query meets, and what pins and factors make of an order."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsearch.domain import AnyOf, ProductFilter, Query
from shopsearch.ranking.rules import Asked, RuleBook, is_like, lifted, merged, slots_of
from shopsearch.rules import KeptRule, Pin, Rule, When

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
SOME = Rule(name="some", pins=(Pin(1, "A1"),))


def met(query: Query, *rules: Rule, now: datetime = NOW) -> list[str]:
    kept = [KeptRule(rule, 1, number, NOW) for number, rule in enumerate(rules)]
    return [rule.name for rule in RuleBook(kept).met_by(query, now)]


def is_met(when: When, query: Query) -> bool:
    return bool(met(query, replace(SOME, when=when)))


def in_category(*paths: str, negate: bool = False) -> Query:
    return Query(where=ProductFilter((AnyOf("category", paths, negate),)))


@pytest.mark.parametrize(
    ("when", "text", "expected"),
    [
        (When(query_is="red dress"), "Red  DRESSES!", True),
        (When(query_is="red dress"), "dress red", False),
        (When(query_is="red dress"), "long red dress", False),
        (When(query_is="crème brûlée"), "creme brulee", True),
        (When(words="red dress"), "a dress, long and red", True),
        (When(words="red dress"), "red skirt", False),
        (When(words="dress"), "dressing table", False),
        (When(pattern="red*shoes"), "red suede shoe", True),
        (When(pattern="red*shoes"), "dark red shoes", False),
        (When(pattern="*shoes"), "nike shoes", True),
        (When(pattern="iphone1*"), "iPhone 15 Pro", True),
        (When(pattern="accessori*"), "accessories", True),
        (When(pattern="glas*"), "glad rags", False),
        (When(pattern="red * shoes"), "red shoes", False),
        (When(pattern="t-shirt"), "T shirts", True),
        (When(pattern="[a-z]+"), "b", False),
        (When(), "anything at all", True),
        (When(), "", True),
        (When(words="dress"), "", False),
        (When(words="dress", pattern="red*"), "red dress", True),
        (When(words="dress", pattern="red*"), "blue dress", False),
    ],
)
def test_words_are_compared_as_the_search_compares_them(
    when: When, text: str, expected: bool
) -> None:
    assert is_met(when, Query(text=text)) is expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (in_category("Women > Tops"), True),
        (in_category("WOMEN > tops > Tees"), True),
        (in_category("Women"), False),
        (in_category("Women > Topsy"), False),
        (in_category("Women > Tops", "Women > Tops > Tees"), True),
        (in_category("Women > Tops", "Men"), False),
        (in_category("Women > Tops", negate=True), False),
        (Query(text="women tops"), False),
    ],
)
def test_a_category_counts_with_those_below_it(query: Query, expected: bool) -> None:
    assert is_met(When(category="women>Tops "), query) is expected


def test_conditions_on_words_and_category_must_both_hold() -> None:
    when = When(words="red", category="Women")
    assert is_met(when, replace(in_category("Women"), text="red"))
    assert not is_met(when, Query(text="red"))
    assert not is_met(when, in_category("Women"))


def test_the_older_rule_comes_first_however_it_was_found() -> None:
    rules = [
        replace(SOME, name="everywhere"),
        replace(SOME, name="word", when=When(words="red")),
        replace(SOME, name="exact", when=When(query_is="red")),
        replace(SOME, name="like", when=When(pattern="r*")),
    ]
    assert met(Query(text="red"), *rules) == ["everywhere", "word", "exact", "like"]
    assert met(Query(text="red"), *rules[::-1]) == ["like", "exact", "word", "everywhere"]


def test_a_rule_works_from_its_start_up_to_its_end_and_not_while_paused() -> None:
    span = replace(SOME, start=NOW, until=NOW + timedelta(days=1))
    moment = timedelta(microseconds=1)
    assert met(Query(), span, now=NOW - moment) == []
    assert met(Query(), span, now=NOW) == ["some"]
    assert met(Query(), span, now=NOW + timedelta(days=1) - moment) == ["some"]
    assert met(Query(), span, now=NOW + timedelta(days=1)) == []
    assert met(Query(), replace(span, paused=True)) == []


@given(pattern=st.text(st.sampled_from("ab *"), max_size=30), text=st.text(st.sampled_from("ab ")))
def test_a_pattern_without_plurals_is_what_a_wildcard_says(pattern: str, text: str) -> None:
    """Against the textbook's dynamic programme, over the same single spaces."""
    spaced = " ".join(pattern.split())
    words = " ".join(text.split())
    assert is_like(spaced, Asked.of(Query(text=text))) == by_the_book(spaced, words)


def by_the_book(pattern: str, text: str) -> bool:
    row = [True] + [False] * len(text)
    for sign in pattern:
        if sign == "*":
            for n in range(1, len(row)):
                row[n] = row[n] or row[n - 1]
        else:
            row = [False] + [row[n] and text[n] == sign for n in range(len(text))]
    return row[-1]


def test_a_hostile_pattern_costs_no_more_than_another() -> None:
    asked = Asked.of(Query(text="a" * 1000))
    started = time.perf_counter()
    assert not is_like("a*" * 99 + "b", asked)
    assert time.perf_counter() - started < 0.5


@given(st.text())
def test_any_text_may_be_asked(text: str) -> None:
    rules = [
        replace(SOME, name=f"r{n}", when=when)
        for n, when in enumerate([When(words="a"), When(query_is="a"), When(pattern="*a*")])
    ]
    assert set(met(Query(text=text), *rules)) <= {"r0", "r1", "r2"}


def test_the_older_pin_wins_a_place_and_the_next_free_one_is_taken() -> None:
    assert slots_of([(1, 10), (1, 11), (2, 12)], 9) == {1: 10, 2: 11, 3: 12}


def test_a_product_is_pinned_once_by_the_oldest_rule() -> None:
    assert slots_of([(3, 10), (1, 10), (3, 11)], 9) == {3: 10, 4: 11}


def test_pins_beyond_the_last_product_are_the_last_in_their_order() -> None:
    assert slots_of([(50, 12), (9, 11), (1, 10)], 4) == {1: 10, 3: 11, 4: 12}


def test_ten_thousand_pins_of_one_place_take_no_time() -> None:
    started = time.perf_counter()
    slots = slots_of([(1, key) for key in range(10_000)], 10_000)
    assert time.perf_counter() - started < 1.0
    assert slots == {key + 1: key for key in range(10_000)}


@given(
    wanted=st.lists(st.tuples(st.integers(1, 12), st.integers(0, 9)), max_size=10),
    n=st.integers(10, 15),
)
def test_pins_stand_where_they_should_and_nobody_is_lost(
    wanted: list[tuple[int, int]], n: int
) -> None:
    slots = slots_of(wanted, n)
    assert set(slots.values()) == {key for _, key in wanted}
    assert all(1 <= position <= n for position in slots)
    others = [key for key in range(n) if key not in slots.values()]
    order = merged(others, slots, n)
    assert sorted(order) == list(range(n))
    assert all(order[position - 1] == key for position, key in slots.items())
    assert [key for key in order if key in others] == others
    if wanted:
        position, key = wanted[0]
        assert position > n or slots[position] == key


scores = st.floats(-1.0, 1.0)


@given(score=scores, other=scores, factor=st.floats(-4.0, 4.0))
def test_a_factor_keeps_the_order_and_the_scale(score: float, other: float, factor: float) -> None:
    low, high = sorted((score, other))
    assert -1.0 <= lifted(low, factor) <= lifted(high, factor) <= 1.0
    assert lifted(score, abs(factor)) >= score - 1e-9
    assert lifted(lifted(score * 0.9, factor), -factor) == pytest.approx(score * 0.9, abs=1e-6)
