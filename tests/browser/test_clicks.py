"""Clicks on results, told by the page in a real browser."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, Request, expect

from shopsearch.bootstrap import Services
from shopsearch.catalog import open_feed
from shopsearch.demo.drawn import draw_shop
from shopsearch.domain import ClickedSearch
from shopsearch.settings import Settings
from tests.engines import Engines

from .conftest import NewPage, Site, serving
from .test_shop_window import search, see, titles

pytestmark = pytest.mark.browser

EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
UNFOLLOWED = "Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})"


@pytest.fixture(scope="module")
def logging_site(tmp_path_factory: pytest.TempPathFactory, engines: Engines) -> Iterator[Site]:
    """A shop of its own, so that no other test's searches are in its log."""
    folder = tmp_path_factory.mktemp("logging")
    with engines.settings(index="exact") as of_engines, ExitStack() as opened:
        settings = Settings(home=folder / "home", encoder="hashing", port=0, **of_engines)
        services = opened.enter_context(Services.open(settings))
        services.indexer.run(open_feed(draw_shop(folder / "feed", n_products=30)), feed_name="d")
        with serving(settings) as url:
            yield Site(url, services, folder / "feed" / "images")


@pytest.fixture
def log(logging_site: Site) -> Services:
    logging_site.services.search_log.prune(EVER[1])
    return logging_site.services


def logged(services: Services, n: int, *, n_clicks: int = 0) -> list[ClickedSearch]:
    """The log, once it has so many searches and clicks: they are written a little later."""
    until = time.monotonic() + 15
    while time.monotonic() < until:
        found = list(services.search_log.read(*EVER))
        if len(found) >= n and sum(len(one.clicks) for one in found) >= n_clicks:
            return found
        time.sleep(0.1)
    raise AssertionError(f"after 15 s, the log holds {found}")


def posts(page: Page) -> list[Request]:
    """What the page will have told of events."""
    told: list[Request] = []
    page.on("request", lambda one: told.append(one) if one.url.endswith("/events") else None)
    return told


def test_a_click_on_a_result_is_told_with_its_rank(
    page: Page, logging_site: Site, log: Services
) -> None:
    told = posts(page)
    page.goto(logging_site.url)
    search(page, "striped mug")
    title = titles(page)[2]
    page.locator("main .card__link").nth(2).click()
    see(page, title)
    (one,) = logged(log, 1, n_clicks=1)
    assert one.search.text == "striped mug"
    (click,) = one.clicks
    assert (click.rank, click.product_id) == (3, page.url.rsplit("/", 1)[1])
    assert [request.method for request in told] == ["POST"]
    assert told[0].headers["content-type"] == "application/json"


def test_a_turned_page_is_told_by_its_own_id_and_ranks(
    page: Page, logging_site: Site, log: Services
) -> None:
    page.goto(f"{logging_site.url}/search?q=mug&cutoff=false&collapse=false")
    first = page.locator("main").get_attribute("data-query-id")
    page.get_by_role("link", name="Next").click()
    expect(page.locator(".pages__here")).to_have_text("2 / 2")
    assert page.locator("main").get_attribute("data-query-id") != first
    with page.context.expect_page():  # in another tab
        page.locator("main .card__link").first.click(modifiers=["ControlOrMeta"])
    found = {one.search.page: one for one in logged(log, 2, n_clicks=1)}
    assert [click.rank for click in found[2].clicks] == [25]
    assert found[1].clicks == ()


def test_the_middle_button_counts_and_what_is_no_result_does_not(
    page: Page, logging_site: Site, log: Services
) -> None:
    told = posts(page)
    page.goto(f"{logging_site.url}/search?q=lamp")
    page.locator("main h1").click()
    with page.context.expect_page():
        page.locator("main .card__link").nth(1).click(button="middle")
    (one,) = logged(log, 1, n_clicks=1)
    assert [click.rank for click in one.clicks] == [2]
    page.goto(logging_site.url)  # what is new is no search
    page.locator("main .card__link").first.click()
    page.wait_for_url("**/products/**")
    assert len(told) == 1


def test_a_browser_that_asks_not_to_be_followed_tells_nothing(
    new_page: NewPage, logging_site: Site, log: Services
) -> None:
    quiet = new_page()
    quiet.add_init_script(UNFOLLOWED)
    told = posts(quiet)
    quiet.goto(f"{logging_site.url}/search?q=cap")  # the header is not sent here, the wish is there
    assert quiet.locator("main").get_attribute("data-query-id")
    quiet.locator("main .card__link").first.click()
    quiet.wait_for_url("**/products/**")
    assert told == []
    sends_header = new_page(extra_http_headers={"Sec-GPC": "1"})
    sends_header.goto(f"{logging_site.url}/search?q=scarf")
    assert sends_header.locator("main").get_attribute("data-query-id") is None
    assert [one.search.text for one in logged(log, 1)] == ["cap"]


def test_without_scripts_searches_are_logged_and_clicks_lead_on(
    new_page: NewPage, logging_site: Site, log: Services
) -> None:
    plain = new_page(java_script_enabled=False)
    plain.goto(f"{logging_site.url}/search?q=umbrella")
    title = titles(plain)[0]
    plain.locator("main .card__link").first.click()
    see(plain, title)
    (one,) = logged(log, 1)
    assert one.clicks == ()
