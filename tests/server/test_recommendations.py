"""Recommendations as the shop's other services ask for them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shopsearch.bootstrap import Services
from shopsearch.domain import Event, EventKind, Scope
from shopsearch.server import create_app
from shopsearch.server.api.operations import served
from shopsearch.server.api.recommended_documents import RecommendationsDocument
from shopsearch.store.event_list import ListedEvents

from .conftest import SHOP

NOW = datetime.now(UTC)
ADDRESS = "/api/v1/recommendations"


def purchase(order: str, product_id: str) -> Event:
    return Event(
        event_id=f"{order}-{product_id}",
        kind=EventKind.PURCHASE,
        product_id=product_id,
        at=NOW - timedelta(days=1),
        visitor="v",
        order_id=order,
    )


@pytest.fixture
def visited(shop: Services) -> FlaskClient:
    """The shop after some visitors have bought things."""
    elsewhere = Services(shop.settings)
    elsewhere.events = ListedEvents(
        [purchase(f"o{n}", one) for n in range(9) for one in ("mug-red", "words-only")]
        + [purchase(f"p{n}", "hostile") for n in range(9)]
    )
    return create_app(elsewhere).test_client()


def ask(client: FlaskClient, **body: object) -> TestResponse:
    return client.post(ADDRESS, json=body)


def answer(client: FlaskClient, **body: object) -> dict:
    """What is answered, which is as it is declared to be."""
    response = ask(client, **body)
    assert response.status_code == 200, response.text
    RecommendationsDocument.model_validate(response.get_json(), strict=True)
    return response.get_json()


def test_similar_products_come_with_their_reasons(client: FlaskClient) -> None:
    page = answer(client, kind="similar", product_id="mug-red", k=3)
    assert [hit["rank"] for hit in page["hits"]] == [1, 2, 3]
    assert "mug-red" not in [hit["product_id"] for hit in page["hits"]]
    (reason,) = page["hits"][0]["reasons"]
    assert reason["kind"] == "similar"
    assert reason["text"] == "like mug-red"
    assert reason["cosine"] == page["hits"][0]["score"]
    assert {"total", "took_ms", "generation"} <= set(page)
    assert not {"unknown", "fallback"} & set(page)
    weighed = answer(client, kind="similar", product_id="mug-red", text_weight=0)
    assert any("image_cosine" in hit["reasons"][0] for hit in weighed["hits"])


def test_examples_a_history_and_a_basket_are_answered(visited: FlaskClient) -> None:
    liked = answer(visited, kind="examples", like=["a//b", "no"], strategy="best_score", k=2)
    assert (liked["hits"][0]["reasons"][0]["kind"], liked["unknown"]) == ("like", ["no"])
    disliked = answer(visited, kind="examples", dislike=["a//b"])
    assert disliked["hits"][0]["reasons"][0]["kind"] == "dislike"
    events = [{"product_id": "a//b", "days_ago": 2}, {"product_id": "..", "type": "purchase"}]
    history = answer(visited, kind="history", events=events)
    assert history["hits"][0]["reasons"][0]["kind"] == "interest"
    assert not {"a//b", ".."} & {hit["product_id"] for hit in history["hits"]}
    visitor = answer(visited, kind="history", visitor_id="v")
    assert not {"mug-red", "words-only"} & {hit["product_id"] for hit in visitor["hits"]}
    basket = answer(visited, kind="bought_together", product_ids=["mug-red"])
    assert [hit["product_id"] for hit in basket["hits"]] == ["words-only"]
    assert basket["hits"][0]["reasons"][0]["n_together"] == 9


def test_what_trends_is_answered_and_what_stands_in_for_it_is_told(
    visited: FlaskClient, client: FlaskClient
) -> None:
    page = answer(visited, kind="trending", k=5.0)
    assert page["hits"][0]["reasons"][0] == {"kind": "popular", "text": "9 events", "n_events": 9}
    assert page["hits"][3]["reasons"][0]["kind"] == "cold_start"
    assert answer(client, kind="trending")["fallback"] == "newest"
    goes_with = answer(visited, kind="complementary", product_ids=["mug-red"])
    assert goes_with["fallback"] == "trending"  # no other product has a category
    nothing = answer(visited, kind="trending", filter={"brand": "nobody"})
    assert (nothing["hits"], nothing["total"]) == ([], 0)


def test_every_filter_narrows(client: FlaskClient) -> None:
    def found(**filters: object) -> set[str]:
        page = answer(client, kind="trending", k=100, **filters)
        return {hit["product_id"] for hit in page["hits"]}

    everything = {one["id"] for one in SHOP}
    assert found() == everything
    assert found(filter={"color": "RED"}) == {"mug-red"}
    assert found(filter={"color": ["red", "blue"], "glaze": "matt"}) == {"mug-red"}
    assert found(exclude={"color": "red"}) == everything - {"mug-red"}
    assert found(has={"color": True}) == {"mug-red"}
    assert found(price={"min": 7, "max": 8}) == {"a//b", ".."}
    assert found(min={"price": 7}, max={"price": 8.5}) == {"a//b", ".."}
    assert found(filter={"category": "kitchen"}) == {"mug-red"}


def test_answers_are_noted_so_that_clicks_can_name_them(client: FlaskClient) -> None:
    assert "query_id" in answer(client, kind="similar", product_id="mug-red")
    unseen = client.post(ADDRESS, json={"kind": "trending"}, headers={"DNT": "1"})
    assert "query_id" not in unseen.get_json()


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "`kind` is missing"),
        ({"kind": "psychic"}, "'similar'"),
        ({"kind": "similar"}, "product_id` is missing"),
        ({"kind": "similar", "product_id": ""}, "product_id"),
        ({"kind": "similar", "product_id": "x" * 129}, "product_id"),
        ({"kind": "similar", "product_id": "a", "text_weight": 2}, "text_weight"),
        ({"kind": "similar", "product_id": "a", "text_weight": "1"}, "text_weight"),
        ({"kind": "examples"}, "`like`"),
        ({"kind": "examples", "like": "a"}, "like"),
        ({"kind": "examples", "like": ["a"], "strategy": "worst"}, "strategy"),
        ({"kind": "history"}, "`visitor_id`"),
        ({"kind": "history", "events": [{"product_id": "a", "days_ago": -1}]}, "days_ago"),
        ({"kind": "history", "events": [{"product_id": "a", "type": "theft"}]}, "type"),
        ({"kind": "bought_together", "product_ids": []}, "product_ids"),
        ({"kind": "complementary", "product_ids": ["a"] * 51}, "product_ids"),
        ({"kind": "trending", "k": 0}, "`trending.k`"),
        ({"kind": "trending", "k": True}, "`trending.k`"),
        ({"kind": "trending", "days": 0}, "days"),
        ({"kind": "trending", "colour": "red"}, "no `trending.colour`"),
        ({"kind": "trending", "min": {"price": "5"}}, "price"),
        ([], "JSON object"),
    ],
    ids=lambda value: json.dumps(value)[:60],
)
def test_what_makes_no_sense_is_refused_and_named(client: FlaskClient, body, told) -> None:
    response = client.post(ADDRESS, json=body)
    assert response.status_code == 400
    assert told in response.get_json()["detail"]


def test_hostile_bodies_are_refused(client: FlaskClient) -> None:
    assert client.post(ADDRESS, data="kind=trending").status_code == 415
    too_long = {"kind": "examples", "like": ["x" * 70_000]}
    assert client.post(ADDRESS, json=too_long).status_code == 413
    halves = client.post(
        ADDRESS, data=r'{"kind":"similar","product_id":"\ud800"}', content_type="application/json"
    )
    assert halves.status_code == 400
    nan = client.post(
        ADDRESS, data='{"kind":"trending","days":NaN}', content_type="application/json"
    )
    assert nan.status_code == 400
    odd = "\x00'; drop table products; --"
    assert ask(client, kind="similar", product_id=odd).status_code == 404
    assert answer(client, kind="examples", like=[odd])["unknown"] == [odd]
    assert answer(client, kind="history", visitor_id=odd)["fallback"] == "newest"


def test_products_like_one_that_is_not_there_are_404(client: FlaskClient) -> None:
    response = ask(client, kind="similar", product_id="nobody")
    assert (response.status_code, response.get_json()["code"]) == (404, "unknown-product")


def test_a_shop_without_an_index_says_so(empty_client: FlaskClient) -> None:
    assert ask(empty_client, kind="trending").status_code == 503


def test_the_operation_needs_the_right_to_recommend(client: FlaskClient) -> None:
    declared = {one.operation.operation_id: one for one in served(client.application)}
    one = declared["recommendations"]
    assert (one.rule.rule, one.method) == (ADDRESS, "POST")
    assert one.operation.scope is Scope.RECOMMEND
