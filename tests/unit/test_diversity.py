"""Diversity on the search itself, over real SQLite and real FAISS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from shopsearch.bootstrap import Services
from shopsearch.domain import EVERYTHING, Product, Query, Signal, Sort
from shopsearch.errors import QueryError
from shopsearch.merchandising import FixedRules
from shopsearch.signals import FixedSignals

from .conftest import listed
from .test_merchandising import all_pages, ids


@pytest.fixture
def shop(services: Services) -> Services:
    """Twenty mugs that are all alike, a few that are not, and one whose title is asked for."""
    alike = [Product(product_id=f"same{n}", title=f"blue mug no {n} {n}") for n in range(20)]
    others = [
        Product(product_id="tea", title="blue mug with a lid for green tea of the mountains"),
        Product(product_id="camp", title="blue mug of steel to hang on a rucksack when camping"),
        Product(product_id="exact", title="blue mug"),
    ]
    services.indexer.run(listed(*alike, *others), feed_name="t")
    return services


def test_what_differs_comes_forward_and_the_exact_match_stays_first(shop: Services) -> None:
    plain = ids(shop.search.search(Query(text="blue mug", k=23)).hits)
    different = ids(shop.search.search(Query(text="blue mug", k=23, diversity=0.7)).hits)
    assert plain[0] == different[0] == "exact"
    assert sorted(plain) == sorted(different)
    places = {name: (plain.index(name), different.index(name)) for name in ("tea", "camp")}
    assert all(after < before for before, after in places.values()), places


def test_pages_are_cut_from_one_order(shop: Services) -> None:
    query = Query(text="blue mug", diversity=0.7)
    whole = ids(shop.search.search(replace(query, k=23)).hits)
    assert all_pages(shop.search, query, 5)[0] == whole


def test_scores_stay_those_of_relevance(shop: Services) -> None:
    plain = shop.search.search(Query(text="blue mug", k=23)).hits
    different = shop.search.search(Query(text="blue mug", k=23, diversity=0.7)).hits
    scores = {hit.product.product_id: hit.score for hit in plain}
    assert {hit.product.product_id: hit.score for hit in different} == scores


@pytest.mark.parametrize("query", [Query(), Query(text="blue mug", sort=Sort.NEWEST)])
def test_lists_and_other_orders_are_left_alone(shop: Services, query: Query) -> None:
    plain = ids(shop.search.search(query).hits)
    assert ids(shop.search.search(replace(query, diversity=1.0)).hits) == plain


@pytest.mark.parametrize("diversity", [-0.1, 1.1, float("nan")])
def test_other_numbers_are_refused(shop: Services, diversity: float) -> None:
    with pytest.raises(QueryError, match="diversity"):
        shop.search.search(Query(text="mug", diversity=diversity))


def test_the_pictured_product_stays_first_under_signals_and_diversity(
    services: Services, draw: Callable[..., str]
) -> None:
    colours = ("red", "darkred", "green", "blue", "orange", "purple", "black", "gray")
    pictured = [
        Product(product_id=c, images=(draw(c, c),), attributes={"margin": str(n)})
        for n, c in enumerate(colours)
    ]
    services.indexer.run(listed(*pictured), feed_name="t")
    image = Path(pictured[0].images[0]).read_bytes()
    against = FixedSignals([Signal("margin", 5.0)])  # the red one has the lowest
    service = services.search_under(FixedRules(), signals=against)
    for diversity in (0.0, 0.9):
        query = Query(image=image, explain=True, diversity=diversity)
        hits = service.search(query).hits
        assert hits[0].product.product_id == "red"
        assert len(hits) == services.live.get().index.fields.matching(EVERYTHING).size
        for hit in hits:
            assert hit.why is not None
            assert hit.why.score.total == pytest.approx(hit.score, abs=1e-5)
    plain = ids(services.search.search(Query(image=image)).hits)
    assert ids(service.search(Query(image=image)).hits) != plain
