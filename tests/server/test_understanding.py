"""What answers and pages say of the words that were understood."""

from __future__ import annotations

import re
from html import unescape

import pytest
from flask.testing import FlaskClient


def chips(page: str) -> list[str]:
    """The words of the chips of understood parts."""
    found = re.findall(r'<li class="chip chip--understood.*?</span>\s*<a', page, re.DOTALL)
    return [" ".join(unescape(re.sub("<[^>]*>?", "", one)).split()) for one in found]


def literal_links(page: str) -> list[str]:
    links = re.findall(r'class="chip__remove" href="([^"]*literal=[^"]*)"', page)
    return list(map(unescape, links))


def test_an_answer_says_what_was_understood(client: FlaskClient) -> None:
    document = client.get("/api/v1/search?q=red+mug+under+20&why=true").get_json()
    assert document["understood"] == [
        {
            "kind": "color",
            "text": "red",
            "field": "color",
            "filter": False,
            "applied": True,
            "values": ["red"],
            "n_values": 1,
        },
        {
            "kind": "category",
            "text": "mug",
            "field": "product_type",
            "filter": False,
            "applied": True,
            "values": ["kitchen > mugs"],
            "n_values": 1,
        },
        {
            "kind": "price",
            "text": "under 20",
            "field": "price",
            "filter": True,
            "applied": True,
            "min": None,
            "max": 20.0,
        },
    ]
    first = document["hits"][0]
    assert first["product_id"] == "mug-red"
    assert first["why"]["understood"] == [
        {"kind": "color", "text": "red"},
        {"kind": "category", "text": "mug"},
    ]
    assert first["why"]["score"]["understood"] > 0
    assert all(hit["price"] <= 20 for hit in document["hits"])


def test_nothing_is_said_where_nothing_is_understood(client: FlaskClient) -> None:
    assert "understood" not in client.get("/api/v1/search?q=jug").get_json()
    off = client.get("/api/v1/search?q=red+mug+under+20&understand=false").get_json()
    assert "understood" not in off
    document = client.post(
        "/api/v1/search", json={"q": "red mug under 20", "literal": ["red", "under 20", "mug"]}
    ).get_json()
    assert "understood" not in document
    posted = client.post("/api/v1/search", json={"q": "red mug", "understand": False}).get_json()
    assert "understood" not in posted


@pytest.mark.parametrize("query", ["understand=maybe", "understand=true&understand=false"])
def test_what_cannot_be_meant_is_refused(client: FlaskClient, query: str) -> None:
    assert client.get(f"/api/v1/search?q=a&{query}").status_code == 400


def test_a_page_shows_each_part_as_a_chip_that_can_be_taken_away(client: FlaskClient) -> None:
    page = client.get("/search?q=red+mug+under+20").get_data(as_text=True)
    assert chips(page) == ["Color red", "Category mug", "Price up to 20"]
    links = literal_links(page)
    assert len(links) == 3
    without_colour = client.get(links[0]).get_data(as_text=True)
    assert chips(without_colour) == ["Category mug", "Price up to 20"]
    without_both = client.get(literal_links(without_colour)[1]).get_data(as_text=True)
    assert chips(without_both) == ["Category mug"]
    assert 'value="red mug under 20"' in without_both


def test_the_chip_of_a_filter_that_is_not_applied_says_so(client: FlaskClient) -> None:
    page = client.get("/search?q=mug+under+1").get_data(as_text=True)
    assert chips(page) == ["Category mug", "Price up to 1 · nothing there"]
    assert "chip--unmet" in page


def test_pages_and_forms_keep_what_shall_be_words(client: FlaskClient) -> None:
    page = client.get("/search?q=red+jug&literal=red&size=2&cutoff=false").get_data(as_text=True)
    assert re.search(r'rel="next"[^>]*href="[^"]*literal=red', page)
    assert '<input type="hidden" name="literal" value="red">' in page
    off = client.get("/search?q=red+jug&understand=false").get_data(as_text=True)
    assert '<input type="hidden" name="understand" value="false">' in off


def test_hostile_words_come_back_harmless_in_a_chip(client: FlaskClient) -> None:
    page = client.get("/search?q=%22onmouseover%3D'alert(4)'+under+20").get_data(as_text=True)
    assert "onmouseover='alert" not in page
    assert "Price up to 20" in chips(page)
