"""Signals, popularity and diversity as the shop's visitors and services meet them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from shopsearch.bootstrap import Services
from shopsearch.domain import Signal
from shopsearch.server import create_app


@pytest.fixture
def weighed(shop: Services) -> Iterator[FlaskClient]:
    """A visitor of the shop while a signal holds there."""
    shop.signals.put([Signal("stock", 1.0)])
    with Services(shop.settings) as elsewhere:
        yield create_app(elsewhere).test_client()
    shop.signals.remove(["stock"])


def test_the_api_answers_by_the_signals_and_says_so_where_it_is_asked(
    weighed: FlaskClient,
) -> None:
    page = weighed.get("/api/v1/search?why=true").get_json()
    assert page["hits"][0]["product_id"] == "mug-red"  # the only one known to be in stock
    assert page["hits"][0]["why"]["signals"] == [
        {"signal": "stock", "value": 1.0, "weight": 1.0, "factor": 2.0}
    ]
    plain = weighed.get("/api/v1/search").get_json()
    assert all("why" not in hit for hit in plain["hits"])


def test_popularity_is_an_order_of_the_api_and_of_the_page(client: FlaskClient) -> None:
    assert client.get("/api/v1/search?sort=popularity").status_code == 200
    page = client.get("/search?q=jug&sort=popularity").get_data(as_text=True)
    assert '<option value="popularity" selected>Most popular</option>' in page


def test_diversity_reorders_and_loses_nothing(client: FlaskClient) -> None:
    def found(diversity: str) -> list[str]:
        address = f"/api/v1/search?q=jug&diversity={diversity}"
        return [hit["product_id"] for hit in client.get(address).get_json()["hits"]]

    plain, different = found("0"), found("1")
    assert (plain[0], sorted(plain)) == (different[0], sorted(different))
    posted = client.post("/api/v1/search", json={"q": "jug", "diversity": 1}).get_json()
    assert [hit["product_id"] for hit in posted["hits"]] == different


def test_diversity_stays_with_a_visitor_who_sorts_and_turns_pages(client: FlaskClient) -> None:
    page = client.get("/search?q=jug&diversity=0.3&size=1").get_data(as_text=True)
    assert "diversity=0.3" in page


@pytest.mark.parametrize("value", ["1.5", "-1", "nan", "much"])
def test_other_diversities_are_refused(client: FlaskClient, value: str) -> None:
    answer = client.get("/api/v1/search", query_string={"q": "jug", "diversity": value})
    assert answer.status_code == 400
    assert "`diversity`" in answer.get_json()["detail"]
