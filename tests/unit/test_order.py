"""The order of hits."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from shopsearch.domain import Price, Product, ProductRecord, Sort, StoredProduct
from shopsearch.ranking.order import Candidate, ordered


def candidate(key: int, price: Price | None = None, revision: int = 0) -> Candidate:
    record = ProductRecord(Product(product_id=str(key), title="x", price=price), "f", None)
    return Candidate(StoredProduct(key, revision or key, record), score=1.0 / key)


prices = st.none() | st.builds(Price, st.integers(0, 5), st.sampled_from(["EUR", "USD"]))


@given(st.lists(prices, max_size=12), st.sampled_from(list(Sort)))
def test_every_order_keeps_all_candidates_and_is_stable(
    found: list[Price | None], sort: Sort
) -> None:
    candidates = [candidate(n + 1, price) for n, price in enumerate(found)]
    result = ordered(candidates, sort)
    assert sorted(c.stored.key for c in result) == [c.stored.key for c in candidates]
    same_price = [
        (a.stored.key, b.stored.key)
        for a, b in itertools.pairwise(result)
        if a.stored.product.price == b.stored.product.price
    ]
    if sort in (Sort.PRICE_ASC, Sort.PRICE_DESC):
        assert all(a < b for a, b in same_price)


def test_products_without_a_price_come_last_in_both_orders() -> None:
    candidates = [candidate(1), candidate(2, Price(200, "USD")), candidate(3, Price(100, "USD"))]
    keys = {s: [c.stored.key for c in ordered(candidates, s)] for s in Sort}
    assert keys[Sort.PRICE_ASC] == [3, 2, 1]
    assert keys[Sort.PRICE_DESC] == [2, 3, 1]
    assert keys[Sort.RELEVANCE] == [1, 2, 3]


def test_newest_is_the_latest_write() -> None:
    candidates = [candidate(1, revision=5), candidate(2, revision=9), candidate(3, revision=7)]
    assert [c.stored.key for c in ordered(candidates, Sort.NEWEST)] == [2, 3, 1]
