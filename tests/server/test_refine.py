"""`/api/v1/refine`, and `/refine` for browsers without scripts."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from shopsearch.server.refined_search import query_to_refine, refined_request, search_document
from shopsearch.server.search_request import flat_fields, read_search

SHOWN = ["mug-red", "mug/blue 50%"]
EVERYTHING = {
    "q": "mug",
    "image_url": "https://shop.example/a.png",
    "crop": [0.1, 0.1, 0.5, 0.5],
    "product_id": "mug-red",
    "text_weight": 0.25,
    "not": ["dots"],
    "also": [
        {"text": "blue", "weight": 0.5},
        {"product_id": "a//b", "weight": -0.5},
        {"image_url": "https://shop.example/b.png", "weight": 1.0},
    ],
    "filter": {"brand": ["Nordic & Sons"], "color": ["red", "Blue"]},
    "exclude": {"color": ["green"]},
    "min": {"year": 2000.0},
    "max": {"year": 2020.0},
    "has": {"glaze": True},
    "price": {"min": 5.0, "max": 50.0},
    "sort": "newest",
    "diversity": 0.5,
    "size": 5,
    "page": 2,
    "why": True,
    "as_typed": True,
    "understand": False,
    "literal": ["red"],
    "cutoff": False,
    "collapse": True,
    "facets": ["brand"],
    "facet_limit": 7,
    "facet_query": "nor",
    "fields": ["title"],
}


def refined(client: FlaskClient, say: str, search: dict, **further) -> dict:
    answer = client.post("/api/v1/refine", json={"say": say, "search": search, **further})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_json()


def test_a_turn_is_answered_with_the_promised_keys(client: FlaskClient) -> None:
    document = refined(client, "cheaper", {"q": "mug"}, shown=SHOWN)
    keys = {"search", "address", "changes", "not_understood", "reply", "took_ms"}
    assert set(document) == keys
    money = {"price": {"max": 22.23}, "filter": {"currency": ["USD"]}}  # the shop has several
    assert document["search"] == {"q": "mug", **money}
    assert document["changes"] == [
        {"kind": "price", "text": "price: up to 22.23 USD", "field": "price"}
    ]
    assert document["address"].startswith("/search?q=mug")
    assert document["not_understood"] == []


def test_values_are_spelled_as_the_shop_does(client: FlaskClient) -> None:
    document = refined(client, "by nordic & sons", {"q": "mug"})
    assert document["search"]["filter"] == {"brand": ["Nordic & Sons"]}


def test_what_is_not_understood_is_said_and_changes_nothing(client: FlaskClient) -> None:
    document = refined(client, "more like the ninth one", {"q": "mug"}, shown=SHOWN)
    assert document["search"] == {"q": "mug"}
    assert document["changes"] == []
    assert document["not_understood"] == ["more like the ninth one"]
    assert "only 2 products are shown" in document["reply"]


def test_a_search_that_says_everything_comes_back_as_it_was(client: FlaskClient) -> None:
    document = refined(client, "hmm", EVERYTHING)
    assert document["search"] == EVERYTHING


def test_a_search_survives_being_written_and_read() -> None:
    request = read_search(flat_fields(EVERYTHING), strict=True)
    assert read_search(flat_fields(search_document(request)), strict=True) == request
    assert refined_request(request, query_to_refine(request)) == request


def test_a_change_leads_to_the_first_page(client: FlaskClient) -> None:
    document = refined(client, "newest first", {"q": "mug", "page": 2, "size": 1})
    assert document["search"] == {"q": "mug", "size": 1, "sort": "newest"}


def test_products_that_are_gone_keep_their_place(client: FlaskClient) -> None:
    document = refined(client, "like the second one", {"q": "mug"}, shown=["gone", "mug-red"])
    assert document["search"]["also"] == [{"product_id": "mug-red", "weight": 1.0}]
    document = refined(client, "like the first one", {"q": "mug"}, shown=["gone", "mug-red"])
    assert "not in the shop any more" in document["reply"]


def test_a_filter_that_leaves_nothing_is_said_to(client: FlaskClient) -> None:
    document = refined(client, "under 1", {"q": "mug"})
    assert "No product passes" in document["reply"]
    assert document["not_understood"] == []


def test_beside_a_picture_words_may_be_unwanted(client: FlaskClient) -> None:
    document = refined(client, "without handles", {}, pictured=True)
    assert document["search"] == {"not": ["handles"]}
    document = refined(client, "without handles", {})
    assert document["search"] == {}
    assert "Say first what to search for" in document["reply"]


def test_going_back_is_left_to_who_keeps_the_searches(client: FlaskClient) -> None:
    document = refined(client, "undo", {"q": "mug"})
    assert document["changes"] == [{"kind": "undo", "text": "undo"}]
    assert document["search"] == {"q": "mug"}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"say": ""},
        {"say": "x" * 501},
        {"say": 5},
        {"say": "cheaper", "shown": ["x"] * 101},
        {"say": "cheaper", "search": {"colour": "red"}},
        {"say": "cheaper", "search": {"price": {"min": 9, "max": 1}}},
        {"say": "cheaper", "more": 1},
        [],
    ],
)
def test_what_makes_no_sense_is_refused(client: FlaskClient, body: object) -> None:
    assert client.post("/api/v1/refine", json=body).status_code == 400


def test_other_bodies_than_json_are_refused(client: FlaskClient) -> None:
    assert client.post("/api/v1/refine", data="say=cheaper").status_code == 415


@pytest.mark.parametrize(
    "say", [" ", "\x00", "☕", "'; DROP TABLE", "((((", "and and or", "#", "in"]
)
def test_odd_turns_are_answered(client: FlaskClient, say: str) -> None:
    document = refined(client, say, {"q": "mug"}, shown=SHOWN)
    assert document["reply"]
