"""Results that are slow, that do not come, and that are none; and the way back from each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, Route, expect
from werkzeug.test import TestResponse

from shopsearch.domain import Query
from shopsearch.errors import Overloaded
from shopsearch.search import SearchService
from shopsearch.server import create_app

from .conftest import Complaints, NewPage, Site
from .test_accessible_and_steady import MAX_SHIFT, violations
from .test_shop_window import answer, expected, see, titles, wait_until_scrolled

pytestmark = pytest.mark.browser

PAGES = re.compile(r"/search\?")


@contextmanager
def held(page: Page, pages: re.Pattern[str] = PAGES) -> Iterator[list[Route]]:
    """Pages of results do not come until the block ends."""
    routes: list[Route] = []

    def hold(route: Route) -> None:
        routes.append(route)

    page.route(pages, hold)
    yield routes
    for route in routes:
        route.continue_()
    page.unroute(pages)


def ask(page: Page, words: str) -> None:
    page.locator("#q").fill(words)
    page.locator("#q").press("Enter")


@pytest.fixture
def refusal(site: Site, monkeypatch: pytest.MonkeyPatch) -> TestResponse:
    """What the server answers to a search while it has too much to do."""

    def too_much(*_: object) -> None:
        raise Overloaded

    with monkeypatch.context() as patch:
        patch.setattr(SearchService, "search", too_much)
        return create_app(site.services).test_client().get("/search?q=mug")


@pytest.mark.parametrize("width", [390, 1280])
def test_slow_results_are_sketched_and_nothing_jumps(
    new_page: NewPage, site: Site, width: int
) -> None:
    page = new_page(width=width)
    page.goto(site.url)
    with held(page):
        ask(page, "mug")
        sketch = page.locator("main.loading")
        expect(sketch).to_be_visible()
        expect(sketch).to_have_attribute("aria-busy", "true")
        expect(page.locator("main")).to_have_count(1)
        assert violations(page) == []
        page.wait_for_timeout(600)  # from here on, shifts follow no input
    see(page, "“mug”")
    expect(page.locator("[aria-busy]")).to_have_count(0)
    page.wait_for_load_state("networkidle")
    assert page.evaluate("window.layoutShift") < MAX_SHIFT


def test_results_that_are_refined_dim_and_stay(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/search?q=mug&cutoff=false")
    before = titles(page)
    with held(page):
        page.get_by_label("Sort by").focus()
        page.get_by_label("Sort by").select_option("price_asc")
        expect(page.locator("main")).to_have_attribute("aria-busy", "true")
        assert titles(page) == before
        expect(page.get_by_label("Sort by")).to_be_focused()
    page.wait_for_url("**sort=price_asc")
    expect(page.locator("main")).not_to_have_attribute("aria-busy", "true")


def test_a_visit_that_is_overtaken_is_never_shown(page: Page, site: Site) -> None:
    page.goto(site.url)
    with held(page, re.compile("q=mug$")) as routes:
        ask(page, "mug")
        ask(page, "lamp")
        see(page, "“lamp”")
        assert len(routes) == 1
    page.go_back()
    see(page, "Say it, or show it.")  # the overtaken one is not in the history either
    page.go_forward()
    see(page, "“lamp”")
    assert titles(page) == expected(site, Query(text="lamp"))


def test_words_typed_while_results_are_coming_stay(page: Page, site: Site) -> None:
    page.goto(site.url)
    with held(page):
        ask(page, "mug")
        expect(page.locator("main.loading")).to_be_visible()
        page.locator("#q").fill("lam")
    see(page, "“mug”")
    expect(page.locator("#q")).to_have_value("lam")


def test_a_search_without_a_network_waits_and_goes_on_by_itself(
    page: Page, site: Site, complaints: Complaints
) -> None:
    page.goto(site.url)
    page.context.set_offline(True)
    message = page.locator("[data-notice=offline]")
    expect(message).to_contain_text("You are offline")
    assert violations(page) == []
    page.locator(".card__link").first.click()  # it would leave for the browser's own page
    see(page, "Say it, or show it.")
    ask(page, "lamp")
    expect(message.get_by_role("button", name="Try again")).to_be_visible()
    see(page, "Say it, or show it.")
    expect(page.locator("#q")).to_have_value("lamp")
    page.context.set_offline(False)
    see(page, "“lamp”")
    expect(message).to_have_count(0)
    assert all("ERR_INTERNET_DISCONNECTED" in heard for heard in complaints.heard)
    complaints.heard.clear()


def test_an_answer_that_takes_too_long_is_given_up(page: Page, site: Site) -> None:
    page.clock.install()
    page.goto(site.url)
    with held(page):
        ask(page, "mug")
        page.clock.fast_forward(5_000)
        expect(page.locator("[data-late]")).to_contain_text("longer than usual")
        page.clock.fast_forward(30_000)
        expect(page.get_by_role("alert")).to_contain_text("takes too long")
        see(page, "Say it, or show it.")
    page.get_by_role("button", name="Try again").click()
    see(page, "“mug”")


def test_a_shop_that_asks_for_patience_gets_it_and_is_tried_again(
    page: Page, site: Site, complaints: Complaints, refusal: TestResponse
) -> None:
    complaints.provoked.add(503)
    headers = dict(refusal.headers)
    page.goto(site.url)
    page.route(
        PAGES,
        lambda route: route.fulfill(status=503, headers=headers, body=refusal.data),
        times=1,
    )
    ask(page, "mug")
    again = page.get_by_role("link", name="Try again")
    expect(again).to_have_attribute("aria-disabled", "true")
    expect(again.locator("[data-seconds]")).to_have_text(re.compile(r"^[12] s$"))
    again.dispatch_event("click")  # a pointer would wait until it is open
    see(page, "The shop is not ready")
    expect(page.locator("#q")).to_have_value("mug")
    assert page.url.endswith("/search?q=mug")
    expect(again).to_have_attribute("aria-disabled", "false")
    assert violations(page) == []
    again.click()
    see(page, "“mug”")
    assert page.evaluate("document.activeElement.id") == "main"


def test_forward_and_reload_return_to_where_the_shopper_was(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/search?q=mug&cutoff=false")
    ask(page, "lamp")
    see(page, "“lamp”")
    page.goto(f"{site.url}/search?q=cap&cutoff=false")
    page.mouse.wheel(0, 700)
    wait_until_scrolled(page)
    page.wait_for_timeout(200)  # the place is noted once it rests
    page.reload()
    wait_until_scrolled(page)
    page.evaluate("scrollTo(0, 0)")
    page.mouse.wheel(0, 800)
    wait_until_scrolled(page)
    page.wait_for_timeout(200)
    page.go_back()
    see(page, "“lamp”")
    page.go_forward()
    see(page, "“cap”")
    wait_until_scrolled(page)


def test_skipping_to_the_products_keeps_the_picture_of_the_search(page: Page, site: Site) -> None:
    product = site.services.search.search(Query()).hits[0].product.product_id
    page.goto(site.url)
    page.locator("#picture-file").set_input_files(site.picture_of(product))
    see(page, "Your picture")
    address = page.url
    page.get_by_role("link", name="Skip to the products").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    assert page.url == address
    see(page, "Your picture")


@pytest.mark.parametrize("typed", ["umbrela", "strped mug", "cushon", "bakpack", "sneekers"])
def test_one_typo_finds_what_was_meant(page: Page, site: Site, typed: str) -> None:
    page.goto(f"{site.url}/search?q={typed}")
    assert titles(page)
    expect(page.locator(".meant").first).to_contain_text("Showing results for")


def test_a_search_that_finds_nothing_leads_on(page: Page, site: Site) -> None:
    unheard = (f"vq{n} zx{n}" for n in range(100))  # some share letters with a product
    words = next(one for one in unheard if not answer(site, Query(text=one)).total)
    page.goto(f"{site.url}/search?{urlencode({'q': words})}")
    expect(page.get_by_role("heading", name="Nothing here is like that")).to_be_visible()
    nearest = page.get_by_role("region", name="The nearest there is")
    expect(nearest.locator(".card")).to_have_count(6)
    assert nearest.locator("[data-rank]").count() == 0  # a click there is none on a result
    assert violations(page) == []
    page.get_by_role("region", name="Look around").get_by_role("link").first.click()
    see(page, "All products")
    assert titles(page)


def test_filters_that_leave_nothing_are_taken_away_one_by_one(page: Page, site: Site) -> None:
    product = site.services.search.search(Query(text="mug")).hits[0].product
    fields = {"q": "mug", "filter.brand": product.brand, "price.max": "0.01"}
    page.goto(f"{site.url}/search?{urlencode(fields)}")
    way = page.get_by_role("list", name="With something less").get_by_role("link")
    expect(way).to_have_count(1)
    expect(way).to_contain_text("without Price: up to 0.01")
    expect(page.get_by_role("region", name="The same without filters")).to_be_visible()
    assert violations(page) == []
    told = way.locator(".ways__number").inner_text()
    way.click()
    expect(page.locator(".toolbar__count")).to_have_text(told)
