"""Cards by ids, as pages fetch them for favourites and what was seen last."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shopsearch.bootstrap import Services
from shopsearch.server import create_app
from shopsearch.server.pages.cards import MAX_CARDS


@pytest.fixture(scope="module")
def client(shop: Services) -> FlaskClient:
    app: Flask = create_app(shop)
    return app.test_client()


def ids_in(html: str) -> list[str]:
    return [
        part.split('"', 1)[0] for part in html.split('<article class="card" data-product-id="')[1:]
    ]


def test_cards_come_in_the_order_named_each_once_without_unknown_ones(client: FlaskClient) -> None:
    answer = client.get("/cards?id=words-only&id=gone&id=a//b&id=words-only&id=mug-red")
    assert answer.status_code == 200
    assert ids_in(answer.text) == ["words-only", "a//b", "mug-red"]
    assert "<html" not in answer.text


def test_cards_of_no_results_carry_no_rank_that_a_click_could_tell(client: FlaskClient) -> None:
    assert "data-rank" not in client.get("/cards?id=mug-red").text


def test_no_known_product_is_an_empty_piece(client: FlaskClient) -> None:
    assert client.get("/cards?id=gone").text.strip() == ""
    assert client.get("/cards").text.strip() == ""


def test_cards_escape_what_feeds_say(client: FlaskClient) -> None:
    assert "<script" not in client.get("/cards?id=hostile").text


def test_more_cards_than_a_page_shows_are_refused(client: FlaskClient) -> None:
    many = "&".join(f"id=p{n}" for n in range(MAX_CARDS + 1))
    answer = client.get(f"/cards?{many}")
    assert answer.status_code == 400
    assert f"at most {MAX_CARDS}" in answer.text
    assert client.get("/cards?ids=mug-red").status_code == 400
