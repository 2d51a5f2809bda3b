"""When things do not go as they should: nothing found, slow, offline, too busy."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from .conftest import Complaints, NewPage, Site
from .test_accessible_and_steady import violations

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_found_is_no_dead_end(new_page: NewPage, site: Site, width: int) -> None:
    page = new_page(width=width)
    page.goto(f"{site.url}/search?q=mug+zzqx&filter.brand=nobody")
    expect(page.get_by_role("heading", name="Nothing matches all of that")).to_be_visible()
    expect(page.get_by_role("heading", name="Elsewhere in the shop")).to_be_visible()
    expect(page.locator("main .card")).to_have_count(6)
    assert violations(page) == []


def test_a_word_less_is_offered_with_what_it_finds(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/search?q=mug+qqzzxxyy&filter.color=red&price.max=0.01")
    expect(page.get_by_role("heading", name="With a word less")).to_be_hidden()  # neither finds any
    page.goto(f"{site.url}/search?q=%22armchair%22+%22mug%22")
    fewer = page.locator(".ways-on a")
    if fewer.count():
        count = fewer.first.locator(".ways-on__count").inner_text().split()[0]
        fewer.first.click()
        expect(page.locator(".toolbar__count")).to_contain_text(count)


def test_products_become_skeletons_while_a_search_is_slow(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/search?q=mug")
    held = []
    page.route("**/search?q=lamp", held.append)
    page.locator("#q").fill("lamp")
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_class(re.compile("is-slow"))
    expect(page.locator("main")).to_have_attribute("aria-busy", "true")
    expect(page.locator(".card__title").first).to_be_hidden()
    held[0].continue_()
    expect(page.get_by_role("heading", level=1)).to_contain_text("lamp")
    expect(page.locator("html")).not_to_have_class(re.compile("is-slow"))
    expect(page.locator(".card__title").first).to_be_visible()
    assert page.evaluate("window.layoutShift") < 0.05


def test_who_is_offline_is_told_and_gets_the_results_when_online(
    new_page: NewPage, site: Site, complaints: Complaints
) -> None:
    page = new_page()
    page.goto(f"{site.url}/search?q=mug")
    page.context.set_offline(True)
    page.locator("#q").fill("lamp")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("You are offline")
    expect(page.locator("#q")).to_have_value("lamp")
    assert violations(page) == []
    page.context.set_offline(False)
    expect(page).to_have_url(f"{site.url}/search?q=lamp")
    expect(page.get_by_role("alert")).to_be_hidden()
    complaints.heard = [one for one in complaints.heard if "ERR_INTERNET_DISCONNECTED" not in one]


def test_a_shop_that_is_too_busy_is_asked_again_in_time(
    new_page: NewPage, site: Site, complaints: Complaints
) -> None:
    complaints.provoked.add(503)
    page = new_page()
    page.goto(f"{site.url}/search?q=mug")
    busy = """<!doctype html><title>Busy</title><form><input id="q" value="lamp"><span data-carried>
      </span></form><main id="main"><h1>Busy</h1><a href="/search?q=lamp" data-visit data-wait="1"
      data-words="Again in {} seconds">Try again</a></main>"""
    page.route(
        "**/search?q=lamp",
        lambda route: route.fulfill(status=503, content_type="text/html", body=busy),
        times=1,
    )
    page.locator("#q").fill("lamp")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Again in 1 seconds")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text("“lamp”")


def test_the_last_of_several_searches_wins(page: Page, site: Site) -> None:
    page.goto(site.url)
    held = []
    page.route("**/search?q=mug", held.append)
    page.locator("#q").fill("mug")
    page.keyboard.press("Enter")
    page.wait_for_timeout(100)
    page.locator("#q").fill("lamp")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("lamp")
    assert len(held) == 1
    expect(page).to_have_url(f"{site.url}/search?q=lamp")
