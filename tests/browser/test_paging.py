"""One list that goes on in the place of pages."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from shopsearch.domain import Query

from .conftest import NewPage, Site
from .test_accessible_and_steady import MAX_SHIFT, violations
from .test_shop_window import a_product, choose_picture, see, titles

pytestmark = pytest.mark.browser

LIST = "/search?q=mug&cutoff=false&collapse=false&size=6"


def go_endless(page: Page, site: Site, address: str = LIST) -> None:
    page.goto(site.url + address)
    page.get_by_role("switch", name="Endless list").check()


def cards(page: Page, n: int) -> None:
    expect(page.locator("main .card")).to_have_count(n)


def ranks(page: Page) -> list[int]:
    links = page.locator("main .card__link")
    return [int(rank) for rank in links.evaluate_all("all => all.map((one) => one.dataset.rank)")]


def at_least(page: Page, n: int) -> None:
    """The end may be near again, and the list go on."""
    expect(page.locator("main .card").nth(n - 1)).to_be_attached()


def reach_end(page: Page) -> None:
    page.evaluate("window.scrollTo(0, document.documentElement.scrollHeight)")


def test_a_list_goes_on_by_itself_and_then_waits_for_its_button(page: Page, site: Site) -> None:
    go_endless(page, site)
    for n in (12, 18, 24):  # three parts come by themselves, then the foot can be reached
        reach_end(page)
        cards(page, n)
    reach_end(page)
    page.wait_for_timeout(300)
    cards(page, 24)
    expect(page.locator(".site-footer")).to_be_in_viewport()
    expect(page.locator("[data-announcer]")).to_have_text("24 of 40 products shown")
    page.get_by_role("button", name="Show more").focus()
    page.keyboard.press("Enter")
    expect(page.locator("main .card__link").nth(24)).to_be_focused()
    expected = site.services.search.search(Query(text="mug", k=40)).hits
    assert titles(page)[:30] == [hit.product.title for hit in expected[:30]]
    assert ranks(page)[:30] == list(range(1, 31))
    assert page.evaluate("window.layoutShift") < MAX_SHIFT
    assert violations(page) == []


def test_back_and_reload_come_to_the_same_place(page: Page, site: Site) -> None:
    go_endless(page, site)
    for n in (12, 18):
        reach_end(page)
        at_least(page, n)
    link = page.locator("main .card__link").nth(13)
    link.scroll_into_view_if_needed()
    page.wait_for_timeout(300)  # until the list is at rest
    n_before, place = page.locator("main .card").count(), link.bounding_box()
    page.reload()
    at_least(page, n_before)
    page.wait_for_timeout(300)
    again = link.bounding_box()
    assert place
    assert again
    assert abs(again["y"] - place["y"]) < 5
    title = link.inner_text()
    link.click()
    see(page, title)
    page.go_back()
    at_least(page, n_before)
    expect(link).to_be_in_viewport()
    assert ranks(page)[:n_before] == list(range(1, n_before + 1))


def test_pages_are_back_when_the_list_is_switched_off(page: Page, site: Site) -> None:
    page.goto(site.url + LIST)
    pages = page.get_by_role("navigation", name="Pages of results")
    expect(pages).to_be_visible()
    page.get_by_role("switch", name="Endless list").check()
    expect(pages).to_be_hidden()
    page.goto(site.url + LIST)  # it is remembered
    expect(page.get_by_role("switch", name="Endless list")).to_be_checked()
    page.get_by_role("switch", name="Endless list").uncheck()
    expect(pages).to_be_visible()
    page.reload()
    expect(pages).to_be_visible()
    expect(page.get_by_role("switch", name="Endless list")).not_to_be_checked()


def test_a_list_by_picture_goes_on_by_that_picture(new_page: NewPage, site: Site) -> None:
    page = new_page(width=390)
    go_endless(page, site)
    picture = site.picture_of(a_product(site))
    choose_picture(page, picture)
    see(page, "“mug” and your picture")
    kept = page.url.partition("#")[2]
    page.goto(f"{site.url}/search?cutoff=false&collapse=false&size=6#{kept}")
    see(page, "Your picture")
    reach_end(page)
    at_least(page, 12)
    query = Query(image=picture.read_bytes(), k=12)
    found = [hit.product.title for hit in site.services.search.search(query).hits]
    assert titles(page)[:12] == found
    assert ranks(page)[:12] == list(range(1, 13))


def test_why_and_compare_know_the_cards_that_came_later(page: Page, site: Site) -> None:
    go_endless(page, site)
    reach_end(page)
    at_least(page, 8)
    later = page.locator("[data-hits] > li").nth(7)  # a search of its own, which clicks name
    assert later.get_attribute("data-query-id")
    first = page.locator("main").get_attribute("data-query-id")
    assert later.get_attribute("data-query-id") != first
    page.locator(".card__why").nth(7).click()
    expect(page.get_by_role("dialog")).to_contain_text("Place 8 of")
    page.keyboard.press("Escape")
    page.locator("[data-compare]").nth(7).click()
    expect(page.locator("[data-compare]").nth(7)).to_have_attribute("aria-pressed", "true")
