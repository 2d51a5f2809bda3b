"""The tray of products to compare, and the page that compares them."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from .conftest import NewPage, Site
from .test_accessible_and_steady import MAX_SHIFT, violations
from .test_shop_window import search, titles

pytestmark = pytest.mark.browser


def tray(page: Page) -> Locator:
    return page.get_by_role("region", name="Products to compare")


def chosen(page: Page) -> list[str]:
    return tray(page).locator(".tray__title").all_text_contents()


def test_up_to_four_products_are_chosen_kept_and_compared(page: Page, site: Site) -> None:
    page.goto(site.url)
    expect(tray(page)).to_be_hidden()
    buttons = page.locator("[data-compare]")
    names = titles(page)
    for n in range(4):
        buttons.nth(n).click()
    expect(page.locator("[data-announcer]")).to_have_text(f"{names[3]} is compared, 4 of 4")
    buttons.nth(4).click()
    expect(page.get_by_text("Four products are compared already")).to_be_visible()
    expect(buttons.nth(4)).to_have_attribute("aria-pressed", "false")
    buttons.nth(1).click()
    assert chosen(page) == [names[0], names[2], names[3]]
    assert page.evaluate("window.layoutShift") < MAX_SHIFT

    search(page, "mug")  # what is chosen outlives a visit, and a reload
    page.reload()
    assert chosen(page) == [names[0], names[2], names[3]]
    tray(page).get_by_role("link", name="Compare", exact=True).click()
    expect(page.locator("th[scope=col]")).to_have_text([names[0], names[2], names[3]])
    expect(tray(page)).to_be_hidden()
    page.get_by_role("link", name=f"Remove {names[2]}").click()
    expect(page.locator("th[scope=col]")).to_have_text([names[0], names[3]])
    page.goto(site.url)
    assert chosen(page) == [names[0], names[3]]


def test_the_tray_works_by_keyboard_and_covers_nothing_that_has_the_focus(
    new_page: NewPage, site: Site
) -> None:
    page = new_page(width=390, height=700)
    page.goto(site.url)
    page.locator("[data-compare]").first.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(tray(page)).to_be_visible()
    for _ in range(24):  # down the page, past several rows
        page.keyboard.press("Tab")
        covered = page.evaluate(
            """() => {
              const box = (one) => one.getBoundingClientRect();
              const tray = document.querySelector("[data-tray]");
              return box(document.activeElement).bottom - box(tray).top;
            }"""
        )
        assert covered <= 0.5
    page.evaluate("window.scrollTo(0, document.documentElement.scrollHeight)")
    footer = page.locator(".site-footer").bounding_box()
    above = tray(page).bounding_box()
    assert footer
    assert above
    assert footer["y"] + footer["height"] <= above["y"] + 0.5

    tray(page).get_by_role("button", name="Do not compare").focus()
    page.keyboard.press("Enter")
    expect(tray(page)).to_be_hidden()
    expect(page.locator("main")).to_be_focused()


def test_the_table_scrolls_by_keyboard_and_shows_only_differences(
    new_page: NewPage, site: Site
) -> None:
    page = new_page(width=390)
    page.goto(site.url)
    ids = page.locator("[data-compare]").evaluate_all(
        "all => all.slice(0, 4).map(b => b.dataset.productId)"
    )
    page.goto(f"{site.url}/compare?" + "&".join(f"id={one}" for one in ids))
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    region = page.get_by_role("region", name="Compare products")
    head = page.locator("tbody th").first
    before = head.bounding_box()
    region.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(300)
    assert region.evaluate("one => one.scrollLeft") > 0
    after = head.bounding_box()
    assert before
    assert after
    assert after["x"] == before["x"]  # the first column stays
    rows = page.locator("tbody tr:visible").count()
    page.get_by_label("Show only what differs").check()
    expect(page.locator("tbody tr:visible")).to_have_count(
        page.locator(".compare__differs").count()
    )
    assert page.locator(".compare__differs").count() < rows


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_tray_and_table(new_page: NewPage, site: Site, scheme: str) -> None:
    page = new_page(width=390, color_scheme=scheme)
    page.goto(site.url)
    for n in range(3):
        page.locator("[data-compare]").nth(n).click()
    assert violations(page) == []
    tray(page).get_by_role("link", name="Compare", exact=True).click()
    expect(page.locator("th[scope=col]")).to_have_count(3)
    assert violations(page) == []


def test_without_scripts_the_address_compares(new_page: NewPage, site: Site) -> None:
    page = new_page(java_script_enabled=False)
    page.goto(site.url)
    ids = [link.get_attribute("data-product-id") for link in page.locator(".card__link").all()[:2]]
    expect(page.locator("[data-compare]").first).to_be_hidden()
    page.goto(f"{site.url}/compare?id={ids[0]}&id={ids[1]}")
    expect(page.locator("th[scope=col]")).to_have_count(2)
