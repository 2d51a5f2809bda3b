"""What fits favourites and history, the start page's shelves, and products beside a product."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from selectolax.lexbor import LexborHTMLParser

from shopsearch.bootstrap import Services
from shopsearch.catalog import open_feed
from shopsearch.demo.drawn import draw_shop
from shopsearch.domain import Event, EventKind, Query
from shopsearch.server import create_app
from shopsearch.settings import Settings

N_PRODUCTS = 60


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    folder = tmp_path_factory.mktemp("drawn")
    settings = Settings(home=folder / "home", encoder="hashing", index="exact", rate_limit="off")
    with Services.open(settings) as services:
        services.indexer.run(open_feed(_feed(folder)), feed_name="drawn")
        yield services


@pytest.fixture
def drawn_client(drawn: Services) -> FlaskClient:
    return create_app(drawn).test_client()


def _feed(folder: Path) -> Path:
    return draw_shop(folder / "feed", n_products=N_PRODUCTS)


def some_ids(services: Services, n: int) -> list[str]:
    return [hit.product.product_id for hit in services.search.search(Query(k=n)).hits]


def shelf(answer) -> tuple[list[str], list[str]]:
    """The ids of the cards, and their reasons."""
    assert answer.status_code == 200
    page = LexborHTMLParser(answer.text)
    cards = [card.attributes["data-product-id"] for card in page.css(".card")]
    return cards, [reason.text(strip=True) for reason in page.css(".shelf__reason")]


def test_favourites_and_history_take_turns_and_say_why(drawn_client, drawn) -> None:
    liked, seen = some_ids(drawn, 2)
    cards, reasons = shelf(drawn_client.post("/for-you", data={"like": liked, "seen": seen}))
    titles = [drawn.search.product(one).product.title for one in (liked, seen)]
    assert len(cards) == len(set(cards)) == 12
    assert not {liked, seen} & set(cards)
    assert reasons[:2] == [
        f"Like your favourite {titles[0]}",
        f"Because you looked at {titles[1]}",
    ]


def test_either_alone_will_do(drawn_client, drawn) -> None:
    (one,) = some_ids(drawn, 1)
    for name, said in (("like", "Like your favourite"), ("seen", "Because you looked at")):
        _, reasons = shelf(drawn_client.post("/for-you", data={name: one}))
        assert all(reason.startswith(said) for reason in reasons)


def test_products_that_are_gone_bring_nothing_that_others_would_get_too(drawn_client) -> None:
    answer = drawn_client.post("/for-you", data={"like": "gone", "seen": ["gone", "gone too"]})
    assert shelf(answer) == ([], [])


def test_nothing_of_it_is_logged(drawn_client, drawn) -> None:
    (one,) = some_ids(drawn, 1)
    answer = drawn_client.post("/for-you", data={"like": one})
    assert "data-query-id" not in answer.text
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({}, "name products"),
        ({"like": ""}, "name products"),
        ({"like": "a", "visitor_id": "me"}, "there is no `visitor_id` here"),
        ({"seen": [f"p{n}" for n in range(51)]}, "names 51 products, but may name at most 50"),
    ],
)
def test_strange_requests_are_refused_with_a_reason(drawn_client, sent, said) -> None:
    answer = drawn_client.post("/for-you", data=sent)
    assert answer.status_code == 400
    assert said in answer.text


def test_hostile_titles_stay_words_in_reasons(client: FlaskClient) -> None:
    answer = client.post("/for-you", data={"like": "hostile"})
    assert "<script" not in answer.text
    assert "Like your favourite" in answer.text


def test_similar_products_go_by_looks_or_by_words(drawn_client, drawn) -> None:
    (one,) = some_ids(drawn, 1)
    shown = {}
    for alike in ("both", "looks", "words"):
        page = LexborHTMLParser(drawn_client.get(f"/products/{one}?alike={alike}").text)
        current = page.css_first('.alike [aria-current="true"]')
        assert f"alike={alike}#similar" in current.attributes["href"]
        cards = page.css("#similar .card")
        shown[alike] = [card.attributes["data-product-id"] for card in cards]
        assert len(shown[alike]) == 12
    assert shown["looks"] != shown["words"]


def test_an_unknown_likeness_is_refused(drawn_client, drawn) -> None:
    (one,) = some_ids(drawn, 1)
    answer = drawn_client.get(f"/products/{one}?alike=smell")
    assert answer.status_code == 400
    assert "must be one of: both, looks, words" in answer.text


def test_what_goes_with_a_product_is_of_another_category(drawn_client, drawn) -> None:
    (one,) = some_ids(drawn, 1)
    page = LexborHTMLParser(drawn_client.get(f"/products/{one}").text)
    beside = page.css_first('[aria-labelledby="beside"]')
    own = drawn.search.product(one).product.product_type
    cards = [card.attributes["data-product-id"] for card in beside.css(".card")]
    assert cards
    assert own not in {drawn.search.product(each).product.product_type for each in cards}
    assert page.css_first('[aria-labelledby="together"]') is None  # no event tells of any


def test_a_product_without_category_has_nothing_beside_it(client: FlaskClient) -> None:
    page = LexborHTMLParser(client.get("/products/words-only").text)
    assert page.css_first('[aria-labelledby="beside"]') is None


def test_categories_of_the_start_page_lead_to_their_lists(drawn_client) -> None:
    page = LexborHTMLParser(drawn_client.get("/").text)
    tiles = page.css(".category")
    assert len(tiles) > 1
    for tile in tiles[:3]:
        listed = LexborHTMLParser(drawn_client.get(tile.attributes["href"]).text)
        count = tile.css_first(".category__count").text(strip=True)
        assert count.endswith(listed.css_first(".toolbar__count").text(strip=True))
        assert tile.css_first("img") is not None


def test_what_visitors_do_makes_shelves(drawn_client, drawn) -> None:
    one, other, third, *_ = some_ids(drawn, 40)[::8]
    start, beside = "/", f"/products/{one}"
    assert (shown(drawn_client, start, "trending"), shown(drawn_client, beside, "together")) == (
        [],
        [],
    )
    bought = [
        Event(
            event_id=f"{basket} {product_id}",
            kind=EventKind.PURCHASE,
            product_id=product_id,
            at=datetime.now(UTC) - timedelta(hours=1),
            order_id=f"order {basket}",
        )
        for basket in range(12)
        for product_id in ((one, other) if basket < 4 else (third,))
    ]
    drawn.events.write(bought)
    drawn_client = create_app(drawn).test_client()  # trends are remembered for a minute
    try:
        assert {*shown(drawn_client, start, "trending")} == {one, other, third}
        assert shown(drawn_client, beside, "together") == [other]
        assert other not in shown(drawn_client, beside, "beside")
    finally:
        drawn.events.prune(datetime.now(UTC) + timedelta(days=1))


def shown(client: FlaskClient, address: str, heading: str) -> list[str]:
    """The ids of the cards below a heading."""
    page = LexborHTMLParser(client.get(address).text)
    cards = page.css(f'[aria-labelledby="{heading}"] .card')
    return [card.attributes["data-product-id"] for card in cards]
