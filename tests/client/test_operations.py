"""Every operation, by both clients, against the real application over a real socket."""

from __future__ import annotations

from pathlib import Path

import pytest

from shopsearch.bootstrap import Services
from shopsearch.client import BadRequest, NotFound, PictureUnusable, Retries, Search, Wish
from shopsearch.server import create_app
from tests.server.conftest import SHOP, png

from .conftest import Ask, Both, listening


def ids(page) -> list[str]:
    return [hit.product_id for hit in page.hits]


def test_words_find_products(asked: Both) -> None:
    page = asked.search("red striped mug", size=3)

    assert page.hits[0].product_id == "mug-red"
    assert (page.hits[0].rank, page.hits[0].price, page.hits[0].currency) == (1, 19.99, "USD")
    assert (page.page, page.size) == (1, 3)
    assert page.query_id


def test_every_field_of_a_search_is_understood(asked: Both) -> None:
    page = asked.search(
        "mug",
        text_weight=0.5,
        not_=["jug"],
        also=[Wish(text="red", weight=0.5), Wish(product_id="mug/blue 50%", weight=-0.25)],
        not_product=["a//b"],
        filter={"brand": ["Nordic & Sons", "other"], "color": "red"},
        exclude={"color": "blue"},
        min={"size": 0},
        max={"size": 99},
        has={"glaze": True},
        price_min=1,
        price_max=100.5,
        sort="relevance",
        diversity=0.1,
        page=1,
        size=5,
        why=True,
        as_typed=True,
        understand=False,
        literal=["red"],
        cutoff=False,
        collapse=True,
        facets=["brand", "price"],
        facet_limit=3,
    )

    assert page.total == 0  # no product has a size
    assert page.facets["brand"].values is not None


@pytest.mark.parametrize("how", ["bytes", "file"])
def test_a_picture_is_sent_along_with_everything_else(
    asked: Both, picture_file: Path, how: str
) -> None:
    page = asked.search(
        "mug",
        image=png("red") if how == "bytes" else picture_file,
        text_weight=0.25,
        filter={"product_type": "Kitchen > Mugs"},
        also=[
            Wish(text="a^b", weight=0.5),
            Wish(image=png("blue"), weight=-0.5),
            Wish(product_id="a//b"),
        ],
        has={"glaze": True},
        price_max=20,
        why=True,
        facets=["brand"],
    )

    assert ids(page) == ["mug-red"]
    assert page.hits[0].why is not None
    assert page.facets["brand"].values[0].count == 1


def test_a_region_of_a_picture_is_searched_by(asked: Both) -> None:
    page = asked.search(image=png("red"), crop=(0.25, 0.0, 0.5, 0.6), fields=["title"])

    assert page.hits[0].product_id
    assert page.hits[0].rank is None  # it was not asked for


def test_searches_of_a_batch_are_answered_in_their_order(asked: Both) -> None:
    mug, gone = asked.search_batch([Search("red striped mug", size=1), Search(product_id="none")])

    assert ids(mug) == ["mug-red"]
    assert (gone.status, gone.code) == (404, "unknown-product")


def test_the_address_of_a_picture_is_given_to_the_server(asked: Both) -> None:
    with pytest.raises(PictureUnusable) as caught:
        asked.search(image="http://127.0.0.1:9/private.png")

    assert caught.value.code == "fetch-rejected"


def test_a_further_wish_may_be_the_address_of_a_picture(asked: Both) -> None:
    with pytest.raises(PictureUnusable):
        asked.search("mug", also=[Wish(image="http://127.0.0.1:9/private.png", weight=0.5)])
    with pytest.raises(PictureUnusable):
        asked.search(image=png("red"), also=[Wish(image="http://127.0.0.1:9/private.png")])


def test_every_hit_is_given_page_by_page(asked: Both) -> None:
    hits = list(asked.search_all(Search(sort="newest", size=2)))

    assert {hit.product_id for hit in hits} == {product["id"] for product in SHOP}
    assert [hit.rank for hit in hits] == list(range(1, len(SHOP) + 1))


@pytest.mark.parametrize("product_id", [product["id"] for product in SHOP])
def test_a_product_comes_whatever_its_id(asked: Both, product_id: str) -> None:
    assert asked.product(product_id).product_id == product_id
    assert product_id not in ids(asked.similar(product_id, k=3))


def test_all_of_a_product_is_there(asked: Both) -> None:
    product = asked.product("mug-red")

    assert (product.title, product.price, product.color) == ("Red striped mug", 19.99, "red")
    assert product.attributes == {"glaze": "matt"}


def test_similar_products_tell_why(asked: Both) -> None:
    page = asked.similar("mug-red", k=2, why=True)

    assert len(page.hits) == 2
    assert page.hits[0].why is not None


def test_beginnings_are_suggested_to(asked: Both) -> None:
    found = asked.suggest("mu", size=3)

    assert found.q == "mu"
    assert "mug" in {one.text for one in found.suggestions}


def test_health_is_told(asked: Both, shop: Services) -> None:
    health = asked.health()

    assert health.status == "ready"
    assert health.generation == shop.live.get().manifest.generation_id
    assert health.checks["database"].ok


def test_health_says_what_is_missing_where_searches_cannot_be_answered(
    client_of: Ask, services: Services
) -> None:
    with listening(create_app(services)) as address:
        health = client_of(address, retries=Retries()).health()  # is not asked again

    assert health.status == "not-ready"
    assert not health.checks["index"].ok


def test_what_does_not_make_sense_is_told_with_its_remedy(asked: Both) -> None:
    with pytest.raises(BadRequest, match="`size`") as caught:
        asked.search("mug", size=0)

    assert (caught.value.status, caught.value.code) == (400, "query-error")
    assert caught.value.request_id


def test_what_is_not_there_is_not_found(asked: Both) -> None:
    with pytest.raises(NotFound) as caught:
        asked.product("no such product")

    assert caught.value.code == "unknown-product"


def test_pictures_do_not_go_into_a_batch(asked: Both) -> None:
    with pytest.raises(ValueError, match="addresses"):
        asked.search_batch([Search("mug"), Search(image=b"picture")])


def test_a_wish_is_for_one_thing() -> None:
    with pytest.raises(ValueError, match="names 2"):
        Wish(text="red", product_id="a")
    with pytest.raises(ValueError, match="names 0"):
        Wish()
