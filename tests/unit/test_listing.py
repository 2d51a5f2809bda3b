"""Lists without words: sorted as a whole, page by page, against the products themselves."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from shopsearch.bootstrap import Services
from shopsearch.domain import (
    EVERYTHING,
    AnyOf,
    Between,
    Price,
    Product,
    ProductFilter,
    Query,
    Sort,
    StoredProduct,
)

from .conftest import listed
from .test_merchandising import all_pages, ids

FILTERS = (
    EVERYTHING,
    ProductFilter((AnyOf("brand", ("kiln",)),)),
    ProductFilter((AnyOf("brand", ("kiln",), negate=True), Between("price", high=9.0))),
    ProductFilter((AnyOf("brand", ("nobody",)),)),
)


def by_the_book(stored: Sequence[StoredProduct], sort: Sort) -> list[str]:
    """The newest first, then by the order asked for."""
    newest_first = sorted(stored, key=lambda one: -one.key)

    def place(one: StoredProduct) -> tuple[object, ...]:
        price, reviews = one.product.price, one.product.attributes.get("reviews_count", "many")
        if sort is Sort.NEWEST:
            return (-one.revision,)
        if sort is Sort.POPULARITY:
            return (1, 0) if reviews == "many" else (0, -float(reviews))
        if price is None:
            return (1, "", 0)
        sign = -1 if sort is Sort.PRICE_DESC else 1
        return (0, price.currency, sign * price.amount_minor)

    in_order = newest_first if sort is Sort.RELEVANCE else sorted(newest_first, key=place)
    return [one.product.product_id for one in in_order]


@pytest.mark.parametrize("seed", range(3))
def test_every_order_is_that_of_the_whole_list_on_every_page(services: Services, seed: int) -> None:
    chance = random.Random(seed)

    def drawn(n: int) -> Product:
        reviews = chance.choice([None, "0", "7", "7.0", "12", "many"])
        price = Price(chance.randrange(4), chance.choice(["USD", "EUR", "JPY"]))
        return Product(
            product_id=f"p{n}",
            title=f"Mug {n}",
            price=price if chance.random() < 0.8 else None,
            brand=chance.choice(["Kiln", "Fern"]),
            attributes={} if reviews is None else {"reviews_count": reviews},
        )

    products = [*map(drawn, range(60))]
    services.indexer.run(listed(*products), feed_name="test")
    changed = [replace(one, title="Mug anew") for one in chance.sample(products, 9)]
    services.indexer.run(listed(*changed), feed_name="test")
    index = services.live.get().index
    for where in FILTERS:
        stored = [*services.store.fetch(index.fields.matching(where).tolist()).values()]
        for sort in Sort:
            found, _ = all_pages(services.search, Query(where=where, sort=sort), 17)
            assert found == by_the_book(stored, sort)


@pytest.fixture
def crowd(services: Services) -> Services:
    mugs = [
        Product(
            product_id=f"p{n}",
            title=f"Mug {n}",
            price=Price(100 + n * 37 % 101, "USD"),
            attributes={"popularity": str(n * 53 % 101)},
        )
        for n in range(101)
    ]
    services.indexer.run(listed(*mugs), feed_name="t")
    return services


@pytest.mark.parametrize("sort", list(Sort))
def test_a_list_fetches_the_products_of_its_page_alone(crowd: Services, sort: Sort) -> None:
    crowd.search.search(Query(sort=sort, k=5))
    fetched: list[int] = []
    fetch: Callable[[Sequence[int]], object] = crowd.store.fetch
    crowd.store.fetch = lambda keys: (fetched.append(len(keys)), fetch(keys))[1]  # type: ignore[method-assign]
    page = crowd.search.search(Query(sort=sort, k=5, offset=40))
    assert (len(page.hits), page.total, fetched) == (5, 101, [5])


def test_what_the_store_holds_no_longer_gives_its_place_to_the_next(crowd: Services) -> None:
    query = Query(sort=Sort.PRICE_ASC, k=20)
    whole, _ = all_pages(crowd.search, query, 20)
    crowd.store.remove([whole[3], whole[50]])  # the index does not know it yet
    pages = [crowd.search.search(replace(query, offset=at)) for at in range(0, 101, 20)]
    assert [len(page.hits) for page in pages] == [20, 20, 20, 20, 19, 0]
    assert {page.total for page in pages} == {99}
    found = [one for page in pages for one in ids(page.hits)]
    assert found == [one for one in whole if one not in (whole[3], whole[50])]


def test_popularity_orders_the_most_relevant_of_a_search_by_words(crowd: Services) -> None:
    page = crowd.search.search(Query(text="mug", sort=Sort.POPULARITY, k=101))
    assert ids(page.hits) == [f"p{n}" for n in sorted(range(101), key=lambda n: -(n * 53 % 101))]


def test_popularity_is_the_best_known_count_that_the_catalog_has(services: Services) -> None:
    def mug(name: str, **counts: str) -> Product:
        return Product(product_id=name, title="Mug", attributes=counts)

    def most_popular() -> list[str]:
        return ids(services.search.search(Query(sort=Sort.POPULARITY)).hits)

    mugs = [mug("a", rating_count="3", num_reviews="0"), mug("b", ratingCount="9"), mug("c")]
    services.indexer.run(listed(*mugs), feed_name="t")
    assert most_popular() == ["b", "a", "c"]  # nobody has a review yet
    services.indexer.run(listed(mug("c", Num_Reviews="1")), feed_name="t")
    assert most_popular() == ["c", "a", "b"]
    services.indexer.run(listed(mug("d", popularity="0.5")), feed_name="t")
    assert most_popular() == ["d", "c", "b", "a"]


def test_times_of_writes_are_read_once_and_then_what_has_changed(crowd: Services) -> None:
    rows: list[int] = []
    asked = crowd.write_times._times.written_after

    def noted(revision: int) -> object:
        writes = asked(revision)
        rows.append(len(writes.keys))
        return writes

    crowd.write_times._times.written_after = noted  # type: ignore[assignment]
    for _ in range(2):
        crowd.search.search(Query(sort=Sort.NEWEST))
    crowd.indexer.run(listed(Product(product_id="p3", title="Mug anew")), feed_name="t")
    page = crowd.search.search(Query(sort=Sort.NEWEST))
    assert (ids(page.hits)[0], rows) == ("p3", [101, 0, 1])
    np.testing.assert_array_equal(crowd.write_times.revisions(np.array([-1, 999])), [0, 0])
    assert np.isnan(crowd.write_times.created_s(np.array([-1, 999]))).all()
