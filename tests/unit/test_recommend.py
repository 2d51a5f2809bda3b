"""Recommendations over real SQLite and a real index, against what brute force would answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from shopsearch.bootstrap import Services
from shopsearch.domain import (
    EVERYTHING,
    AnyOf,
    BoughtTogether,
    ByExamples,
    ByHistory,
    Complementary,
    Deed,
    Event,
    EventKind,
    Fallback,
    Price,
    Product,
    ProductFilter,
    Recommend,
    Recommendations,
    SimilarTo,
    Strategy,
    Trending,
    Wanting,
)
from shopsearch.embedding import ContentHashes
from shopsearch.errors import GenerationMissing, QueryError, UnknownProduct
from shopsearch.ranking.examples import best_scores
from shopsearch.rules import Lift, Pin, Rule
from shopsearch.settings import Settings
from shopsearch.store.event_list import ListedEvents

from .conftest import listed

NOW = datetime(2026, 12, 1, tzinfo=UTC)
KINDS = {
    "shoe": "Shoes > Trainers",
    "boot": "Shoes > Boots",
    "belt": "Accessories > Belts",
    "sock": "Accessories > Socks",
    "shirt": "Tops > Shirts",
}
COLOURS = ("red", "blue", "green", "black", "white", "brown")
N = 300


def made(n: int) -> Product:
    kind = [*KINDS][n % 5]
    colour = COLOURS[n // 5 % 6]
    return Product(
        product_id=f"{kind}{n}",
        title=f"{colour} {kind} model {n // 10}",
        product_type=KINDS[kind],
        brand=("Kiln", "Fern")[n % 2],
        price=Price(100 * n, "USD"),
        item_group_id=f"g-{kind}-{n // 10}" if n < 50 else "",
    )


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Services:
    home = tmp_path_factory.mktemp("recommend")
    services = Services.open(Settings(home=home, encoder="hashing", batch_size=64))
    services.indexer.run(listed(*map(made, range(N))), feed_name="test")
    return services


def asked(
    shop: Services,
    wanting: Wanting,
    *events: Event,
    k: int = 10,
    where: ProductFilter = EVERYTHING,
    diversity: float = 0.0,
    collapse: bool = False,
) -> Recommendations:
    service = shop.recommend_from(ListedEvents(events), lambda: NOW)
    request = Recommend(wanting=wanting, k=k, where=where, diversity=diversity, collapse=collapse)
    return service.recommend(request)


def ids(found: Recommendations) -> list[str]:
    assert [one.hit.rank for one in found.hits] == list(range(1, len(found.hits) + 1))
    return [one.hit.product.product_id for one in found.hits]


def all_vectors(shop: Services) -> tuple[list[str], np.ndarray]:
    index = shop.live.get().index
    keys = index.fields.matching(EVERYTHING)
    stored = shop.store.fetch(keys.tolist())
    return [stored[key].product.product_id for key in keys.tolist()], index.fetch(keys)


def in_order(names: Sequence[str], scores: np.ndarray, but: Sequence[str], k: int = 10):
    """The best of a brute-force search, and their scores."""
    best = [n for n in np.argsort(-scores, kind="stable") if names[n] not in but][:k]
    return [names[n] for n in best], scores[best]


_AT = iter(range(10**9))


def event(product_id: str, days_ago: float, kind=EventKind.PURCHASE, visitor="", order="") -> Event:
    return Event(
        event_id=f"e{next(_AT)}",
        kind=kind,
        product_id=product_id,
        at=NOW - timedelta(days=days_ago),
        visitor=visitor,
        order_id=order,
    )


def baskets(n: int, *product_ids: str, days_ago: float = 3.0) -> list[Event]:
    first = next(_AT)
    return [
        event(one, days_ago, order=f"o{first}-{nth}") for nth in range(n) for one in product_ids
    ]


def test_similar_products_are_those_of_the_search_with_their_cosines(shop: Services) -> None:
    found = asked(shop, SimilarTo(product_id="shoe100"))
    names, rows = all_vectors(shop)
    cosines = rows @ rows[names.index("shoe100")]
    best, scores = in_order(names, cosines, ["shoe100"])
    assert ids(found) == best
    assert [one.hit.score for one in found.hits] == pytest.approx(scores, abs=1e-5)
    (reason,) = found.hits[0].reasons
    assert (reason.kind, reason.product_id) == ("similar", "shoe100")
    assert reason.cosine == pytest.approx(found.hits[0].hit.score)
    assert (found.total, found.fallback, found.unknown) == (N - 1, None, ())


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_a_text_weight_scores_by_the_kept_embeddings_of_each_modality(
    services: Services, mugs: tuple[Product, ...], weight: float
) -> None:
    services.indexer.run(listed(*mugs), feed_name="test")
    found = asked(services, SimilarTo(product_id="red", text_weight=weight))
    stored = services.store.find([one.product_id for one in mugs])
    records = [one.record for one in stored.values()]
    kept = services.embedder.kept([ContentHashes.of(one) for one in records])
    own = [one.product.product_id for one in records].index("red")
    text, image = kept.text @ kept.text[own], kept.image @ kept.image[own]
    names = [one.product.product_id for one in records]
    best, scores = in_order(names, weight * text + (1 - weight) * image, ["red"])
    assert [one.hit.score for one in found.hits] == pytest.approx(scores, abs=1e-5)
    assert set(ids(found)) == set(best)
    assert len(found.hits) == len(mugs) - 1


def test_what_the_seed_lacks_does_not_count(services: Services, mugs: tuple[Product, ...]) -> None:
    services.indexer.run(listed(*mugs), feed_name="test")
    of_words = asked(services, SimilarTo(product_id="green", text_weight=0.0))
    assert of_words.hits[0].hit.score > 0.1  # by its words: it has no picture
    assert of_words.hits[0].reasons[0].image_cosine is None


def test_both_strategies_find_what_brute_force_finds(shop: Services) -> None:
    liked, disliked = ("shoe100", "belt102"), ("shoe130", "sock3")
    names, rows = all_vectors(shop)
    likes = rows[[names.index(one) for one in liked]]
    dislikes = rows[[names.index(one) for one in disliked]]
    named = (*liked, *disliked)
    average = 2 * likes.mean(axis=0) - dislikes.mean(axis=0)
    expected = {
        Strategy.AVERAGE_VECTOR: rows @ (average / np.linalg.norm(average)),
        Strategy.BEST_SCORE: best_scores(rows, likes, dislikes),
    }
    for strategy, scores in expected.items():
        found = asked(shop, ByExamples(liked=liked, disliked=disliked, strategy=strategy), k=40)
        _, best = in_order(names, scores, named, 40)
        assert [one.hit.score for one in found.hits] == pytest.approx(best, abs=1e-5)
        assert not set(named) & set(ids(found))
        assert found.hits[0].reasons[0].kind == "like"


@pytest.mark.parametrize("strategy", list(Strategy))
def test_dislikes_alone_bring_what_is_least_like_them(shop: Services, strategy: Strategy) -> None:
    found = asked(shop, ByExamples(disliked=("shoe100",), strategy=strategy), k=20)
    names, rows = all_vectors(shop)
    cosines = rows @ rows[names.index("shoe100")]
    least = np.sort(cosines)[:20]
    shown = [one.reasons[0].cosine for one in found.hits]
    assert shown == pytest.approx(least, abs=1e-5)
    assert found.hits[0].reasons[0].kind == "dislike"


def test_an_interest_that_weighs_more_has_more_places_and_none_is_left_out(
    shop: Services,
) -> None:
    deeds = (
        Deed(product_id="shoe100", days_ago=1.0),
        Deed(product_id="shoe105", days_ago=1.0),
        Deed(product_id="shirt104", kind=EventKind.PURCHASE, days_ago=60.0),
    )
    found = asked(shop, ByHistory(deeds=deeds), k=12)
    of = [one.reasons[0].product_ids for one in found.hits]
    assert {id_ for one in of for id_ in one} <= {one.product_id for one in deeds}
    assert not {one.product_id for one in deeds} & set(ids(found))
    shares = {one.reasons[0].product_ids: one.reasons[0].share for one in found.hits}
    counts = {one: of.count(one) for one in shares}
    for interest, share in shares.items():
        assert abs(counts[interest] - share * 12) <= 1
    recent = asked(shop, ByHistory(deeds=deeds, half_life_days=1000.0), k=12)
    weights = {"shoe100": 0.5**0.001, "shoe105": 0.5**0.001, "shirt104": 5 * 0.5**0.06}
    for one in recent.hits:
        of_interest = sum(weights[id_] for id_ in one.reasons[0].product_ids)
        assert one.reasons[0].share == pytest.approx(of_interest / sum(weights.values()))


def test_what_was_bought_takes_its_variants_with_it(shop: Services) -> None:
    bought = Deed(product_id="shoe0", kind=EventKind.PURCHASE)
    assert made(0).item_group_id == made(5).item_group_id
    assert "shoe5" not in ids(asked(shop, ByHistory(deeds=(bought,)), k=100))
    viewed = Deed(product_id="shoe0")
    assert "shoe5" in ids(asked(shop, ByHistory(deeds=(viewed,)), k=100))


def test_the_history_of_a_visitor_is_read_from_the_events(shop: Services) -> None:
    events = [event("shoe100", 2.0, EventKind.VIEW, visitor="v"), event("gone", 1.0, visitor="v")]
    found = asked(shop, ByHistory(visitor="v"), *events)
    told = asked(shop, ByHistory(deeds=(Deed(product_id="shoe100", days_ago=2.0),)))
    assert ids(found) == ids(told)
    assert found.unknown == ()  # nobody has named what the store remembers
    assert asked(shop, ByHistory(visitor="nobody"), *events).fallback is Fallback.TRENDING


def test_bought_together_is_what_met_more_often_than_by_chance(shop: Services) -> None:
    events = [
        *baskets(12, "shoe100", "belt102"),
        *baskets(12, "shoe100", "sock103", "gone"),
        *baskets(40, "sock103"),  # everybody buys these
        *baskets(20, "shirt104"),
    ]
    found = asked(shop, BoughtTogether(product_ids=("shoe100",)), *events)
    assert ids(found) == ["belt102"]  # sock103 is met less often than its baskets lead to expect
    (reason,) = found.hits[0].reasons
    expected = (12 + 5) / (24 * 12 / 84 + 5)
    assert (reason.product_id, reason.n_together) == ("shoe100", 12)
    assert reason.lift == pytest.approx(expected)
    assert found.hits[0].hit.score == pytest.approx((expected - 1) / (expected + 1))
    both = asked(shop, BoughtTogether(product_ids=("shoe100", "shirt104")), *events)
    assert both.hits[0].hit.score < found.hits[0].hit.score


def test_without_baskets_what_goes_with_it_is_shown_instead_and_that_is_said(
    shop: Services,
) -> None:
    found = asked(shop, BoughtTogether(product_ids=("shoe100", "no")))
    assert (found.fallback, found.unknown) == (Fallback.COMPLEMENTARY, ("no",))
    assert ids(found) == ids(asked(shop, Complementary(product_ids=("shoe100",))))


def test_a_complement_is_of_another_kind(shop: Services) -> None:
    found = asked(shop, Complementary(product_ids=("shoe100",)), k=100)
    types = {one.hit.product.product_type for one in found.hits}
    assert types == {*KINDS.values()} - {"Shoes > Trainers"}
    assert all(one.reasons[-1].n_baskets == 0 for one in found.hits)
    two = asked(shop, Complementary(product_ids=("shoe100", "belt102")), k=100)
    assert {one.hit.product.product_type for one in two.hits} == {
        "Shoes > Boots",
        "Accessories > Socks",
        "Tops > Shirts",
    }


def test_baskets_of_other_products_teach_which_category_goes_with_it(shop: Services) -> None:
    """Nobody bought shoe100 yet; with other trainers, socks were bought."""
    events = [pair for n in (110, 115, 120) for pair in baskets(20, f"shoe{n}", f"sock{n + 3}")]
    found = asked(shop, Complementary(product_ids=("shoe100",)), *events)
    socks = [one for one in found.hits if one.hit.product.product_type.endswith("Socks")]
    assert len(socks) >= 8
    reason = socks[0].reasons[-1]
    assert (reason.kind, reason.n_baskets, reason.share > 0.8) == ("complementary", 60, True)


def test_what_was_bought_with_it_again_and_again_comes_first_of_its_category(
    shop: Services,
) -> None:
    cold = ids(asked(shop, Complementary(product_ids=("shoe100",)), k=100))
    late = [one for one in cold if one.startswith("belt")][-1]
    events = [*baskets(50, "shoe100", late), *baskets(600, "shirt4")]
    found = asked(shop, Complementary(product_ids=("shoe100",)), *events)
    assert ids(found)[0] == late
    assert found.hits[0].reasons[0].n_together == 50


def test_trending_is_what_grows_not_what_is_much(shop: Services) -> None:
    events = [
        *(event("shoe100", 1.0) for _ in range(40)),
        *(event("shoe100", 9.0) for _ in range(40)),
        *(event("belt102", 2.0) for _ in range(30)),
        *(event("belt102", 8.0) for _ in range(2)),
        event("gone", 1.0),
    ]
    found = asked(shop, Trending(), *events, k=3)
    assert ids(found)[:2] == ["belt102", "shoe100"]
    grown = 71 / 42
    first, second, third = (one.reasons[0] for one in found.hits)
    assert first.kind == "trending"
    assert first.growth == pytest.approx((30 + 10) / (2 * grown + 10))
    assert (second.kind, second.n_events) == ("popular", 40)
    assert (third.kind, third.basis, found.fallback) == ("cold_start", "newest", None)
    of_belts = asked(shop, Trending(category="Accessories"), *events, k=100)
    assert {one.hit.product.product_type.split(" > ")[0] for one in of_belts.hits} == {
        "Accessories"
    }


def test_without_events_the_newest_are_shown_and_that_is_said(shop: Services) -> None:
    found = asked(shop, Trending(), k=2)
    assert (ids(found), found.fallback) == (["shirt299", "sock298"], Fallback.NEWEST)


def test_the_catalogs_own_popularity_comes_before_newness(services: Services) -> None:
    products = [
        Product(product_id=f"p{n}", title=f"Mug {n}", attributes={"popularity": str(n % 3)})
        for n in range(6)
    ]
    services.indexer.run(listed(*products), feed_name="test")
    found = asked(services, Trending(), k=2)
    assert (ids(found), found.fallback) == (["p5", "p2"], Fallback.POPULARITY)


ALL = (
    SimilarTo(product_id="shoe100"),
    SimilarTo(product_id="shoe100", text_weight=1.0),
    ByExamples(liked=("shoe100",)),
    ByExamples(liked=("shoe100",), disliked=("belt102",), strategy=Strategy.BEST_SCORE),
    ByHistory(deeds=(Deed(product_id="shoe100"), Deed(product_id="belt102"))),
    BoughtTogether(product_ids=("shoe100",)),
    Complementary(product_ids=("shoe100",)),
    Trending(),
)
EVENTS = [
    *baskets(60, "shirt4"),
    *(pair for n in range(0, 40, 5) for pair in baskets(6, "shoe100", f"belt{n + 2}")),
]


@pytest.mark.parametrize("wanting", ALL, ids=str)
def test_a_filter_holds_and_hidden_products_are_nowhere(shop: Services, wanting: Wanting) -> None:
    where = ProductFilter((AnyOf("brand", ("kiln",)),))
    plain = ids(asked(shop, wanting, *EVENTS, where=where, k=100))
    assert plain
    assert all(made(int("".join(filter(str.isdigit, one)))).brand == "Kiln" for one in plain)
    shop.rules.put([Rule(name="hide", hide=(plain[0],))])
    try:
        with Services(shop.settings) as elsewhere:
            found = ids(asked(elsewhere, wanting, *EVENTS, where=where, k=100))
    finally:
        shop.rules.remove(["hide"])
    assert plain[0] not in found


@pytest.mark.parametrize("wanting", ALL[2:], ids=str)
def test_rules_pin_boost_and_bury_and_that_is_a_reason(shop: Services, wanting: Wanting) -> None:
    lift = Lift(ProductFilter((AnyOf("brand", ("fern",)),)), 100.0)
    shop.rules.put([Rule(name="pin", pins=(Pin(2, "sock298"),)), Rule(name="lift", boost=lift)])
    try:
        with Services(shop.settings) as elsewhere:
            found = asked(elsewhere, wanting, *EVENTS, k=8)
    finally:
        shop.rules.remove(["pin", "lift"])
    assert ids(found)[1] == "sock298"
    assert {"rule": "pin", "by": 2} in [
        {"rule": one.rule, "by": one.by} for one in found.hits[1].reasons if one.kind == "rule"
    ]
    assert found.hits[0].hit.product.brand == "Fern"
    assert found.hits[0].reasons[-1].kind == "rule"


@pytest.mark.parametrize("wanting", ALL, ids=str)
def test_variants_are_one_hit_and_the_seeds_variants_none(shop: Services, wanting: Wanting) -> None:
    found = asked(shop, wanting, *EVENTS, k=100, collapse=True)
    groups = [one.hit.product.item_group_id for one in found.hits]
    told = [one for one in groups if one]
    assert len(told) == len(set(told))
    if isinstance(wanting, SimilarTo | Trending):
        assert found.total == len({made(n).item_group_id or n for n in range(N)}) - (
            not isinstance(wanting, Trending)
        )
    of_variant = asked(shop, SimilarTo(product_id="shoe0"), k=100, collapse=True)
    assert "shoe5" not in ids(of_variant)


@pytest.mark.parametrize("wanting", ALL, ids=str)
def test_diversity_reorders_and_keeps_the_first(shop: Services, wanting: Wanting) -> None:
    plain = asked(shop, wanting, *EVENTS, k=60)
    varied = asked(shop, wanting, *EVENTS, k=60, diversity=0.7)
    assert ids(plain)[0] == ids(varied)[0]
    if not isinstance(wanting, BoughtTogether):
        assert ids(plain) != ids(varied)


@pytest.mark.parametrize(
    "wanting",
    [
        ByExamples(liked=("no", "nor this")),
        ByHistory(deeds=(Deed(product_id="no"), Deed(product_id="nor this"))),
        BoughtTogether(product_ids=("no", "nor this")),
        Complementary(product_ids=("no", "nor this")),
    ],
    ids=str,
)
def test_where_nothing_is_known_what_trends_is_shown(shop: Services, wanting: Wanting) -> None:
    found = asked(shop, wanting, *EVENTS)
    assert (found.unknown, found.fallback) == (("no", "nor this"), Fallback.TRENDING)
    assert ids(found) == ids(asked(shop, Trending(), *EVENTS))


def test_one_unknown_among_several_is_passed_over_and_listed(shop: Services) -> None:
    found = asked(shop, ByExamples(liked=("no", "shoe100")))
    assert (found.unknown, found.fallback) == (("no",), None)
    assert ids(found) == ids(asked(shop, ByExamples(liked=("shoe100",))))
    with pytest.raises(UnknownProduct, match="'no'"):
        asked(shop, SimilarTo(product_id="no"))


@pytest.mark.parametrize(
    ("wanting", "told"),
    [
        (ByExamples(), "no example"),
        (ByExamples(liked=("a",), disliked=("a",)), "liked and disliked"),
        (ByExamples(liked=tuple(map(str, range(51)))), "51"),
        (SimilarTo(product_id="shoe100", text_weight=float("nan")), "nan"),
        (ByHistory(), "no history"),
        (ByHistory(visitor="v", half_life_days=0.0), "half-life"),
        (ByHistory(deeds=(Deed(product_id="a", days_ago=-1.0),)), "-1"),
        (BoughtTogether(product_ids=()), "number of products"),
        (Trending(days=0.0), "days"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(
    shop: Services, wanting: Wanting, told: str
) -> None:
    with pytest.raises(QueryError, match=told):
        asked(shop, wanting)
    with pytest.raises(QueryError, match="k is 101"):
        asked(shop, Trending(), k=101)


def test_what_was_just_removed_is_no_hit_and_no_seed(services: Services) -> None:
    services.indexer.run(listed(*map(made, range(30))), feed_name="test")
    services.store.remove(["shoe5", "shoe10"])  # no generation knows of it yet
    found = asked(services, ByExamples(liked=("shoe0", "shoe5")), k=100)
    assert found.unknown == ("shoe5",)
    assert len(ids(found)) == 27
    assert found.total == 27


def test_without_an_index_the_error_says_what_to_do(services: Services) -> None:
    with pytest.raises(GenerationMissing, match="shopsearch index"):
        asked(services, Trending())
