"""The order of hits."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from shopsearch.domain import Price, Product, ProductRecord, Sort, StoredProduct
from shopsearch.ranking.order import Candidate, ordered


def stored(key: int, price: Price | None = None, revision: int = 0) -> StoredProduct:
    record = ProductRecord(Product(product_id=str(key), title="x", price=price), "f", None)
    return StoredProduct(key, revision or key, record)


def sorted_by(products: Sequence[StoredProduct], sort: Sort) -> list[int]:
    """The keys in an order, of products that are found in the order given."""
    candidates = [Candidate(one.key, score=1.0 / one.key) for one in products]
    return [c.key for c in ordered(candidates, sort, {one.key: one for one in products})]


prices = st.none() | st.builds(Price, st.integers(0, 5), st.sampled_from(["EUR", "USD"]))


@given(st.lists(prices, max_size=12), st.sampled_from(list(Sort)))
def test_every_order_keeps_all_candidates_and_is_stable(
    found: list[Price | None], sort: Sort
) -> None:
    products = [stored(n + 1, price) for n, price in enumerate(found)]
    result = sorted_by(products, sort)
    assert sorted(result) == [one.key for one in products]
    price_of = {one.key: one.product.price for one in products}
    same_price = [(a, b) for a, b in itertools.pairwise(result) if price_of[a] == price_of[b]]
    if sort in (Sort.PRICE_ASC, Sort.PRICE_DESC):
        assert all(a < b for a, b in same_price)


def test_products_without_a_price_come_last_in_both_orders() -> None:
    products = [stored(1), stored(2, Price(200, "USD")), stored(3, Price(100, "USD"))]
    keys = {sort: sorted_by(products, sort) for sort in Sort}
    assert keys[Sort.PRICE_ASC] == [3, 2, 1]
    assert keys[Sort.PRICE_DESC] == [2, 3, 1]
    assert keys[Sort.RELEVANCE] == [1, 2, 3]


def test_newest_is_the_latest_write() -> None:
    products = [stored(1, revision=5), stored(2, revision=9), stored(3, revision=7)]
    assert sorted_by(products, Sort.NEWEST) == [2, 3, 1]
