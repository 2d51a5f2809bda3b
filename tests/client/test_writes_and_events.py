"""What changes something, by both clients, against the real application over a real socket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shopsearch.bootstrap import Services
from shopsearch.catalog import open_feed
from shopsearch.client import (
    BoughtTogether,
    ByExamples,
    Forbidden,
    NotFound,
    Trending,
    Unauthorized,
)
from shopsearch.domain import Scope
from shopsearch.server import create_app
from shopsearch.settings import Settings
from tests.server.conftest import write_feed

from .conftest import Ask, Both, listening


@pytest.fixture
def own_shop(tmp_path: Path) -> Iterator[Services]:
    """A shop that may be written into."""
    settings = Settings(home=tmp_path / "home", encoder="hashing", index="exact", rate_limit="off")
    with Services.open(settings) as services:
        services.indexer.run(open_feed(write_feed(tmp_path)), feed_name="shop")
        services.encoder.load()
        yield services


@pytest.fixture
def own_address(own_shop: Services) -> Iterator[str]:
    with listening(create_app(own_shop)) as where:
        yield where


def key_of(shop: Services, scope: Scope) -> str:
    return str(shop.key_issuer.make("client", [scope]).spelt)


def test_products_are_written_read_back_and_removed(
    client_of: Ask, own_shop: Services, own_address: str
) -> None:
    client = client_of(own_address, key=key_of(own_shop, Scope.CATALOG))

    written = client.put_product("bulk", {"title": "Green teapot", "price": "12.50 EUR"})

    assert (written.status, client.product("bulk").price) == ("indexed", 12.5)
    assert [hit.product_id for hit in client.search("green teapot", size=1).hits] == ["bulk"]
    assert client.delete_product("bulk").status == "removed"
    with pytest.raises(NotFound):
        client.product("bulk")


def test_many_changes_are_made_in_their_order_and_once(
    client_of: Ask, own_shop: Services, own_address: str
) -> None:
    client = client_of(own_address, key=key_of(own_shop, Scope.CATALOG))
    changes = [
        {"op": "upsert", "product_id": "N1", "title": "Velvet curtain"},
        {"op": "upsert", "product_id": "N2"},
        {"op": "remove", "product_id": "mug-red"},
    ]

    first = client.bulk(changes, idempotency_key="k1")

    assert [one.status for one in first.results] == ["indexed", "rejected", "removed"]
    assert first.results[1].reason
    assert client.bulk(changes, idempotency_key="k1") == first  # not "unchanged": it is the same
    assert client.bulk(changes).unchanged == 2  # there already, gone already


def test_who_may_not_write_is_told(client_of: Ask, own_shop: Services, own_address: str) -> None:
    with pytest.raises(Unauthorized):
        client_of(own_address).put_product("N1", {"title": "Lamp"})
    with pytest.raises(Forbidden):
        client_of(own_address, key=key_of(own_shop, Scope.EVENTS)).delete_product("mug-red")


def test_events_are_taken_and_recommendations_made_of_them(
    client_of: Ask, own_shop: Services, own_address: str
) -> None:
    client: Both = client_of(own_address)

    client.view("mug-red", visitor_id="v-1")
    for order in ("1001", "1002", "1003"):
        client.purchase(["mug-red", "a//b"], order_id=order, visitor_id=f"v-{order}")
    client.purchase("words-only", order_id="1004")
    own_shop.event_book.close()

    trending = client.recommendations(Trending(k=2))
    assert {hit.product_id for hit in trending.hits} == {"mug-red", "a//b"}
    together = client.recommendations(BoughtTogether(product_ids=["mug-red"], k=5))
    assert [hit.product_id for hit in together.hits] == ["a//b"]
    like = client.recommendations(ByExamples(like=["mug-red"], dislike=["hostile"], k=3))
    assert len(like.hits) == 3
    assert like.hits[0].reasons
    assert client.similar("mug-red", k=2, text_weight=1.0).hits
