"""The pages, as a browser without JavaScript gets them."""

from __future__ import annotations

import io
import re
from html import unescape
from html.parser import HTMLParser
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from selectolax.lexbor import LexborHTMLParser

from .conftest import HOSTILE_TITLE, SHOP, png, shown_title


def page_of(answer, status: int = 200) -> LexborHTMLParser:
    assert answer.status_code == status
    assert answer.content_type == "text/html; charset=utf-8"
    return LexborHTMLParser(answer.text)


def heading(page: LexborHTMLParser) -> str:
    return page.css_first("main h1").text(strip=True)


def titles(page: LexborHTMLParser) -> list[str]:
    return [link.text(strip=True) for link in page.css("main .card__link")]


def test_the_start_page_shows_the_newest_products(client: FlaskClient) -> None:
    page = page_of(client.get("/"))
    assert set(titles(page)) == {shown_title(product) for product in SHOP}
    assert f"{len(SHOP)} products" in page.css_first("main .more-link").text()


def test_results_show_title_brand_price_and_a_way_on(client: FlaskClient) -> None:
    page = page_of(client.get("/search?q=red+striped+mug"))
    card = page.css_first(".card")
    assert heading(page) == "“red striped mug”"
    assert card.css_first(".card__title").text(strip=True) == "Red striped mug"
    assert card.css_first(".card__brand").text() == "Nordic & Sons"
    assert card.css_first(".price").text() == "$19.99"
    assert card.css_first(".card__link").attributes["href"] == "/products/mug-red"
    more = card.css_first(".card__like").attributes["href"]
    assert more == "/search?q=red+striped+mug&also_product=mug-red"
    assert page.css_first("#q").attributes["value"] == "red striped mug"


def test_pictures_say_how_large_they_are_so_that_nothing_jumps(client: FlaskClient) -> None:
    picture = page_of(client.get("/search?q=red+striped+mug")).css_first(".card img")
    assert picture.attributes["width"] == picture.attributes["height"] == "320"
    sizes = re.findall(r"/media/[0-9a-f]{64}/(\d+) (\d+)w", picture.attributes["srcset"])
    assert sizes == [("160", "160"), ("320", "320"), ("480", "480")]


@pytest.mark.parametrize("product", SHOP, ids=lambda product: product["id"])
def test_every_card_leads_to_its_product(client: FlaskClient, product) -> None:
    page = page_of(client.get("/search"))
    title = shown_title(product)
    link = next(link for link in page.css(".card__link") if link.text(strip=True) == title)
    arrived = page_of(client.get(link.attributes["href"]))
    assert heading(arrived) == title
    assert len(titles(arrived)) == len(SHOP) - 1


@pytest.mark.parametrize("product", SHOP, ids=lambda product: product["id"])
def test_every_card_leads_to_more_like_it(client: FlaskClient, product) -> None:
    page = page_of(client.get("/search"))
    title = shown_title(product)
    card = next(c for c in page.css(".card") if c.css_first("a").text(strip=True) == title)
    arrived = page_of(client.get(card.css_first(".card__like").attributes["href"]))
    assert heading(arrived) == "More like this"
    assert arrived.css_first(".chip__link").text() == title
    assert title not in titles(arrived)


def test_a_product_page_tells_all_and_leads_on(client: FlaskClient) -> None:
    page = page_of(client.get("/products/mug-red"))
    words = page.css_first(".product__words").text(separator=" ")
    assert "Holds tea & coffee." in words
    assert "alert" not in words
    assert "$19.99" in words
    assert "In stock" in words
    details = {row.css_first("dt").text(): row.css_first("dd").text() for row in page.css("dl div")}
    assert details == {"Color": "red", "Glaze": "matt"}
    crumbs = [link.attributes["href"] for link in page.css(".crumbs a")]
    assert crumbs == [
        "/search?filter.product_type=Kitchen",
        "/search?filter.product_type=Kitchen+%3E+Mugs",
    ]
    for address in (*crumbs, page.css_first(".product__brand a").attributes["href"]):
        assert titles(page_of(client.get(address))) == ["Red striped mug"]
    assert page.css_first("a[rel~=noopener]").attributes["href"] == "https://shop.example/mug-red"


def test_a_product_shows_even_while_the_index_does_not_answer(client, monkeypatch) -> None:
    from shopsearch.errors import GenerationMissing
    from shopsearch.recommend import RecommendService

    def gone(*_args, **_named):
        raise GenerationMissing("there is no index")

    monkeypatch.setattr(RecommendService, "recommend", gone)
    page = page_of(client.get("/products/mug-red"))
    assert heading(page) == "Red striped mug"
    assert page.css_first(".similar") is None


def test_hostile_titles_are_words_and_never_markup(client: FlaskClient) -> None:
    shown = '"> teapot'  # what HTML comes to as words
    for path in ("/search", "/products/hostile", "/search?like=hostile&q=" + quote(HOSTILE_TITLE)):
        answer = client.get(path)
        assert shown in unescape(answer.text)
        own = {"/js/main.js", "/js/gallery.js"} if path.startswith("/products") else {"/js/main.js"}
        assert script_sources(answer.text) == own
        assert "javascript:" not in answer.text
        assert event_attributes(answer.text) == []


def script_sources(html: str) -> set[str]:
    """Where scripts come from, without the version; an inline one would be the empty text. Those
    that hold facts for machines are run by nobody.
    """
    scripts = LexborHTMLParser(html).css('script:not([type="application/ld+json"])')
    return {re.sub(r"^/static/\w+", "", script.attributes.get("src") or "") for script in scripts}


def event_attributes(html: str) -> list[str]:
    """Attributes that would run something, or that the policy against inline styles would stop."""
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            found.extend(name for name, _ in attrs if name.startswith("on") or name == "style")

    Reader().feed(html)
    return found


@pytest.mark.parametrize(
    "query",
    ["<script>alert(1)</script>", '"><svg onload=alert(1)>', "{{ 7*7 }}", "%s%n", "'; DROP TABLE"],
)
def test_a_query_comes_back_as_it_was_typed(client: FlaskClient, query: str) -> None:
    answer = client.get("/search", query_string={"q": query})
    page = page_of(answer)
    assert page.css_first("#q").attributes["value"] == query
    assert heading(page) == f"“{query}”"
    assert script_sources(answer.text) == {"/js/main.js"}
    assert event_attributes(answer.text) == []


def test_each_part_of_a_search_can_be_taken_away(client: FlaskClient) -> None:
    asked = {
        "q": "mug",
        "like": "words-only",
        "not": "glass",
        "filter.color": "red",
        "price.max": "30",
        "sort": "price_asc",
    }
    page = page_of(client.get("/search", query_string=asked))
    assert titles(page) == ["Red striped mug"]
    removals = {
        link.attributes["aria-label"]: link.attributes["href"] for link in page.css(".chip__remove")
    }
    assert set(removals) == {
        "Remove “mug”",
        "Remove Plain words, no picture and no price",
        "Remove not glass",
        "Remove Color red",
        "Remove the price limits",
    }
    assert removals["Remove Color red"] == (
        "/search?q=mug&like=words-only&not=glass&price.max=30&sort=price_asc"
    )
    assert page.css_first(".chips__clear").attributes["href"] == "/search"
    for address in removals.values():
        assert len(page_of(client.get(address)).css(".chip")) == 4


def test_words_beside_a_product_are_weighed_by_a_slider(client: FlaskClient) -> None:
    page = page_of(client.get("/search?like=mug-red&q=blue&text_weight=0.8"))
    slider = page.css_first("form.balance input[type=range]")
    assert slider.attributes["value"] == "0.8"
    form = {i.attributes["name"]: i.attributes["value"] for i in page.css("form.balance input")}
    assert form == {"q": "blue", "like": "mug-red", "text_weight": "0.8"}
    assert page_of(client.get("/search?like=mug-red")).css_first("form.balance") is None


def test_results_are_turned_by_links_that_keep_the_search(client: FlaskClient) -> None:
    first = page_of(client.get("/search?q=jug&size=4&sort=newest&cutoff=false"))
    following = first.css_first("a[rel=next]").attributes["href"]
    assert following == "/search?q=jug&sort=newest&cutoff=false&size=4&page=2"
    second = page_of(client.get(following))
    assert not set(titles(first)) & set(titles(second))
    before = second.css_first("a[rel=prev]").attributes["href"]
    assert before == "/search?q=jug&sort=newest&cutoff=false&size=4"
    last = page_of(client.get("/search?q=jug&cutoff=false&size=4&page=3"))
    assert last.css_first("a[rel=next]") is None


def test_a_page_beyond_the_last_leads_back_to_the_first(client: FlaskClient) -> None:
    page = page_of(client.get("/search?q=jug&page=9"))
    assert heading(page) == "“jug”"
    assert page.css_first(".state .button").attributes["href"] == "/search?q=jug"


def test_nothing_found_offers_the_search_without_filters(client: FlaskClient) -> None:
    page = page_of(client.get("/search?q=mug&filter.brand=none"))
    assert page.css_first(".state h2").text() == "Nothing matches all of that"
    assert page.css_first(".state .button").attributes["href"] == "/search?q=mug"


def test_a_picture_is_searched_by_with_a_plain_form(client: FlaskClient) -> None:
    form = {"image": (io.BytesIO(png("blue")), "photo.png"), "image_url": "", "q": ""}
    page = page_of(client.post("/search", data=form))
    assert titles(page)[0] == "Blue mug"
    assert heading(page) == "Your picture"
    assert page.css_first(".chip__remove").attributes["href"] == "/search"


def test_a_picture_and_words_are_weighed_with_a_plain_form(client: FlaskClient) -> None:
    image = (io.BytesIO(png("blue")), "photo.png")
    form = {"image": image, "q": "red striped mug", "text_weight": "1"}
    page = page_of(client.post("/search", data=form))
    assert titles(page)[0] == "Red striped mug"
    assert heading(page) == "“red striped mug” and your picture"
    assert page.css_first("form.balance").attributes["method"] == "post"


def test_a_form_without_a_picture_leads_to_the_search_by_words(client: FlaskClient) -> None:
    form = {"image": (io.BytesIO(b""), ""), "q": "red mug", "text_weight": "0.8"}
    answer = client.post("/search", data=form, content_type="multipart/form-data")
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/search?q=red+mug&text_weight=0.8"


def test_a_broken_picture_is_explained_and_the_words_stay(client: FlaskClient) -> None:
    form = {"image": (io.BytesIO(b"\xff\xd8\xff cut"), "photo.jpg"), "q": "red mug"}
    page = page_of(client.post("/search", data=form), 422)
    assert heading(page) == "That picture cannot be used"
    assert "damaged" in page.css_first(".state__reason").text()
    assert page.css_first(".state .button").attributes["href"] == "/search?q=red+mug"


def test_a_bad_address_of_a_picture_is_explained(client: FlaskClient) -> None:
    page = page_of(client.post("/search", data={"image_url": "http://127.0.0.1/a.png"}), 422)
    assert "127.0.0.1" in page.css_first(".state__reason").text()


def test_a_picture_that_is_too_large_is_told_the_limit(client: FlaskClient) -> None:
    form = {"image": (io.BytesIO(b"\xff" * 400_000), "photo.jpg")}
    page = page_of(client.post("/search", data=form), 413)
    assert heading(page) == "That is too large"
    assert "0.2 MB" in page.css_first(".state__reason").text()


def test_what_other_sites_hang_onto_a_link_is_ignored(client: FlaskClient) -> None:
    page = page_of(client.get("/search?q=jug&utm_source=letter&fbclid=x&gclid=y"))
    assert heading(page) == "“jug”"


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/search?sort=wild", 400, "That search cannot be answered"),
        ("/search?colour=red", 400, "That search cannot be answered"),
        ("/search?q=a&page=0", 400, "That search cannot be answered"),
        ("/?q=a&facet=brand", 400, "That search cannot be answered"),
        ("/products", 400, "That search cannot be answered"),
        ("/products/none", 404, "This product is not here"),
        ("/search?like=none", 404, "This product is not here"),
        ("/nothing", 404, "There is nothing here"),
        ("/products/%ff%00", 404, "This product is not here"),
        ("/products/../../etc/passwd", 404, "This product is not here"),
        ("/static/../../pyproject.toml", 404, "There is nothing here"),
    ],
)
def test_what_goes_wrong_is_said_on_a_page(client, path: str, status: int, said: str) -> None:
    assert heading(page_of(client.get(path), status)) == said


def test_an_empty_shop_says_how_to_fill_it(empty_client: FlaskClient) -> None:
    for path in ("/", "/search?q=mug"):
        page = page_of(empty_client.get(path), 503)
        assert heading(page) == "The shop is not open yet"
        assert "shopsearch index" in page.css_first("main").text()


def test_pages_have_one_heading_landmarks_and_labels(client: FlaskClient) -> None:
    for path in ("/", "/search?q=mug", "/products/mug-red", "/nothing"):
        page = LexborHTMLParser(client.get(path).text)
        assert len(page.css("h1")) == 1
        assert [len(page.css(tag)) for tag in ("header", "main", "footer")] == [1, 1, 1]
        visible = [i for i in page.css("input, select") if i.attributes.get("type") != "hidden"]
        labels = {label.attributes["for"] for label in page.css("label")}
        assert {i.attributes["id"] for i in visible} <= labels
        assert page.css_first("html").attributes["lang"] == "en"
