"""What pages without results lead on to, and what pages of passing problems offer."""

from __future__ import annotations

import io

import pytest
from flask import Flask
from flask.testing import FlaskClient
from selectolax.lexbor import LexborHTMLParser

from shopsearch.domain import SearchPage
from shopsearch.errors import Overloaded
from shopsearch.search import SearchService

from .conftest import png
from .test_pages import heading, page_of, titles


def ways(page: LexborHTMLParser) -> dict[str, str]:
    """Where the links lead that say what could be left away, by their words."""
    found = page.css(".state .ways__way")
    return {" ".join(link.text().split()): link.attributes["href"] or "" for link in found}


def test_each_filter_that_alone_leaves_nothing_can_go(client: FlaskClient) -> None:
    page = page_of(client.get("/search?q=mug&filter.color=red&price.max=1"))
    assert ways(page) == {"without Price: up to 1 1 product": "/search?q=mug&filter.color=red"}
    assert "Red striped mug" in titles(page)
    assert page.css_first("#ways-products").text() == "The same without filters"


def test_a_condition_can_go_too(client: FlaskClient) -> None:
    page = page_of(client.get("/search?q=mug&filter.color=red&exclude.brand=Nordic+%26+Sons"))
    assert "/search?q=mug&filter.color=red" in ways(page).values()


def test_every_way_is_found_something_by(client: FlaskClient) -> None:
    page = page_of(client.get("/search?q=mug&filter.color=red&filter.color=green&price.max=1"))
    assert ways(page)
    for words, address in ways(page).items():
        n = page_of(client.get(address)).css_first(".toolbar__count").text()
        assert words.endswith(n.strip())


def test_words_that_nothing_has_lead_to_products_and_categories(client: FlaskClient) -> None:
    page = page_of(client.get("/search?q=vq7+zx7"))
    assert page.css_first(".state h2").text() == "Nothing here is like that"
    assert titles(page)
    assert page.css_first("[data-rank]") is None
    category = page.css_first("#ways-categories").parent.css_first("a")
    assert "Kitchen" in category.text()
    assert titles(page_of(client.get(category.attributes["href"])))


def test_words_that_were_to_stay_as_typed_are_spelled_as_the_catalog_does(
    client: FlaskClient,
) -> None:
    address = "/search?q=stripd&as_typed=true&filter.brand=nobody"
    meant = page_of(client.get(address)).css_first(".state p a")
    assert meant.text() == "striped"
    assert meant.attributes["href"] == "/search?q=striped&filter.brand=nobody"


def test_a_picture_that_finds_nothing_leads_on_as_well(client: FlaskClient) -> None:
    form = {"image": (io.BytesIO(png("blue")), "photo.png"), "filter.brand": "nobody"}
    page = page_of(client.post("/search", data=form))
    assert titles(page)[0] == "Blue mug"


def test_a_server_with_too_much_to_do_leaves_the_ways_away(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = SearchService.search
    n_asked = 0

    def search(self: SearchService, query: object) -> SearchPage:
        nonlocal n_asked
        n_asked += 1
        if n_asked > 1:
            raise Overloaded
        return at_once(self, query)  # type: ignore[arg-type]

    monkeypatch.setattr(SearchService, "search", search)
    page = page_of(client.get("/search?q=mug&filter.brand=nobody"))
    assert page.css_first(".state h2").text() == "Nothing matches all of that"
    assert ways(page) == {}


def test_an_empty_shop_is_no_search_without_results(app: Flask, client: FlaskClient) -> None:
    page = page_of(client.get("/search?page=99"))
    assert page.css_first(".state h2").text() == "There is no page 99"
    assert page.css_first(".ways-on") is None


def test_a_passing_problem_says_when_to_try_again_and_keeps_the_words(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_much(*_: object) -> None:
        raise Overloaded

    monkeypatch.setattr(SearchService, "search", too_much)
    answer = client.get("/search?q=red+mug&sort=newest")
    page = page_of(answer, 503)
    again = page.css_first("[data-retry-after]")
    assert again.attributes["data-retry-after"] == answer.headers["Retry-After"] == "2"
    assert again.attributes["href"] == "/search?q=red+mug&sort=newest"
    assert page.css_first("#q").attributes["value"] == "red mug"
    assert heading(page) == "The shop is not ready"


def test_a_lasting_problem_is_not_tried_again(client: FlaskClient) -> None:
    page = page_of(client.get("/search?q=mug&sort=wild"), 400)
    assert page.css_first("[data-retry-after]") is None
    assert page.css_first("#q").attributes["value"] == "mug"
