"""Variants and copies as one hit, over the real services."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsearch.bootstrap import Services
from shopsearch.collapsing import Variants
from shopsearch.domain import Price, Product, Query, SearchPage, Sort
from shopsearch.rules import Pin, Rule, When
from shopsearch.settings import Settings

from .conftest import listed

COLOURS = ("red", "blue", "green", "black", "white")
N_SHIRTS = 40


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Shirts of five colours each, mugs of one, and a mug that is there twice."""
    home = tmp_path_factory.mktemp("variants")
    shirts = [
        Product(
            product_id=f"s{n}-{color}",
            title=f"Cotton shirt {n} {color}",
            color=color,
            item_group_id=f"s{n}",
            price=Price(1000 + 10 * n + place, "USD"),
        )
        for n in range(N_SHIRTS)
        for place, color in enumerate(COLOURS)
    ]
    mugs = [Product(product_id=f"m{n}", title=f"Mug of clay number {n}") for n in range(5)]
    twice = [Product(product_id=f"twin{n}", title="Teapot with a lid") for n in range(2)]
    with Services.open(Settings(home=home, encoder="hashing", index="exact")) as services:
        services.indexer.run(listed(*shirts, *mugs, *twice), feed_name="test")
        yield services


def ids(page: SearchPage) -> list[str]:
    return [hit.product.product_id for hit in page.hits]


def group_of(product_id: str) -> str:
    return product_id.partition("-")[0]


@pytest.mark.parametrize("sort", list(Sort))
@pytest.mark.parametrize("text", ["", "cotton shirt", "red shirt 7", "clay mug"])
def test_pages_show_each_product_once_and_lose_none(shop: Services, text: str, sort: Sort) -> None:
    query = {"text": text, "sort": sort, "collapse": True, "cutoff": bool(text), "k": 7}
    first = shop.search.search(Query(**query))
    pages = [
        shop.search.search(Query(**query, offset=offset)) for offset in range(0, first.total + 7, 7)
    ]
    shown = [product_id for page in pages for product_id in ids(page)]
    groups = [group_of(product_id) for product_id in shown]
    assert len(groups) == len(set(groups)) == first.total
    plain = shop.search.search(Query(text=text, cutoff=bool(text), k=1000))
    assert {group_of(one) for one in ids(plain)} - {"twin0", "twin1"} == set(groups) - {
        "twin0",
        "twin1",
    }


def test_the_best_variant_stands_for_the_others_and_counts_them(shop: Services) -> None:
    page = shop.search.search(Query(text="Cotton shirt 7 green", collapse=True, k=3))
    assert (ids(page)[0], page.hits[0].n_variants) == ("s7-green", 4)
    plain = shop.search.search(Query(text="Cotton shirt 7 green", k=3))
    assert all(hit.n_variants == 0 for hit in plain.hits)


def test_the_cheapest_variant_stands_for_the_others_in_an_order_by_price(shop: Services) -> None:
    page = shop.search.search(Query(sort=Sort.PRICE_ASC, collapse=True, k=3))
    assert ids(page) == ["s0-red", "s1-red", "s2-red"]
    page = shop.search.search(Query(sort=Sort.PRICE_DESC, collapse=True, k=2))
    assert ids(page) == [f"s{N_SHIRTS - 1}-white", f"s{N_SHIRTS - 2}-white"]


def test_copies_are_one_hit(shop: Services) -> None:
    page = shop.search.search(Query(text="teapot lid", collapse=True, cutoff=True))
    (teapot,) = [hit for hit in page.hits if hit.product.product_id.startswith("twin")]
    assert teapot.n_variants == 1


def test_a_pinned_variant_stands_for_the_others(shop: Services) -> None:
    shop.rules.put([Rule(name="pin", when=When(words="cotton"), pins=(Pin(2, "s9-white"),))])
    try:
        page = shop.search_under(shop_rules(shop)).search(
            Query(text="cotton shirt", collapse=True, k=N_SHIRTS)
        )
    finally:
        shop.rules.remove(["pin"])
    assert ids(page)[1] == "s9-white"
    assert [group_of(one) for one in ids(page)].count("s9") == 1


def shop_rules(shop: Services):
    from shopsearch.merchandising import FixedRules

    return FixedRules(shop.rules.rules())


@given(st.lists(st.integers(0, 4), min_size=1, max_size=15), st.randoms())
def test_exactly_the_first_of_each_group_is_chosen(groups: list[int], chance) -> None:
    keys = np.arange(1, len(groups) + 1)
    variants = Variants(keys, np.array(groups))
    order = keys.tolist()
    chance.shuffle(order)
    chosen = variants.firsts(np.array(order))
    seen: set[int] = set()
    for key, is_chosen in zip(order, chosen.tolist(), strict=True):
        group = groups[key - 1]
        assert is_chosen is (group not in seen)
        seen.add(group)
    assert variants.count == len(seen)
    assert variants.n_others(keys) == [groups.count(group) - 1 for group in groups]
