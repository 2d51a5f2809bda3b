"""`/api/v1/suggest`, and what pages and answers say of corrected words."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient


def test_a_beginning_is_answered_with_the_promised_keys(client: FlaskClient) -> None:
    document = client.get("/api/v1/suggest?q=stri&size=3").get_json()
    assert set(document) == {"q", "suggestions", "products", "categories", "took_ms"}
    assert document["suggestions"][0] == {"text": "striped", "kind": "words"}
    (product,) = document["products"]
    assert set(product) == {"product_id", "title", "price", "currency", "image"}
    assert (product["product_id"], product["price"]) == ("mug-red", 19.99)


def test_categories_come_with_their_products(client: FlaskClient) -> None:
    document = client.get("/api/v1/suggest?q=mu").get_json()
    assert document["categories"] == [{"category": "Kitchen > Mugs", "products": 1}]


@pytest.mark.parametrize(
    "query", ["q=a&size=0", "q=a&size=21", "q=a&size=x", "q=a&k=3", "q=" + "a" * 201]
)
def test_what_cannot_be_meant_is_refused(client: FlaskClient, query: str) -> None:
    assert client.get(f"/api/v1/suggest?{query}").status_code == 400


@pytest.mark.parametrize("q", ["", "%00", "%22%20OR", "%F0%9F%98%80", "'; DROP TABLE"])
def test_odd_beginnings_are_answered(client: FlaskClient, q: str) -> None:
    assert client.get(f"/api/v1/suggest?q={q}").status_code == 200


def test_an_answer_says_what_was_searched_for_instead(client: FlaskClient) -> None:
    assert client.get("/api/v1/search?q=stripd+mug").get_json()["did_you_mean"] == "striped mug"
    as_typed = client.get("/api/v1/search?q=stripd+mug&as_typed=true").get_json()
    assert "did_you_mean" not in as_typed
    assert client.get("/api/v1/search?q=blue+striped").get_json()["relaxed"]


def test_a_page_says_so_and_leads_to_the_words_as_typed(client: FlaskClient) -> None:
    page = client.get("/search?q=stripd+mug").get_data(as_text=True)
    assert "Showing results for" in page
    assert "striped mug" in page
    assert "as_typed=true" in page
    assert "Showing results for" not in client.get("/search?q=striped+mug").get_data(as_text=True)
