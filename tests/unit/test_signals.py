"""Business signals on the search itself, over real SQLite and real FAISS."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shopsearch.bootstrap import Services
from shopsearch.catalog_numbers import numbers_of
from shopsearch.domain import (
    EVERYTHING,
    AnyOf,
    Between,
    Hit,
    Price,
    Product,
    ProductFilter,
    Query,
    Signal,
    Sort,
)
from shopsearch.merchandising import FixedRules, Merchandising
from shopsearch.ranking.rules import lifted
from shopsearch.rules import KeptRule, Lift, Pin, Rule
from shopsearch.search import SearchService
from shopsearch.settings import Settings
from shopsearch.signals import FixedSignals, LiveSignals, SignalService

from .conftest import listed
from .test_merchandising import NOW, all_pages, ids

N = 260  # more than the second stage weighs, so that pages go beyond it
DAY = 86_400.0
STOCK = ("in stock", "Out of Stock", "preorder", "", "https://schema.org/InStock")
VALUE = {0: 1.0, 1: 0.0, 4: 1.0}  # of stock; the others are not known


def product(n: int) -> Product:
    attributes = {"margin": f"{n % 10 / 10}", "Review-Count": str(n), "rating_count": "7"}
    if n % 7 == 0:
        attributes = {"weight": "heavy" if n % 2 else f"{n}"}
    return Product(
        product_id=f"p{n}",
        title=f"{('mug', 'lamp', 'sofa', 'chair')[n % 4]} model {n // 2}",
        brand=("Kiln", "Fern", "Oak")[n % 3],
        price=Price(100 * (n % 50), ("USD", "EUR", "JPY")[n % 3]) if n % 5 else None,
        availability=STOCK[n % 5],
        attributes=attributes,
    )


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Services:
    home = tmp_path_factory.mktemp("signals")
    services = Services.open(Settings(home=home, encoder="hashing", batch_size=64))
    services.indexer.run(listed(*map(product, range(N))), feed_name="test")
    return services


def under(
    shop: Services, *signals: Signal, rules: Sequence[Rule] = (), at: float | None = None
) -> SearchService:
    """The search under these signals and rules, at another time where one is given."""
    kept = [KeptRule(rule, 1, number, NOW) for number, rule in enumerate(rules)]
    clock: dict[str, Callable[[], float]] = {} if at is None else {"clock": lambda: at}
    return SearchService(
        preparer=shop.preparer,
        embedder=shop.embedder,
        live=shop.live,
        store=shop.store,
        stored_words=shop.stored_words,
        finder=shop.finder,
        wishes=shop.wishes,
        understanding=shop.understanding,
        second_stage=shop.second_stage,
        merchandising=Merchandising(FixedRules(kept), shop.store, lambda: NOW),
        signals=SignalService(FixedSignals(signals), shop.write_times, **clock),
        listing=shop.listing,
    )


def scores(hits: Sequence[Hit]) -> dict[str, float]:
    return {hit.product.product_id: hit.score for hit in hits}


def values(shop: Services, *signals: Signal) -> dict[str, tuple[float | None, ...]]:
    """The values that a list tells of each product."""
    hits = under(shop, *signals).search(Query(k=N, explain=True)).hits
    return {hit.product.product_id: tuple(one.value for one in hit.signals) for hit in hits}


def test_values_come_from_the_catalog_and_are_not_known_where_it_is_silent(
    shop: Services,
) -> None:
    found = values(shop, Signal("popularity", 1.0), Signal("stock", 1.0), Signal("margin", 1.0))
    margins = sorted(n % 10 for n in range(N) if n % 7)
    for n in range(N):
        popularity, stock, margin = found[f"p{n}"]
        assert stock == VALUE.get(n % 5)
        if n % 7 == 0:
            assert (popularity, margin) == (None, None)
            continue
        assert popularity == pytest.approx(np.log1p(n) / np.log1p(N - 2))  # 259 is 7 * 37
        alike = [place for place, one in enumerate(margins) if one == n % 10]
        assert margin == pytest.approx(np.mean(alike) / (len(margins) - 1))


def test_any_field_with_numbers_can_be_a_signal_and_others_do_nothing(shop: Services) -> None:
    found = values(shop, Signal("weight", 1.0), Signal("nothing", 1.0), Signal("brand", 1.0))
    known = [n for n in range(N) if n % 14 == 0]
    for n in range(N):
        rank = known.index(n) / (len(known) - 1) if n in known else None
        assert found[f"p{n}"] == (pytest.approx(rank) if rank is not None else None, None, None)


def test_prices_are_ranked_among_those_of_their_currency(shop: Services) -> None:
    found = values(shop, Signal("price", -1.0))
    for rest in range(3):
        priced = [n for n in range(N) if n % 3 == rest and n % 5]
        for n in priced:
            value = found[f"p{n}"][0]
            assert value is not None
            below = sum(m % 50 < n % 50 for m in priced)
            same = sum(m % 50 == n % 50 for m in priced)
            assert value == pytest.approx((below + (same - 1) / 2) / (len(priced) - 1))


def test_freshness_is_told_by_when_a_product_came(services: Services) -> None:
    old, new = Product(product_id="old", title="Mug"), Product(product_id="new", title="Mug")
    services.indexer.run(listed(old), feed_name="t")
    came = services.write_times.created_s(services.live.get().index.fields.matching(EVERYTHING))[0]
    services.indexer.run(listed(replace(old, title="Mug anew"), new), feed_name="t")
    later = services.write_times.created_s(services.live.get().index.fields.matching(EVERYTHING))[1]
    service = under(services, Signal("freshness", 2.0, 10.0), at=came + 20 * DAY)
    hits = service.search(Query(explain=True)).hits
    told = {hit.product.product_id: hit.signals[0].value for hit in hits}
    assert told["old"] == pytest.approx(0.25)
    assert told["new"] == pytest.approx(2 ** (-(20 * DAY - (later - came)) / (10 * DAY)))


def test_a_signal_multiplies_the_odds_of_what_the_second_stage_weighs(shop: Services) -> None:
    plain = {
        hit.product.product_id: hit.score for hit in under(shop).search(Query(text="mug")).hits
    }
    by_id = scores(under(shop, Signal("stock", 1.0)).search(Query(text="mug", k=100)).hits)
    assert plain.keys() <= by_id.keys()
    for product_id, score in plain.items():
        factor = {1.0: 2.0, 0.0: 0.5, None: 1.0}[VALUE.get(int(product_id[1:]) % 5)]
        assert by_id[product_id] == pytest.approx(lifted(score, np.log(factor)), abs=1e-5)


def test_a_negative_weight_turns_a_signal_round(shop: Services) -> None:
    up = ids(under(shop, Signal("popularity", 2.0)).search(Query(k=N)).hits)
    down = ids(under(shop, Signal("popularity", -2.0)).search(Query(k=N)).hits)
    known = {f"p{n}" for n in range(N) if n % 7}
    assert [one for one in up if one in known] == [one for one in down if one in known][::-1]


@pytest.mark.parametrize("text", ["mug model 100", "MUG MODEL 100", "lamp model 2"])
def test_no_signal_puts_another_product_above_a_whole_title(shop: Services, text: str) -> None:
    right = [f"p{n}" for n in range(N) if product(n).title == text.lower()]
    (only,) = right
    at_worst = Signal("margin", 5.0 if int(only[1:]) % 10 < 5 else -5.0)
    signals = [at_worst, Signal("popularity", 5.0), Signal("stock", 5.0), Signal("price", 5.0)]
    for rules in ((), (Rule(name="up", boost=Lift(ProductFilter((Between("price", 1),)), 1.01)),)):
        found = under(shop, *signals, rules=rules).search(Query(text=text, k=N)).hits
        assert found[0].product.product_id == only
        assert found[0].score >= found[1].score


def test_what_a_rule_brings_is_weighed_too_but_not_above_an_exact_match(shop: Services) -> None:
    sofas = ProductFilter((AnyOf("brand", ("oak",)), Between("Review-Count", 200)))
    rule = Rule(name="up", boost=Lift(sofas, 1.01))
    signals = (Signal("popularity", 5.0), Signal("margin", 5.0))
    query = Query(text="mug model 0", k=N, explain=True)
    hits = under(shop, *signals, rules=[rule]).search(query).hits
    assert hits[0].product.title == "mug model 0"
    brought = [hit for hit in hits if hit.rules]
    assert brought
    assert all(len(hit.signals) == 2 for hit in brought)


def test_signals_and_rules_multiply_each_other(shop: Services) -> None:
    plain = scores(under(shop).search(Query(text="mug", k=60)).hits)
    kiln = ProductFilter((AnyOf("brand", ("kiln",)),))
    rule = Rule(name="up", boost=Lift(kiln, 3.0))
    service = under(shop, Signal("stock", 1.0), rules=[rule])
    by_id = scores(service.search(Query(text="mug", k=N)).hits)
    for product_id, score in plain.items():
        n = int(product_id[1:])
        factor = {1.0: 2.0, 0.0: 0.5, None: 1.0}[VALUE.get(n % 5)] * (3.0 if n % 3 == 0 else 1.0)
        assert by_id[product_id] == pytest.approx(lifted(score, np.log(factor)), abs=1e-5)


def test_why_tells_each_signal_and_the_parts_sum_to_the_score(shop: Services) -> None:
    signals = (Signal("popularity", 1.5), Signal("stock", -0.5), Signal("nothing", 1.0))
    rules = [Rule(name="up", boost=Lift(ProductFilter((Between("price", 20),)), 2.0))]
    hits = under(shop, *signals, rules=rules).search(Query(text="mug", k=90, explain=True)).hits
    for hit in hits:
        assert hit.why is not None
        assert hit.why.score.total == pytest.approx(hit.score, abs=1e-5)
        assert [one.signal for one in hit.signals] == ["popularity", "stock", "nothing"]
        parts = [one.part for one in hit.signals if one.part is not None]
        assert sum(parts) == pytest.approx(hit.why.score.signals, abs=1e-5)
        for one in hit.signals:
            centred = 0.0 if one.value is None else 2 * one.value - 1
            assert one.factor == pytest.approx(2 ** (one.weight * centred))
    assert any(hit.why is not None and hit.why.score.rules for hit in hits)
    assert under(shop, *signals).search(Query(text="mug")).hits[0].signals == ()


def test_a_list_is_ordered_by_signals_as_a_whole_and_the_newest_first_among_equals(
    shop: Services,
) -> None:
    found, total = all_pages(under(shop, Signal("stock", 1.0)), Query(), 24)
    expected = sorted(range(N), key=lambda n: (-(VALUE.get(n % 5, 0.5)), -n))
    assert found == [f"p{n}" for n in expected]
    assert total == N


def test_a_list_weighs_rules_and_signals_together_and_pins_come_last(shop: Services) -> None:
    kiln = ProductFilter((AnyOf("brand", ("kiln",)),))
    rules = [Rule(name="x", pins=(Pin(2, "p1"), Pin(30, "p4")), bury=Lift(kiln, 4.0))]
    found, _ = all_pages(under(shop, Signal("stock", 1.0), rules=rules), Query(), 7)

    def log2_odds(n: int) -> float:
        return 2 * VALUE.get(n % 5, 0.5) - 1 - (2 if n % 3 == 0 else 0)

    rest = [
        f"p{n}"
        for n in sorted(range(N), key=lambda n: (-log2_odds(n), -n))
        if f"p{n}" not in ("p1", "p4")
    ]
    assert (found[1], found[29]) == ("p1", "p4")
    assert [one for one in found if one not in ("p1", "p4")] == rest


@pytest.mark.parametrize("sort", [one for one in Sort if one is not Sort.RELEVANCE])
@pytest.mark.parametrize("text", ["mug", ""])
def test_another_order_than_relevance_is_left_alone(shop: Services, sort: Sort, text: str) -> None:
    query = Query(text=text, sort=sort, k=60)
    weighed = under(shop, Signal("stock", 5.0), Signal("margin", 5.0)).search(query)
    assert ids(weighed.hits) == ids(under(shop).search(query).hits)


def test_products_like_another_and_weights_of_0_are_left_alone(shop: Services) -> None:
    weighed = under(shop, Signal("stock", 5.0))
    assert ids(weighed.similar("p2").hits) == ids(under(shop).similar("p2").hits)
    nothing = under(shop, Signal("stock", 0.0)).search(Query(text="mug", explain=True)).hits
    assert nothing == under(shop).search(Query(text="mug", explain=True)).hits


def test_what_the_index_does_not_hold_yet_is_neutral(services: Services) -> None:
    mugs = [Product(product_id=f"p{n}", title=f"Mug {n}", availability=STOCK[0]) for n in range(3)]
    services.indexer.run(listed(*mugs), feed_name="t")
    numbers = numbers_of(services.live.get())
    found = numbers.at(numbers.stock(), np.array([numbers.keys[1], 99, -1]))
    np.testing.assert_array_equal(found, [1.0, np.nan, np.nan])


def test_a_running_search_follows_the_store(services: Services) -> None:
    mugs = [
        Product(product_id=f"p{n}", title=f"Mug {n}", attributes={"margin": str(-n)})
        for n in range(6)
    ]
    services.indexer.run(listed(*mugs), feed_name="t")
    seconds = [0.0]
    live = LiveSignals(services.signals, check_every_s=1.0, clock=lambda: seconds[0])
    service = services.search_under(FixedRules(), signals=live)
    assert ids(service.search(Query()).hits)[0] == "p5"
    services.signals.put([Signal("margin", 1.0)])
    seconds[0] = 1.0
    assert ids(service.search(Query()).hits)[0] == "p0"
    services.signals.remove(["margin"])
    seconds[0] = 1.5
    assert ids(service.search(Query()).hits)[0] == "p0"
    seconds[0] = 2.0
    assert ids(service.search(Query()).hits)[0] == "p5"


def test_a_new_generation_brings_new_numbers(services: Services) -> None:
    def mug(name: str, margin: str) -> Product:
        return Product(product_id=name, title="Mug", attributes={"margin": margin})

    service = under(services, Signal("margin", 1.0))
    services.indexer.run(listed(mug("a", "1"), mug("b", "2")), feed_name="t")
    assert ids(service.search(Query()).hits) == ["b", "a"]
    services.indexer.run(listed(mug("a", "3")), feed_name="t")
    assert ids(service.search(Query()).hits) == ["a", "b"]


SIGNALS = st.builds(
    Signal,
    st.sampled_from(["popularity", "margin", "stock", "freshness", "price", "weight", "none"]),
    st.floats(-5, 5),
)


@given(
    signals=st.lists(SIGNALS, max_size=4, unique_by=lambda one: one.name),
    text=st.sampled_from(["mug", "sofa model 12", "zzz", ""]),
    diversity=st.sampled_from([0.0, 0.3, 1.0]),
    size=st.sampled_from([31, 100]),
    ruled=st.booleans(),
)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_pages_under_any_signals_neither_repeat_nor_skip(
    shop: Services, *, signals: list[Signal], text: str, diversity: float, size: int, ruled: bool
) -> None:
    up = ProductFilter((Between("price", high=10.0),))
    rules = [Rule(name="r", pins=(Pin(3, "p9"),), boost=Lift(up, 2.0))] if ruled else []
    at = float(shop.write_times.created_s(np.array([1]))[0]) + DAY  # as fresh on every page
    service = under(shop, *signals, rules=rules, at=at)
    found, total = all_pages(service, Query(text=text, diversity=diversity), size)
    assert total == N
    assert sorted(found) == sorted(f"p{n}" for n in range(N))


def scores_fall(hits: Sequence[Hit]) -> bool:
    return all(a.score >= b.score for a, b in itertools.pairwise(hits))


def test_scores_never_rise_with_the_rank_under_signals_alone(shop: Services) -> None:
    service = under(shop, Signal("popularity", 3.0), Signal("stock", 2.0))
    assert scores_fall(service.search(Query(text="sofa model 12", k=N)).hits)
