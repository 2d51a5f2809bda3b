"""Where the answer of a search ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shopsearch.bootstrap import Services
from shopsearch.domain import AnyOf, Price, Product, ProductFilter, Query, SearchPage, Sort
from shopsearch.relevance import Background
from shopsearch.rules import Pin, Rule, When
from shopsearch.settings import Settings

from .conftest import listed

KINDS = ("mug", "lamp", "sofa", "kettle")
N_EACH = 60
WORDS = st.lists(st.sampled_from((*KINDS, "blue", "red", "number", "7", "qwzx")), max_size=4)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    home = tmp_path_factory.mktemp("relevance")
    products = [
        Product(
            product_id=f"{kind}{n}",
            title=f"{'Blue' if n % 2 else 'Red'} {kind} number {n}",
            brand=f"Brand {n % 3}",
            price=Price(100 * (n + 1), "USD"),
        )
        for kind in KINDS
        for n in range(N_EACH)
    ]
    with Services.open(Settings(home=home, encoder="hashing", batch_size=64)) as services:
        services.indexer.run(listed(*products), feed_name="test")
        yield services


def search(shop: Services, text: str, **more: Any) -> SearchPage:
    return shop.search.search(Query(text=text, **{"cutoff": True, "k": 1000, **more}))


def ids(page: SearchPage) -> set[str]:
    return {hit.product.product_id for hit in page.hits}


def test_all_that_hold_the_words_are_found_and_counted_and_the_rest_of_the_catalog_is_not(
    shop: Services,
) -> None:
    page = search(shop, "lamp", facets=("brand",))
    lamps = {f"lamp{n}" for n in range(N_EACH)}
    assert lamps <= ids(page)
    assert page.total == len(page.hits) < N_EACH * len(KINDS) / 2
    assert sum(value.count for value in page.facets[0].values) == page.total


def test_without_the_cut_everything_that_passes_is_found(shop: Services) -> None:
    assert search(shop, "lamp", cutoff=False).total == N_EACH * len(KINDS)


def test_a_filter_and_the_cut_hold_together(shop: Services) -> None:
    where = ProductFilter((AnyOf("brand", ("brand 1",)),))
    page = search(shop, "blue sofa", where=where)
    assert page.total == len(page.hits) > 0
    assert {hit.product.brand for hit in page.hits} == {"Brand 1"}
    assert {f"sofa{n}" for n in range(1, N_EACH, 6)} <= ids(page)


def test_an_order_by_price_is_that_of_all_that_is_relevant(shop: Services) -> None:
    page = search(shop, "kettle", sort=Sort.PRICE_ASC, k=5)
    whole = search(shop, "kettle")
    prices = sorted(hit.product.price for hit in whole.hits if hit.product.price)
    assert [hit.product.price for hit in page.hits] == prices[:5]
    assert page.total == whole.total


def test_words_that_nothing_has_and_nothing_is_like_find_nothing(shop: Services) -> None:
    page = search(shop, "qwzx vbnrt")
    assert (page.hits, page.total) == ((), 0)
    assert search(shop, "qwzx vbnrt", cutoff=False).total == N_EACH * len(KINDS)


def test_what_is_pinned_is_relevant_whatever_it_is(shop: Services) -> None:
    shop.rules.put([Rule(name="pin", when=When(words="lamp"), pins=(Pin(1, "sofa3"),))])
    try:
        from shopsearch.merchandising import FixedRules

        under = shop.search_under(FixedRules(shop.rules.rules()))
        page = under.search(Query(text="lamp", cutoff=True, k=1000))
    finally:
        shop.rules.remove(["pin"])
    assert page.hits[0].product.product_id == "sofa3"
    assert len(page.hits) == page.total


def test_products_like_another_are_not_cut(shop: Services) -> None:
    page = shop.search.search(Query(product_id="mug1", cutoff=True, k=1000))
    assert page.total == len(page.hits) == N_EACH * len(KINDS) - 1


@given(WORDS, st.sampled_from(list(Sort)), st.integers(1, 40))
@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_pages_partition_what_is_found(
    shop: Services, words: list[str], sort: Sort, size: int
) -> None:
    whole = search(shop, " ".join(words), sort=sort)
    pages = [
        search(shop, " ".join(words), sort=sort, k=size, offset=offset)
        for offset in range(0, whole.total + size, size)
    ]
    shown = [hit.product.product_id for page in pages for hit in page.hits]
    assert shown == [hit.product.product_id for hit in whole.hits]
    assert len(set(shown)) == len(shown) == whole.total
    assert {page.total for page in pages} == {whole.total}


def test_the_bound_lies_between_the_catalog_and_the_nearest_neighbour() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(500, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    background = Background(vectors[1:], least_rise=0.3)
    cosines = vectors[1:] @ vectors[0]
    mean, spread = float(cosines.mean()), float(cosines.std())
    assert background.bound(vectors[0], 1.0, 0.9) == pytest.approx(mean + 0.9 * (1.0 - mean))
    assert background.bound(vectors[0], mean, 0.1) == pytest.approx(mean + 2 * spread)
    best = float(cosines.max())
    assert background.bound(vectors[0], mean, 0.9) == pytest.approx(mean + 0.9 * (best - mean))
    assert background.is_nonsense(vectors[0], mean + 0.29)
    assert not background.is_nonsense(vectors[0], mean + 0.31)


def test_what_is_relevant_does_not_depend_on_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One alone holds all the words, and hundreds are near enough."""
    monkeypatch.setattr("shopsearch.relevance.BESIDE_WORDS", 0.2)
    monkeypatch.setattr("shopsearch.relevance.STANDS_OUT", 0.0)
    mugs = [Product(product_id=f"p{n}", title=f"Blue mug with a handle {n}") for n in range(300)]
    sofas = [Product(product_id=f"o{n}", title=f"Sofa {n} of oak") for n in range(900)]
    with Services.open(Settings(home=tmp_path, encoder="hashing", index="exact")) as shop:
        shop.indexer.run(listed(*mugs, *sofas), feed_name="test")
        text = "blue mug with a handle 7"
        totals = {search(shop, text, k=24, offset=at).total for at in (0, 96, 240, 600)}
    assert len(totals) == 1
    assert totals.pop() > 90
