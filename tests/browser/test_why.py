""" "Why this?" in a dialog."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import Complaints, NewPage, Site
from .test_accessible_and_steady import MAX_SHIFT, violations
from .test_shop_window import a_product, choose_picture, search, see, titles

pytestmark = pytest.mark.browser


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Why this?")


def test_it_opens_and_closes_by_keyboard_and_gives_the_focus_back(page: Page, site: Site) -> None:
    page.goto(site.url)
    search(page, "striped mug")
    address = page.url
    title = titles(page)[1]
    button = page.locator(".card__why").nth(1)
    button.focus()
    page.keyboard.press("Enter")
    expect(dialog(page).get_by_role("heading", name="Why this?")).to_be_visible()
    expect(dialog(page)).to_contain_text(title)
    expect(dialog(page)).to_contain_text(re.compile("Place 2 of .* for: “striped mug”"))
    summary = dialog(page).locator("summary")
    summary.focus()
    page.keyboard.press("Enter")
    expect(dialog(page).get_by_role("row", name="Score +")).to_be_visible()
    assert page.evaluate("window.layoutShift") < MAX_SHIFT
    page.keyboard.press("Escape")
    expect(dialog(page)).to_be_hidden()
    expect(button).to_be_focused()
    assert page.url == address


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark")])
def test_axe_finds_nothing_in_it_and_it_fits(
    new_page: NewPage, site: Site, width: int, scheme: str
) -> None:
    page = new_page(width=width, color_scheme=scheme)
    page.goto(f"{site.url}/search?q=striped+mug+not+blue")
    page.locator(".card__why").first.click()
    dialog(page).locator("summary").click()
    assert violations(page) == []
    inside = dialog(page).evaluate("one => [one.scrollWidth, one.clientWidth]")
    assert inside[0] <= inside[1]


def test_a_hit_of_a_search_by_picture_is_explained_by_that_picture(page: Page, site: Site) -> None:
    page.goto(site.url)
    choose_picture(page, site.picture_of(a_product(site)))
    see(page, "Your picture")
    page.locator(".card__why").first.click()
    expect(dialog(page)).to_contain_text("for: Your picture")
    expect(dialog(page)).to_contain_text("It is the very thing that was asked for")


def test_a_shop_that_does_not_answer_is_told_in_the_dialog(
    page: Page, site: Site, complaints: Complaints
) -> None:
    page.goto(f"{site.url}/search?q=mug")
    page.context.set_offline(True)
    page.locator(".card__why").first.click()
    expect(dialog(page).get_by_role("alert")).to_have_text(re.compile("did not answer"))
    assert all("ERR_INTERNET_DISCONNECTED" in heard for heard in complaints.heard)
    complaints.heard.clear()
    page.context.set_offline(False)
    page.keyboard.press("Escape")
    page.locator(".card__why").first.click()
    expect(dialog(page)).to_contain_text("Place 1 of")


def test_without_scripts_it_is_a_page_that_leads_back(new_page: NewPage, site: Site) -> None:
    page = new_page(java_script_enabled=False)
    page.goto(f"{site.url}/search?q=mug")
    page.locator(".card__why").first.click()
    see(page, "Why this?")
    page.get_by_role("link", name="Back to the results").click()
    see(page, "“mug”")
