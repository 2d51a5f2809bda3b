"""Further wishes and unwanted words, over real SQLite and real FAISS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from shopsearch.bootstrap import Services
from shopsearch.domain import MAX_WISHES, Product, Query, SearchPage, Sort, Wanted
from shopsearch.errors import PictureRejected, QueryError, UnknownProduct
from shopsearch.second_stage import WINDOW
from shopsearch.settings import Settings
from shopsearch.unwanted import REACH

from .conftest import listed


@pytest.fixture
def shop(services: Services, mugs: tuple[Product, ...]) -> Services:
    services.indexer.run(listed(*mugs), feed_name="test")
    return services


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """More bags than are looked through; every third is of leather."""
    home = tmp_path_factory.mktemp("bags")
    products = [
        Product(
            product_id=f"p{n}",
            title=f"Bag number {n}",
            material="" if n % 3 else "Leather",
            description="A bag. Looks like leather." if n % 3 else "A bag.",
        )
        for n in range(REACH + 2 * WINDOW)
    ]
    settings = Settings(home=home, encoder="hashing", index="exact")
    with Services.open(settings) as services:
        services.indexer.run(listed(*products), feed_name="test")
        yield services


def ids(page: SearchPage) -> list[str]:
    return [hit.product.product_id for hit in page.hits]


def is_leather(page: SearchPage) -> list[bool]:
    return [bool(hit.product.material) for hit in page.hits]


def test_no_further_wish_changes_nothing(shop: Services) -> None:
    plain = shop.search.search(Query(text="red mug"))
    assert shop.search.search(Query(text="red mug", also=())).hits == plain.hits


def test_a_negative_is_a_wish_of_minus_one_half(shop: Services) -> None:
    as_negative = shop.search.search(Query(text="mug", negatives=("blue",), explain=True))
    as_wish = shop.search.search(
        Query(text="mug", also=(Wanted(text="blue", weight=-0.5),), explain=True)
    )
    assert as_negative.hits == as_wish.hits
    assert ids(as_wish)[-1] == "blue"


def test_wishes_alone_make_a_query(shop: Services) -> None:
    alone = shop.search.search(Query(also=(Wanted(text="yellow desk lamp", weight=0.2),)))
    assert ids(alone)[0] == "lamp"
    two = Query(also=(Wanted(text="grey sofa"), Wanted(text="yellow desk lamp", weight=0.3)))
    assert ids(shop.search.search(two))[:2] == ["sofa", "lamp"]


def test_a_picture_is_wished_for_more_or_less(
    shop: Services, draw: Callable[..., str], mugs: tuple[Product, ...]
) -> None:
    blue = Path(draw("query", "blue")).read_bytes()
    plain = ids(shop.search.search(Query(text="mug")))
    more = ids(shop.search.search(Query(text="mug", also=(Wanted(image=blue),))))
    less = ids(shop.search.search(Query(text="mug", also=(Wanted(image=blue, weight=-1.0),))))
    assert more[0] == "blue"
    assert more.index("blue") <= plain.index("blue") < less.index("blue")


@pytest.mark.parametrize("weight", [1.0, -0.5])
def test_a_product_that_is_named_is_no_hit_and_is_not_counted(
    shop: Services, weight: float
) -> None:
    also = (Wanted(product_id="red", weight=weight),)
    page = shop.search.search(Query(text="mug", also=also, k=50, facets=("brand",)))
    assert sorted(ids(page)) == ["blue", "green", "lamp", "picture", "sofa"]
    assert page.total == 5
    assert {one.value: one.count for one in page.facets[0].values} == {"Fern": 2, "Kiln": 1}


def test_a_picture_with_further_wishes_is_not_the_very_picture(
    shop: Services, draw: Callable[..., str]
) -> None:
    query = Query(image=Path(draw("query", "blue")).read_bytes(), explain=True)
    also = (Wanted(text="red", weight=0.3),)
    for asked, may_be_exact in ((query, True), (replace(query, also=also), False)):
        whys = [hit.why for hit in shop.search.search(asked).hits]
        assert any(why is not None and why.score.exact > 0 for why in whys) <= may_be_exact


@pytest.mark.parametrize(
    "query",
    [
        Query(text="mug", negatives=("blue", "red")),
        Query(text="mug not blue"),
        Query(text="blue mug", also=(Wanted(text="red", weight=0.4), Wanted(product_id="green"))),
        Query(product_id="red", also=(Wanted(text="blue", weight=-1.0),)),
        Query(also=(Wanted(product_id="red"), Wanted(text="blue mug", weight=-0.7))),
    ],
)
def test_the_parts_of_every_score_sum_to_it(shop: Services, query: Query) -> None:
    page = shop.search.search(replace(query, explain=True))
    plain = shop.search.search(query)
    assert [(hit.product, hit.score) for hit in page.hits] == [
        (hit.product, hit.score) for hit in plain.hits
    ]
    for hit in page.hits:
        assert hit.why is not None
        assert hit.why.score.total == pytest.approx(hit.score, abs=1e-5)
        assert np.isfinite(hit.score)
    scores = [hit.score for hit in page.hits]
    assert scores == sorted(scores, reverse=True)
    assert min(scores) >= -1.0


@pytest.mark.parametrize(
    "query",
    [
        Query(text="bag not leather"),
        Query(text="bag -leather"),
        Query(text="leather bag number 7", negatives=("leather",)),
        Query(product_id="p0", negatives=("leather",)),
        Query(also=(Wanted(text="bag number 9"), Wanted(text="leather", weight=-1.0))),
    ],
)
def test_what_holds_an_unwanted_word_comes_after_all_that_does_not(
    crowd: Services, query: Query
) -> None:
    whole = crowd.search.search(replace(query, k=REACH))
    held = is_leather(whole)
    assert 0.05 * REACH < sum(held) < 0.5 * REACH
    assert held == sorted(held)
    scores = [hit.score for hit in whole.hits]
    assert scores == sorted(scores, reverse=True)
    assert -1.0 <= min(scores) <= max(scores) <= 1.0


@pytest.mark.parametrize("query", [Query(text="bag not leather"), Query(text="bag number 9 -blue")])
def test_pages_with_unwanted_words_are_one_order_without_repeats(
    crowd: Services, query: Query
) -> None:
    size = 170
    pages = [
        crowd.search.search(replace(query, k=size, offset=offset, explain=True))
        for offset in range(0, REACH + 2 * WINDOW, size)
    ]
    hits = [hit for page in pages for hit in page.hits]
    together = [hit.product.product_id for hit in hits]
    assert len(set(together)) == len(together) == REACH + 2 * WINDOW
    assert together == ids(crowd.search.search(replace(query, k=1000)))
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    for hit in hits:
        assert hit.why is not None
        assert hit.why.score.total == pytest.approx(hit.score, abs=1e-5)


def test_light_negatives_push_but_do_not_exclude(crowd: Services) -> None:
    lightly = (Wanted(text="leather", weight=-0.1),)
    page = crowd.search.search(Query(text="bag", also=lightly, k=REACH, explain=True))
    held = is_leather(page)
    assert held != sorted(held)
    assert all(hit.why is not None and hit.why.score.unwanted == 0.0 for hit in page.hits)


def test_an_unwanted_word_says_what_it_took(shop: Services) -> None:
    page = shop.search.search(Query(text="mug not blue", explain=True))
    last = page.hits[-1]
    assert last.product.product_id == "blue"
    assert last.why is not None
    assert last.why.score.unwanted < 0.0
    assert all(hit.why is not None and hit.why.score.unwanted == 0.0 for hit in page.hits[:-1])


def test_where_everything_is_unwanted_nothing_is_lowered(shop: Services) -> None:
    page = shop.search.search(Query(text="grey", negatives=("sofa",), k=50))
    assert ids(page)[-1] == "sofa"
    assert len(page.hits) == 6


def test_another_order_is_by_price_alone(shop: Services) -> None:
    page = shop.search.search(Query(text="mug not green", sort=Sort.PRICE_ASC, k=3))
    assert ids(page) == ["green", "red", "blue"]


@pytest.mark.parametrize(
    "query",
    [
        Query(also=(Wanted(text="leather", weight=-0.5),)),
        Query(also=(Wanted(product_id="red", weight=-0.5),)),
        Query(text="mug", also=(Wanted(text="a", weight=0.0),)),
        Query(text="mug", also=(Wanted(text="a", weight=1.01),)),
        Query(text="mug", also=(Wanted(text="a", weight=float("nan")),)),
        Query(text="mug", also=(Wanted(),)),
        Query(text="mug", also=(Wanted(text="  "),)),
        Query(text="mug", also=(Wanted(text="a", product_id="red"),)),
        Query(text="mug", also=tuple(Wanted(text=str(n)) for n in range(MAX_WISHES + 1))),
    ],
)
def test_wishes_that_make_no_sense_are_refused(shop: Services, query: Query) -> None:
    with pytest.raises(QueryError):
        shop.search.search(query)
    with pytest.raises(QueryError):
        shop.search.considered(query)


def test_unknown_products_and_broken_pictures_are_named(shop: Services) -> None:
    with pytest.raises(UnknownProduct, match="'nobody'"):
        shop.search.search(Query(text="mug", also=(Wanted(product_id="nobody"),)))
    with pytest.raises(PictureRejected):
        shop.search.search(Query(text="mug", also=(Wanted(image=b"none"),)))


def test_a_wish_of_which_nothing_can_be_read_is_none(shop: Services) -> None:
    plain = shop.search.search(Query(text="mug"))
    empty = "\N{ZERO WIDTH SPACE}"
    asked = Query(text="mug", negatives=(empty, " "), also=(Wanted(text=empty),))
    assert shop.search.search(asked).hits == plain.hits
