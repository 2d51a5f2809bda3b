"""Why a product is among the results, as a browser without JavaScript gets it."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from flask.testing import FlaskClient

from shopsearch.bootstrap import Services
from shopsearch.heatmaps import HeatmapService
from shopsearch.server.pages.reading import as_shown, search_of

from .conftest import png
from .test_pages import page_of

LIST = "/search?q=red+striped+mug"


@pytest.fixture
def seeing(shop: Services, client: FlaskClient, colour_encoder, monkeypatch) -> FlaskClient:
    """A visitor of the shop, whose encoder can tell regions."""
    service = HeatmapService(
        preparer=shop.preparer, encoder=colour_encoder, store=shop.store, pictures=shop.pictures
    )
    monkeypatch.setitem(shop.__dict__, "heatmaps", service)
    monkeypatch.setattr(type(shop.encoder), "tells_regions", True)
    return client


def numbers(page) -> dict[str, list[str]]:
    """The cells of the numbers by the head of their row."""
    return {
        row.css_first("th").text(): [cell.text() for cell in row.css("td")]
        for row in page.css(".why__numbers tbody tr, .why__numbers tfoot tr")
    }


def test_every_card_of_results_asks_why_by_a_plain_form(client: FlaskClient) -> None:
    page = page_of(client.get(f"{LIST}&cutoff=false&size=4&page=2"))
    button = page.css_first(".card__why")
    form = page.css_first(f"form#{button.attributes['form']}")
    assert form.attributes["action"] == "/why"
    fields = [(i.attributes["name"], i.attributes["value"]) for i in form.css("input")]
    answer = client.get("/why", query_string=[*fields, ("id", button.attributes["value"])])
    assert answer.status_code == 200
    assert "Place 5 of " in page_of(answer).css_first(".why__what").text()


def test_the_numbers_are_those_of_the_results(client: FlaskClient, shop: Services) -> None:
    asked = [("q", "red striped mug"), ("also_product", "a//b"), ("filter.color", "red")]
    request = replace(as_shown(search_of(asked)), explain=True)
    hit = shop.search.search(request.query()).hits[0]
    page = page_of(client.get("/why", query_string=[*asked, ("id", hit.product.product_id)]))
    shown = numbers(page)
    assert shown["Score"][-1] == f"{hit.score:+.3f}"
    assert hit.why is not None
    assert shown["Meaning and looks"][-1] == f"{hit.why.score.cosine:+.3f}"
    title = next(one for one in hit.why.score.features if one.name == "title")
    assert shown["Your words, in the title"] == [
        f"{title.value:.3f}",
        f"{title.weight:.3f}",
        f"{title.part:+.3f}",
    ]
    assert shown["What was asked, and the product (cosine)"] == [f"{hit.why.cosine:+.3f}"]


def test_reasons_are_told_in_words(client: FlaskClient) -> None:
    page = page_of(client.get("/why?q=striped+mug&filter.color=red&sort=price_asc&id=mug-red"))
    assert [one.text() for one in page.css(".why__reasons li")] == [
        "It has “striped”, “mug” in its title.",
        "It has “mug” in its category.",
        "It passes your filter: Color is red.",
        "The order is “Price, low to high”: the place does not go by the score.",
    ]


def test_a_list_without_a_question_says_that_there_is_no_score(client: FlaskClient) -> None:
    page = page_of(client.get("/why?filter.color=red&id=mug-red"))
    assert "Nothing was asked" in page.css_first(".why__reasons").text()
    assert page.css_first(".bars") is None
    assert "No words were asked for" in page.css_first(".why__no-heat").text()


def test_words_are_shown_in_the_picture_where_the_encoder_can(
    client: FlaskClient, seeing: FlaskClient
) -> None:
    heat = page_of(seeing.get("/why?q=red+mug&id=mug-red")).css_first("[data-heat]")
    assert (heat.attributes["width"], heat.attributes["height"]) == ("64", "48")
    assert seeing.get(heat.attributes["src"]).content_type == "image/png"


def test_where_words_cannot_be_shown_it_says_so(client: FlaskClient) -> None:
    page = page_of(client.get("/why?q=red+mug&id=mug-red"))
    assert page.css_first("[data-heat]") is None
    assert "cannot tell where" in page.css_first(".why__no-heat").text()
    page = page_of(client.get("/why?q=plain+words&id=words-only"))
    assert "There is no picture" in page.css_first(".why__no-heat").text()


def test_a_search_by_picture_is_explained_by_a_form(client: FlaskClient) -> None:
    form = {"image": (io.BytesIO(png("blue")), "photo.png"), "id": "mug/blue 50%"}
    answer = client.post("/why", data=form)
    assert answer.status_code == 200
    assert "your picture" in page_of(answer).css_first(".why__what").text().casefold()
    assert "It is the very thing" in answer.text


def test_a_product_that_is_not_on_the_page_is_told(client: FlaskClient) -> None:
    answer = client.get("/why?q=mug&filter.color=red&id=words-only")
    assert answer.status_code == 404
    page = page_of(answer, 404)
    assert page.css_first("h1").text() == "It is not among these results"
    assert (
        page.css_first(".why-page__back a").attributes["href"] == "/search?q=mug&filter.color=red"
    )


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/why?q=mug", 400),
        ("/why?q=mug&id=a&id=b", 400),
        ("/why?id=gone", 404),
        ("/why?id=a&x=1", 400),
    ],
)
def test_what_cannot_be_explained_is_refused(
    client: FlaskClient, address: str, status: int
) -> None:
    assert client.get(address).status_code == status


def test_texts_of_feeds_and_visitors_are_harmless(client: FlaskClient) -> None:
    page = page_of(client.get("/why?q=<script>teapot&cutoff=false&id=hostile"))
    assert page.css("main script, main img[onerror], main [onmouseover]") == []
