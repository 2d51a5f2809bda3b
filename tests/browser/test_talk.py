"""Refining a search by talking, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from .conftest import Complaints, NewPage, Site
from .test_accessible_and_steady import MAX_SHIFT, violations
from .test_shop_window import a_product, choose_picture, see, titles

pytestmark = pytest.mark.browser


def begin(page: Page, site: Site, address: str = "/search?q=red+mug") -> None:
    page.goto(site.url + address)
    page.locator("[data-talk] > summary").click()


def say(page: Page, words: str) -> None:
    page.locator("#talk-say").fill(words)
    page.locator("#talk-say").press("Enter")
    expect(page.locator("[data-said]", has_text=words).last).to_be_visible()


def said(page: Page) -> list[str]:
    return page.locator(".talk__thread [data-said]").all_inner_texts()


def changes(page: Page) -> list[str]:
    return page.locator(".talk__thread .talk__change").all_inner_texts()


def test_turns_become_parts_of_the_search_and_stay_in_sight(page: Page, site: Site) -> None:
    begin(page, site)
    say(page, "in brown instead")
    expect(page.locator("main h1")).to_have_text("“mug”")
    expect(page.locator(".asked .chips")).to_contain_text("brown")
    say(page, "under 40, newest first")
    expect(page.locator("#sort")).to_have_value("newest")
    assert said(page) == ["in brown instead", "under 40, newest first"]
    assert changes(page) == ["color: brown", "newest first", "price: up to 40"]
    expect(page.locator("[data-talk-count]")).to_have_text("2 turns")
    expect(page.locator("#talk-say")).to_be_focused()


def test_each_turn_can_be_undone(page: Page, site: Site) -> None:
    begin(page, site, "/search?q=mug")
    before = titles(page)
    say(page, "in brown")
    say(page, "newest first")
    page.get_by_role("button", name="Undo: newest first").click()
    expect(page.locator("#sort")).to_have_value("relevance")
    assert said(page) == ["in brown"]
    say_undo(page)
    see(page, "“mug”")
    expect(page.locator(".talk__thread")).to_be_hidden()
    assert titles(page) == before
    page.locator("#talk-say").fill("undo")
    page.locator("#talk-say").press("Enter")
    expect(page.locator("[data-reply]").last).to_have_text("There is nothing to take back.")


def say_undo(page: Page) -> None:
    page.locator("#talk-say").fill("go back")
    page.locator("#talk-say").press("Enter")
    expect(page.locator(".talk__turn")).to_have_count(0)


def test_back_forward_and_reload_keep_the_thread(page: Page, site: Site) -> None:
    begin(page, site, "/search?q=mug")
    say(page, "in brown")
    say(page, "newest first")
    page.go_back()
    expect(page.locator("#sort")).to_have_value("relevance")
    expect(page.locator("[data-talk-count]")).to_have_text("1 turn")
    page.go_forward()
    expect(page.locator("[data-talk-count]")).to_have_text("2 turns")
    page.reload()
    expect(page.locator("[data-talk-count]")).to_have_text("2 turns")
    page.locator("[data-talk] > summary").click()
    assert said(page) == ["in brown", "newest first"]
    assert page.evaluate("window.layoutShift") < MAX_SHIFT


def test_what_was_not_understood_is_said_and_announced(page: Page, site: Site) -> None:
    begin(page, site)
    address = page.url
    say(page, "more like the 99th one")
    expect(page.locator("[data-reply]").last).to_contain_text("There is no “the 99th one”")
    expect(page.locator("[data-announcer]")).to_contain_text("There is no “the 99th one”")
    assert page.url == address
    say(page, "newest first")
    expect(page.locator("[data-announcer]")).to_contain_text("Newest first.")


def test_a_product_that_is_shown_can_be_pointed_at(page: Page, site: Site) -> None:
    begin(page, site, "/search?q=mug")
    second = titles(page)[1]
    say(page, "more like the second one")
    expect(page.locator(".talk__change").first).to_have_text(f"more like {second}")
    expect(page.locator(".asked .chips")).to_contain_text(second)


def test_a_filter_taken_away_by_hand_keeps_the_thread(page: Page, site: Site) -> None:
    begin(page, site, "/search?q=mug")
    say(page, "in brown")
    page.locator(".asked .chip", has_text="brown").locator(".chip__remove").click()
    expect(page.locator(".asked")).not_to_contain_text("brown")
    expect(page.locator("[data-talk-count]")).to_have_text("1 turn")
    page.locator("#q").fill("vase")
    page.locator("#q").press("Enter")
    see(page, "“vase”")
    expect(page.locator("[data-talk-count]")).to_be_hidden()


def test_the_picture_of_a_search_stays(page: Page, site: Site) -> None:
    page.goto(site.url + "/search?q=mug")
    choose_picture(page, site.picture_of(a_product(site)))
    see(page, "“mug” and your picture")
    page.locator("[data-talk] > summary").click()
    say(page, "newest first")
    see(page, "“mug” and your picture")
    say(page, "without handles")
    expect(page.locator(".asked .chips")).to_contain_text("not handles")
    see(page, "“mug” and your picture")


@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (390, "dark"), (1280, "light")])
def test_the_panel_is_accessible_and_fits(
    new_page: NewPage, site: Site, scheme: str, width: int
) -> None:
    page = new_page(width=width, color_scheme=scheme, has_touch=width < 500)
    begin(page, site)
    say(page, "in brown")
    say(page, "the 99th")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    small = page.evaluate(
        """() => [...document.querySelectorAll(".talk :is(button, #talk-say, summary)")]
          .map((place) => place.getBoundingClientRect())
          .filter((box) => box.width && (box.width < 43.5 || box.height < 43.5)).length"""
    )
    assert small == 0


def test_the_keyboard_alone_does_it(page: Page, site: Site) -> None:
    page.goto(site.url + "/search?q=mug")
    page.locator("[data-talk] > summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("#talk-say")).to_be_focused()
    page.keyboard.type("in brown")
    page.keyboard.press("Enter")
    expect(page.locator(".talk__change")).to_have_text(["color: brown"])
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("button", name="Undo: in brown")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".talk__turn")).to_have_count(0)
    expect(page.locator("#talk-say")).to_be_focused()


def test_an_example_is_said_by_a_click(page: Page, site: Site) -> None:
    begin(page, site, "/search?q=mug")
    page.get_by_role("button", name="newest first", exact=True).click()
    expect(page.locator("#sort")).to_have_value("newest")


def test_a_shop_that_does_not_answer_is_told_of(
    page: Page, site: Site, complaints: Complaints
) -> None:
    complaints.heard = []
    begin(page, site)
    page.route("**/api/v1/refine", lambda route: route.abort())
    page.locator("#talk-say").fill("in brown")
    page.locator("#talk-say").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("did not answer")
    page.unroute("**/api/v1/refine")
    page.locator("[data-retry]").click()
    expect(page.locator(".talk__change").first).to_have_text("color: brown")
    complaints.heard = [text for text in complaints.heard if "ERR_FAILED" not in text]


def test_without_scripts_a_turn_leads_on(new_page: NewPage, site: Site) -> None:
    page = new_page(java_script_enabled=False)
    begin(page, site)
    page.locator("#talk-say").fill("in brown instead")
    page.locator(".talk__form > .button").click()
    see(page, "“mug”")
    assert "filter.color=brown" in page.url
    begin(page, site)
    page.locator("#talk-say").fill("in brown, like the 99th")
    page.locator(".talk__form > .button").click()
    see(page, "You said “in brown, like the 99th”")
    expect(page.locator("main")).to_contain_text("Only in brown")
    expect(page.locator("main")).to_contain_text("There is no “the 99th”")
    page.get_by_role("link", name="See the products").click()
    assert "filter.color=brown" in page.url


def test_in_other_languages_there_is_no_panel(new_page: NewPage, site: Site) -> None:
    page = new_page(locale="de-DE", java_script_enabled=False)
    page.goto(site.url + "/search?q=mug")
    n_panels = page.locator("[data-talk]").count()
    assert n_panels == (1 if page.locator("html").get_attribute("lang") == "en" else 0)
