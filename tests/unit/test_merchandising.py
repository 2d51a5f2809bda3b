"""Rules on the search itself, over real SQLite and real FAISS."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shopsearch.bootstrap import Services
from shopsearch.domain import (
    EVERYTHING,
    AnyOf,
    Between,
    Exists,
    Hit,
    PartKind,
    Price,
    Product,
    ProductFilter,
    Query,
    RuleAction,
    RuleEffect,
    Sort,
    UnderstoodPart,
)
from shopsearch.lexical.word_index import WordIndex
from shopsearch.merchandising import FixedRules, LiveRules, Ruling
from shopsearch.ranking.order import Candidate
from shopsearch.ranking.rules import lifted
from shopsearch.ranking.tiers import EXACT, PHRASES
from shopsearch.rules import KeptRule, Lift, Pin, Rule, When
from shopsearch.search import SearchService
from shopsearch.understanding import Preference

from .conftest import listed

NOW = datetime(2026, 12, 1, tzinfo=UTC)
KILN = ProductFilter((AnyOf("brand", ("kiln",)),))
N = 260  # more than the second stage weighs, so that pages go beyond it
BRANDS = ("Kiln", "Fern", "Oak")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Services:
    from shopsearch.settings import Settings

    home = tmp_path_factory.mktemp("merchandising")
    services = Services.open(Settings(home=home, encoder="hashing", batch_size=64))
    kinds = ("mug", "lamp", "sofa", "chair")
    products = [
        Product(
            product_id=f"p{n}",
            title=f"{kinds[n % 4]} model {n // 2}",  # pairs of nearly equal scores
            brand=BRANDS[n % 3],
            product_type=f"Home > {kinds[n % 4].title()}s",
            price=Price(100 * n, "USD"),
        )
        for n in range(N)
    ]
    services.indexer.run(listed(*products), feed_name="test")
    return services


def under(shop: Services, *rules: Rule, now: datetime = NOW) -> SearchService:
    kept = [KeptRule(rule, 1, number, NOW) for number, rule in enumerate(rules)]
    return shop.search_under(FixedRules(kept), now)


def ids(hits: Sequence[Hit]) -> list[str]:
    return [hit.product.product_id for hit in hits]


def all_pages(service: SearchService, query: Query, size: int) -> tuple[list[str], int]:
    """The ids of all pages together, and the total that every one of them tells."""
    found: list[str] = []
    total = service.search(replace(query, k=size)).total
    for offset in range(0, max(total, 1), size):
        page = service.search(replace(query, k=size, offset=offset))
        assert page.total == total
        assert [hit.rank for hit in page.hits] == list(
            range(offset + 1, offset + 1 + len(page.hits))
        )
        found += ids(page.hits)
    return found, total


def test_a_pin_stands_at_its_place_though_the_search_did_not_find_it(shop: Services) -> None:
    plain = ids(shop.search.search(Query(text="mug", k=20)).hits)
    pinned = under(shop, Rule(name="pin", pins=(Pin(3, "p258"), Pin(1, "p1"))))
    found = ids(pinned.search(Query(text="mug", k=20)).hits)
    assert (found[0], found[2]) == ("p1", "p258")
    rest = [one for one in plain if one not in ("p1", "p258")]
    assert [found[1], *found[3:]] == rest[:18]


@pytest.mark.parametrize("text", ["mug", ""])
def test_a_pin_far_down_leaves_no_hole_before_it(shop: Services, text: str) -> None:
    plain = ids(shop.search.search(Query(text=text, k=N)).hits)
    pins = (Pin(250, plain[0]), Pin(251, plain[1]))
    found = ids(under(shop, Rule(name="down", pins=pins)).search(Query(text=text, k=230)).hits)
    assert found == plain[2:232]


def test_a_pin_is_not_shown_to_whom_filters_it_out_and_not_where_it_is_gone(
    shop: Services,
) -> None:
    service = under(shop, Rule(name="pin", pins=(Pin(1, "p1"), Pin(2, "p0"), Pin(3, "nobody"))))
    found = ids(service.search(Query(text="lamp", where=KILN)).hits)
    assert found[1] == "p0"
    assert not {"p1", "nobody"} & set(found)


def test_a_product_taken_out_is_no_longer_pinned(services: Services) -> None:
    services.indexer.run(
        listed(*(Product(product_id=f"p{n}", title=f"Mug {n}") for n in range(6))), feed_name="t"
    )
    service = under(services, Rule(name="pin", pins=(Pin(1, "p5"),)))
    assert ids(service.search(Query(text="mug")).hits)[0] == "p5"
    services.store.remove(["p5"])  # the index does not know it yet
    assert "p5" not in ids(service.search(Query(text="mug")).hits)
    services.indexer.remove(["p4"])
    assert sorted(ids(service.search(Query(text="mug")).hits)) == ["p0", "p1", "p2", "p3"]


def test_of_two_rules_the_older_has_the_place(shop: Services) -> None:
    rules = [Rule(name=name, pins=(Pin(1, name),)) for name in ("p7", "p3", "p5")]
    assert ids(under(shop, *rules).search(Query(text="mug")).hits)[:3] == ["p7", "p3", "p5"]


def test_what_is_hidden_is_nowhere(shop: Services) -> None:
    hide = Rule(
        name="hide",
        hide=("p2", "p9", "nobody"),
        hide_where=ProductFilter((AnyOf("brand", ("Fern",)), Between("price", low=100.0))),
        pins=(Pin(1, "p0"),),
    )
    gone = {"p2", "p9"} | {f"p{n}" for n in range(N) if n % 3 == 1 and n >= 100}
    for query in (Query(text="mug"), Query(), Query(text="mug", sort=Sort.PRICE_ASC)):
        found, total = all_pages(under(shop, hide), query, 60)
        assert not gone & set(found)
        assert total == (200 if query.sort is not Sort.RELEVANCE else N - len(gone))


def test_what_is_hidden_is_not_counted_by_facets(shop: Services) -> None:
    hide = Rule(name="hide", hide=("p0",), hide_where=ProductFilter((AnyOf("brand", ("oak",)),)))
    page = under(shop, hide).search(Query(text="mug", facets=("brand",)))
    counts = {value.value: value.count for value in page.facets[0].values}
    assert counts == {"Kiln": 86, "Fern": 87}
    assert page.total == 173


def test_hiding_wins_over_pinning(shop: Services) -> None:
    rules = [Rule(name="pin", pins=(Pin(1, "p2"),)), Rule(name="hide", hide=("p2",))]
    assert "p2" not in ids(under(shop, *rules).search(Query(text="mug")).hits)


def test_a_hidden_product_can_still_be_asked_about(shop: Services) -> None:
    page = under(shop, Rule(name="hide", hide=("p2", "p6"))).similar("p2", k=200)
    assert not {"p2", "p6"} & set(ids(page.hits))
    assert page.total == N - 2


def test_products_like_another_are_neither_pinned_nor_boosted(shop: Services) -> None:
    rule = Rule(name="all", pins=(Pin(1, "p250"),), boost=Lift(KILN, 50.0))
    assert ids(under(shop, rule).similar("p2").hits) == ids(shop.search.similar("p2").hits)


@pytest.mark.parametrize("sort", [Sort.PRICE_ASC, Sort.PRICE_DESC, Sort.NEWEST])
@pytest.mark.parametrize("text", ["mug", ""])
def test_another_order_than_relevance_is_left_alone(shop: Services, sort: Sort, text: str) -> None:
    rule = Rule(name="all", pins=(Pin(1, "p250"),), boost=Lift(KILN, 50.0))
    query = Query(text=text, sort=sort)
    assert ids(under(shop, rule).search(query).hits) == ids(shop.search.search(query).hits)


def test_a_boost_raises_by_its_factor_and_brings_what_was_far_off(shop: Services) -> None:
    plain = {
        hit.product.product_id: hit.score for hit in shop.search.search(Query(text="mug", k=N)).hits
    }
    rare = ProductFilter((AnyOf("product_type", ("home > sofas",)), AnyOf("brand", ("oak",))))
    rule = Rule(name="up", boost=Lift(rare, 100.0))
    hits = under(shop, rule).search(Query(text="mug", k=30)).hits
    sofas = {f"p{n}" for n in range(N) if n % 4 == 2 and n % 3 == 2}
    assert set(ids(hits[: len(sofas)])) == sofas
    for hit in hits[: len(sofas)]:
        expected = lifted(plain[hit.product.product_id], 4.605170185988092)  # ln 100
        assert hit.score == pytest.approx(expected, abs=1e-5)


def test_a_bury_lowers_and_loses_nothing(shop: Services) -> None:
    rule = Rule(name="down", bury=Lift(KILN, 100.0))
    query = Query(text="mug", where=ProductFilter((Between("price", high=60.0),)))
    found, total = all_pages(under(shop, rule), query, 20)
    assert total == len(set(found)) == 61
    kiln = {f"p{n}" for n in range(0, 61, 3)}
    assert set(found[-len(kiln) :]) == kiln


def test_a_list_without_words_is_boosted_and_pinned_too(shop: Services) -> None:
    rule = Rule(name="all", pins=(Pin(2, "p1"),), boost=Lift(KILN, 2.0))
    found, total = all_pages(under(shop, rule), Query(), 50)
    kiln = [f"p{n}" for n in reversed(range(N)) if n % 3 == 0]
    others = [f"p{n}" for n in reversed(range(N)) if n % 3 and n != 1]
    assert found == [kiln[0], "p1", *kiln[1:], *others]
    assert total == N


def test_a_rule_waits_for_its_time(shop: Services) -> None:
    rule = Rule(name="later", pins=(Pin(1, "p258"),), start=NOW, until=NOW + timedelta(hours=1))
    for moment, first in [(-1, False), (0, True), (3599, True), (3600, False)]:
        service = under(shop, rule, now=NOW + timedelta(seconds=moment))
        assert (ids(service.search(Query(text="mug")).hits)[0] == "p258") is first


def test_a_rule_of_a_category_works_where_it_is_chosen(shop: Services) -> None:
    rule = Rule(name="sofas", when=When(category="Home > Sofas"), pins=(Pin(1, "p2"),))
    service = under(shop, rule)
    sofas = ProductFilter((AnyOf("category", ("Home > Sofas",)),))
    assert ids(service.search(Query(where=sofas)).hits)[0] == "p2"
    assert ids(service.search(Query(text="model 99", where=sofas)).hits)[0] == "p2"
    assert ids(service.search(Query()).hits)[0] != "p2"


def test_why_names_the_rules_and_what_they_gave(shop: Services) -> None:
    rules = [Rule(name="pin", pins=(Pin(2, "p1"),)), Rule(name="up", boost=Lift(KILN, 3.0))]
    service = under(shop, *rules)
    hits = service.search(Query(text="mug", k=10, explain=True)).hits
    by_id = {hit.product.product_id: hit for hit in hits}
    assert by_id["p1"].rules == (RuleEffect("pin", RuleAction.PIN, 2),)
    boosted = [hit for hit in hits if hit.product.brand == "Kiln"]
    assert boosted
    for hit in boosted:
        assert hit.rules == (RuleEffect("up", RuleAction.BOOST, 3.0),)
        assert hit.why is not None
        assert hit.why.score.rules > 0
    for hit in hits:
        assert hit.why is not None
        assert hit.why.score.total == pytest.approx(hit.score, abs=1e-5)
    assert service.search(Query(text="mug")).hits[1].rules == ()
    assert service.search(Query(explain=True)).hits[1].rules[0].rule == "pin"


def test_a_running_search_follows_the_store(services: Services) -> None:
    services.indexer.run(
        listed(*(Product(product_id=f"p{n}", title=f"Mug {n}") for n in range(6))), feed_name="t"
    )
    seconds = [0.0]
    rules = LiveRules(services.rules, check_every_s=1.0, clock=lambda: seconds[0])
    service = services.search_under(rules, NOW)
    assert ids(service.search(Query()).hits)[0] == "p5"
    services.rules.put([Rule(name="pin", pins=(Pin(1, "p0"),))])
    seconds[0] = 1.0
    assert ids(service.search(Query()).hits)[0] == "p0"
    services.rules.put([Rule(name="pin", pins=(Pin(1, "p0"),), paused=True)], replace=True)
    seconds[0] = 1.5
    assert ids(service.search(Query()).hits)[0] == "p0"
    seconds[0] = 2.0
    assert ids(service.search(Query()).hits)[0] == "p5"


def test_threads_read_the_first_rules_before_they_answer(services: Services) -> None:
    services.rules.put([Rule(name="pin", pins=(Pin(1, "p0"),))])
    rules = LiveRules(services.rules)
    books: list[int] = []
    threads = [threading.Thread(target=lambda: books.append(len(rules.book()))) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(20)
    assert books == [1] * 8


PRODUCT_IDS = st.integers(0, N - 1).map(lambda n: f"p{n}")
FILTERS = st.sampled_from(
    [
        KILN,
        ProductFilter((AnyOf("brand", ("fern",), negate=True),)),
        ProductFilter((Between("price", 20.0, 90.0), AnyOf("product_type", ("home > mugs",)))),
        ProductFilter((Exists("color", present=False), Between("price", high=10.0))),
    ]
)
LIFTS = st.none() | st.builds(Lift, FILTERS, st.floats(1.1, 90.0))


@st.composite
def rules(draw: st.DrawFn, number: int) -> Rule:
    pinned = draw(st.lists(PRODUCT_IDS, max_size=4, unique=True))
    places = draw(
        st.lists(st.integers(1, 300), min_size=len(pinned), max_size=len(pinned), unique=True)
    )
    hidden = draw(st.lists(PRODUCT_IDS.filter(lambda one: one not in pinned), max_size=3))
    boost, bury = draw(LIFTS), draw(LIFTS)
    return Rule(
        name=f"rule-{number}",
        pins=tuple(Pin(at, one) for at, one in zip(places, pinned, strict=True)),
        hide=(*hidden, "nobody"),
        hide_where=draw(st.sampled_from([EVERYTHING, EVERYTHING, EVERYTHING, *FILTERS.elements])),
        boost=boost,
        bury=None if boost and bury and bury.where == boost.where else bury,
    )


@given(data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_pages_under_any_rules_neither_repeat_nor_skip_and_rules_are_honoured(
    shop: Services, data: st.DataObject
) -> None:
    some = [data.draw(rules(n)) for n in range(data.draw(st.integers(1, 3)))]
    where = data.draw(st.sampled_from([EVERYTHING, KILN, *FILTERS.elements]))
    query = Query(text=data.draw(st.sampled_from(["mug", "sofa model 12", "zzz", ""])), where=where)
    found, total = all_pages(under(shop, *some), query, data.draw(st.sampled_from([7, 24, 100])))

    generation = shop.live.get()
    passing = set(generation.index.fields.matching(where).tolist())
    gone = set()
    for rule in some:
        gone |= {one.key for one in shop.store.find(rule.hide).values()}
        if rule.hide_where:
            gone |= set(generation.index.fields.matching(rule.hide_where).tolist())
    stored = shop.store.fetch(sorted(passing - gone))
    expected = {one.product.product_id for one in stored.values()}
    assert total == len(expected)
    assert sorted(found) == sorted(expected)
    for at, product_id in pins_by_the_book(some, expected).items():
        assert found[at - 1] == product_id


def pins_by_the_book(some: Sequence[Rule], shown: set[str]) -> dict[int, str]:
    """One by one: oldest first, the next free place, and the last ones for what is beyond."""
    at: dict[int, str] = {}
    for pin in (pin for rule in some for pin in rule.pins):
        if pin.product_id in shown and pin.product_id not in at.values():
            place = next(n for n in range(pin.position, 10_000) if n not in at)
            at[place] = pin.product_id
    beyond = sorted(place for place in at if place > len(shown))
    for place in reversed(beyond):
        last = next(n for n in range(len(shown), 0, -1) if n not in at)
        at[last] = at.pop(place)
    return at


def test_preferences_raise_within_a_tier_and_never_above_it() -> None:
    wish = AnyOf("color", ("red",))
    part = UnderstoodPart(kind=PartKind.COLOR, text="red", wish=wish)
    keys = np.array([1, 3, 5], dtype=np.int64)
    ruling = Ruling(ProductFilter(), preferences=(Preference(part, keys, (), WordIndex()),))
    tiers = {0: PHRASES, 1: PHRASES, 2: EXACT, 3: EXACT, 4: 0, 5: 0}
    scores = {0: 0.86, 1: 0.85, 2: 0.8, 3: 0.79, 4: 0.78, 5: 0.77}
    weighed = ruling.weighed([Candidate(key, scores[key], tier=tiers[key]) for key in scores])
    assert [one.key for one in weighed] == [1, 0, 2, 3, 5, 4]
    assert {one.key: one.score for one in weighed}[5] == 0.79
