"""Merchandising rules as the shop's visitors and services meet them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from shopsearch.bootstrap import Services
from shopsearch.rules import Pin, Rule, When
from shopsearch.server import create_app


@pytest.fixture
def ruled(shop: Services) -> Iterator[FlaskClient]:
    """A visitor of the shop while two rules hold there."""
    shop.rules.put(
        [
            Rule(name="jug-first", when=When(words="mugs"), pins=(Pin(1, "a//b"),)),
            Rule(name="no-blue", hide=("mug/blue 50%",)),
        ]
    )
    with Services(shop.settings) as elsewhere:
        yield create_app(elsewhere).test_client()
    shop.rules.remove(["jug-first", "no-blue"])


def test_the_api_answers_by_the_rules_and_says_so_where_it_is_asked(ruled: FlaskClient) -> None:
    page = ruled.get("/api/v1/search?q=red+mug&why=true").get_json()
    ids = [hit["product_id"] for hit in page["hits"]]
    assert ids[0] == "a//b"
    assert "mug/blue 50%" not in ids
    assert page["total"] == len(ids) == 8
    told = [hit["why"].get("rules") for hit in page["hits"]]
    assert told == [[{"rule": "jug-first", "action": "pin", "position": 1}], *[None] * 7]
    plain = ruled.get("/api/v1/search?q=red+mug").get_json()
    assert all("why" not in hit for hit in plain["hits"])


def test_a_list_by_filter_alone_tells_the_rules_alone(ruled: FlaskClient, shop: Services) -> None:
    shop.rules.put([Rule(name="everywhere", pins=(Pin(1, "words-only"),))])
    try:
        first = ruled.get("/api/v1/search?why=true").get_json()["hits"][0]
    finally:
        shop.rules.remove(["everywhere"])
    assert first["product_id"] == "words-only"
    assert list(first["why"]) == ["rules"]


def test_pages_follow_the_rules_too(ruled: FlaskClient) -> None:
    shown = ruled.get("/search?q=mug").get_data(as_text=True)
    assert shown.index("Jug of two slashes") < shown.index("Red striped mug")
    assert "Blue mug" not in shown
