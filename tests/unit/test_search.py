"""The search journey, over real SQLite, real FAISS and small real pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from shopsearch.bootstrap import Services
from shopsearch.domain import AnyOf, Between, Product, ProductFilter, Query, SearchPage, Sort
from shopsearch.errors import GenerationMissing, PictureRejected, QueryError, UnknownProduct
from shopsearch.search import SORT_WINDOW

from .conftest import listed


@pytest.fixture
def shop(services: Services, mugs: tuple[Product, ...]) -> Services:
    services.indexer.run(listed(*mugs), feed_name="test")
    return services


def ids(page: SearchPage) -> list[str]:
    return [hit.product.product_id for hit in page.hits]


def where(*conditions: AnyOf | Between) -> ProductFilter:
    return ProductFilter(conditions)


def test_words_find_their_product_first(shop: Services) -> None:
    page = shop.search.search(Query(text="yellow desk lamp"))
    assert ids(page)[0] == "lamp"
    assert [hit.rank for hit in page.hits] == [1, 2, 3, 4, 5, 6]
    scores = [hit.score for hit in page.hits]
    assert scores == sorted(scores, reverse=True)
    assert all(-1.0001 <= score <= 1.0001 for score in scores)


def test_a_picture_finds_the_product_of_that_picture(
    shop: Services, draw: Callable[..., str]
) -> None:
    picture = Path(draw("query", "darkred")).read_bytes()
    assert ids(shop.search.search(Query(image=picture)))[0] == "picture"


def test_the_text_weight_moves_a_mixed_query_from_the_picture_to_the_words(
    shop: Services, draw: Callable[..., str]
) -> None:
    picture = Path(draw("query", "darkred")).read_bytes()
    mixed = [
        ids(shop.search.search(Query(text="grey sofa", image=picture, text_weight=weight)))[0]
        for weight in (0.0, 1.0)
    ]
    assert mixed == ["picture", "sofa"]


def test_a_product_is_not_among_its_own_hits(shop: Services) -> None:
    page = shop.search.similar("red", k=20)
    assert sorted(ids(page)) == ["blue", "green", "lamp", "picture", "sofa"]
    assert page.total == 5


def test_a_product_with_words_beside_it_leans_to_the_words(shop: Services) -> None:
    page = shop.search.search(Query(product_id="red", text="grey sofa", text_weight=1.0))
    assert ids(page)[0] == "sofa"


def test_a_negative_pushes_down_what_it_names(shop: Services) -> None:
    plain = ids(shop.search.search(Query(text="mug")))
    pushed = ids(shop.search.search(Query(text="mug", negatives=("blue",))))
    assert pushed.index("blue") > plain.index("blue")


def test_a_filter_lets_only_matches_through_and_loses_none(shop: Services) -> None:
    page = shop.search.search(Query(text="sofa", where=where(AnyOf("brand", ("KILN",)))))
    assert sorted(ids(page)) == ["blue", "red"]
    assert page.total == 2
    page = shop.search.search(Query(text="sofa", where=where(Between("price", low=9, high=19))))
    assert sorted(ids(page)) == ["blue", "red"]


@pytest.mark.parametrize("field", ["product_type", "category"])
def test_a_category_is_filtered_by_either_of_its_names_and_at_any_level(
    services: Services, field: str
) -> None:
    boots = Product(product_id="boots", title="Boots", product_type="Shoes > Outdoor > Boots")
    hat = Product(product_id="hat", title="Hat", product_type="Hats")
    services.indexer.run(listed(boots, hat), feed_name="test")
    outdoor = where(AnyOf(field, ("shoes > outdoor",)))
    assert ids(services.search.search(Query(text="hat", where=outdoor))) == ["boots"]


def test_an_order_by_price_holds_over_the_hits(shop: Services) -> None:
    page = shop.search.search(Query(text="mug", sort=Sort.PRICE_ASC, k=4))
    assert ids(page) == ["green", "red", "blue", "sofa"]


@pytest.mark.parametrize("sort", list(Sort))
def test_pages_neither_repeat_nor_skip(services: Services, sort: Sort) -> None:
    products = [Product(product_id=f"p{n}", title=f"Mug number {n}") for n in range(40)]
    services.indexer.run(listed(*products), feed_name="test")
    pages = [
        services.search.search(Query(text="mug", sort=sort, k=7, offset=offset))
        for offset in range(0, 42, 7)
    ]
    together = [one for page in pages for one in ids(page)]
    assert sorted(together) == sorted(p.product_id for p in products)
    assert [hit.rank for page in pages for hit in page.hits] == list(range(1, 41))


def test_a_sorted_search_says_how_many_hits_it_orders(services: Services) -> None:
    products = [
        Product(product_id=f"p{n}", title=f"Mug number {n}") for n in range(SORT_WINDOW + 30)
    ]
    services.indexer.run(listed(*products), feed_name="test")
    page = services.search.search(Query(text="mug", sort=Sort.NEWEST, k=50, offset=SORT_WINDOW - 9))
    assert (len(page.hits), page.total) == (9, SORT_WINDOW)


def test_a_query_that_asks_for_nothing_lists_the_catalog_newest_first(shop: Services) -> None:
    page = shop.search.search(Query(k=3))
    assert (ids(page), page.total) == (["sofa", "picture", "lamp"], 6)
    cheap = shop.search.search(Query(where=where(Between("price", high=20)), sort=Sort.PRICE_ASC))
    assert ids(cheap) == ["green", "red", "blue"]


def test_a_hit_names_the_picture_to_show(shop: Services) -> None:
    hits = {h.product.product_id: h for h in shop.search.search(Query(text="mug")).hits}
    shown = hits["red"].image_hash
    assert shown is not None
    assert shop.pictures.get(shown) is not None
    assert hits["lamp"].image_hash is None


def test_without_an_index_the_error_says_what_to_do(services: Services) -> None:
    with pytest.raises(GenerationMissing, match="shopsearch index"):
        services.search.search(Query(text="mug"))


@pytest.mark.parametrize(
    "query",
    [
        Query(text="mug", k=0),
        Query(text="mug", k=100_000),
        Query(text="mug", offset=-1),
        Query(text="mug", text_weight=1.5),
        Query(text="mug", text_weight=float("nan")),
        Query(negatives=("leather",)),
    ],
)
def test_a_query_that_makes_no_sense_is_refused(shop: Services, query: Query) -> None:
    with pytest.raises(QueryError):
        shop.search.search(query)


def test_an_unknown_product_is_named(shop: Services) -> None:
    with pytest.raises(UnknownProduct, match="'nobody'"):
        shop.search.similar("nobody")


@pytest.mark.parametrize("image", [b"no picture", b"\x89PNG\r\n\x1a\n" + b"\x00" * 40])
def test_a_picture_that_is_none_is_refused(shop: Services, image: bytes) -> None:
    with pytest.raises(PictureRejected):
        shop.search.search(Query(image=image))


def test_a_search_sees_the_swap_of_another_process(
    shop: Services, mugs: tuple[Product, ...]
) -> None:
    with Services(shop.settings) as elsewhere:
        assert len(elsewhere.search.search(Query(text="mug")).hits) == 6
        shop.indexer.remove(["red"])
        assert "red" not in ids(elsewhere.search.search(Query(text="mug")))
        assert len(elsewhere.search.search(Query(text="mug")).hits) == 5


def test_what_was_just_removed_is_missing_from_lists_and_counts(
    services: Services, mugs: tuple[Product, ...]
) -> None:
    services.indexer.run(listed(*mugs), feed_name="test")
    services.store.remove(["sofa", "red"])  # no generation knows of it yet
    cheap = ProductFilter((Between("price", 0, 1000),))
    for query in (
        Query(k=2),
        Query(where=cheap, k=1),
        Query(where=cheap, k=1, sort=Sort.PRICE_ASC),
    ):
        page = services.search.search(query)
        assert (page.total, len(page.hits)) == (4, 2) if query.k == 2 else (1, 1)
