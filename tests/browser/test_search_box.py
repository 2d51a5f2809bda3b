"""The search box: suggestions as a combobox, recent searches, voice."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from .conftest import NewPage, Site
from .test_accessible_and_steady import violations

pytestmark = pytest.mark.browser

# What a browser that listens does, as far as the page sees it: no browser of a test hears anything.
LISTENER = """
window.SpeechRecognition = class {
  start() { window.listener = this; }
  stop() { this.onend(); }
};
"""
SAY = """
([words, final]) => {
  const result = Object.assign([{ transcript: words }], { isFinal: final });
  window.listener.onresult({ results: [result] });
}
"""


def box(page: Page):
    return page.get_by_role("combobox", name="Search by words")


def options(page: Page):
    return page.locator('#suggestions [role="option"]')


def type_words(page: Page, words: str) -> None:
    box(page).click()
    page.keyboard.type(words)
    expect(options(page).first).to_be_visible()


@pytest.mark.parametrize("width", [390, 1280])
def test_suggestions_are_walked_by_arrows_and_chosen_by_enter(
    new_page: NewPage, site: Site, width: int
) -> None:
    page = new_page(width=width)
    page.goto(site.url)
    type_words(page, "mu")
    expect(box(page)).to_have_attribute("aria-expanded", "true")
    expect(page.locator("[data-suggest-count]")).to_contain_text("Suggestions:")
    assert violations(page) == []

    page.keyboard.press("ArrowDown")
    first = options(page).first
    expect(first).to_have_attribute("aria-selected", "true")
    expect(first).to_contain_text("mug")
    meant = box(page).get_attribute("aria-activedescendant")
    assert meant == first.get_attribute("id")
    expect(box(page)).to_be_focused()
    page.keyboard.press("Enter")

    expect(page).to_have_url(f"{site.url}/search?q=mug")
    expect(options(page).first).to_be_hidden()
    assert page.evaluate("window.layoutShift") < 0.05


def test_arrows_go_round_and_the_box_is_one_of_the_places(page: Page, site: Site) -> None:
    page.goto(site.url)
    type_words(page, "mu")
    page.keyboard.press("ArrowUp")
    expect(options(page).last).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    expect(page.locator('[role="option"][aria-selected="true"]')).to_have_count(0)
    expect(box(page)).not_to_have_attribute("aria-activedescendant", re.compile(".*"))


def test_escape_closes_the_list_and_keeps_what_was_typed(page: Page, site: Site) -> None:
    page.goto(site.url)
    type_words(page, "mu")
    page.keyboard.press("Escape")
    expect(options(page).first).to_be_hidden()
    expect(box(page)).to_have_value("mu")
    expect(box(page)).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("ArrowDown")
    expect(options(page).first).to_be_visible()
    page.keyboard.press("Tab")
    expect(options(page).first).to_be_hidden()


def test_a_category_filters_and_a_product_is_opened(page: Page, site: Site) -> None:
    page.goto(site.url)
    type_words(page, "mug")
    page.locator('[data-kind="categories"]').first.click()
    expect(page).to_have_url(re.compile(r"/search\?filter\.product_type="))

    type_words(page, "mug")
    product = page.locator('[role="option"][data-kind="products"]').first
    title = product.inner_text().strip()
    product.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(title)


def test_an_answer_to_fewer_letters_never_replaces_a_later_one(page: Page, site: Site) -> None:
    page.goto(site.url)
    held = []
    page.route("**/api/v1/suggest?q=m&*", held.append)
    box(page).click()
    page.keyboard.type("m")
    page.wait_for_timeout(200)
    page.keyboard.type("ug")
    expect(options(page).first).to_contain_text("mug")
    shown = options(page).all_inner_texts()
    for route in held:
        route.abort()
    page.wait_for_timeout(100)
    assert options(page).all_inner_texts() == shown


def test_a_box_without_suggestions_still_searches(page: Page, site: Site) -> None:
    page.goto(site.url)
    page.route("**/api/v1/suggest?*", lambda route: route.fulfill(status=200, body="{}"))
    box(page).fill("mug")
    page.wait_for_timeout(150)
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{site.url}/search?q=mug")


def test_recent_searches_are_offered_removed_and_forgotten(page: Page, site: Site) -> None:
    page.goto(site.url)
    for words in ("red mug", "blue lamp", "vase"):
        box(page).fill(words)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_contain_text(words)
    box(page).fill("")
    expect(options(page)).to_have_count(3)
    assert [text.strip() for text in options(page).all_inner_texts()] == [
        "vase",
        "blue lamp",
        "red mug",
    ]
    assert violations(page) == []
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Delete")
    expect(options(page)).to_have_count(2)
    options(page).first.locator("[data-forget]").click()
    expect(options(page)).to_have_count(1)
    page.get_by_role("button", name="Forget them").click()
    expect(options(page)).to_have_count(0)
    page.reload()
    box(page).click()
    expect(options(page)).to_have_count(0)


def test_what_found_nothing_is_not_offered_again(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/search?q=mug&filter.brand=nobody")
    box(page).fill("")
    page.wait_for_timeout(200)
    expect(options(page)).to_have_count(0)


def test_the_voice_button_is_there_only_where_the_browser_listens(
    new_page: NewPage, site: Site
) -> None:
    deaf = new_page()
    deaf.add_init_script("delete window.SpeechRecognition; delete window.webkitSpeechRecognition")
    deaf.goto(site.url)
    expect(deaf.get_by_role("button", name="Search by voice")).to_be_hidden()


def test_spoken_words_search_when_they_are_final(page: Page, site: Site) -> None:
    page.add_init_script(LISTENER)
    page.goto(site.url)
    button = page.get_by_role("button", name="Search by voice")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("window.listener.lang") == "en"
    page.evaluate(SAY, ["red", False])
    expect(box(page)).to_have_value("red")
    page.evaluate(SAY, ["red mug", True])
    page.evaluate("window.listener.onend()")
    expect(page).to_have_url(f"{site.url}/search?q=red+mug")
    expect(button).to_have_attribute("aria-pressed", "false")


def test_a_refused_microphone_is_said_and_the_words_come_back(page: Page, site: Site) -> None:
    page.add_init_script(LISTENER)
    page.goto(site.url)
    box(page).fill("lamp")
    page.get_by_role("button", name="Search by voice").click()
    page.evaluate(SAY, ["something", False])
    page.evaluate("window.listener.onerror({ error: 'not-allowed' }); window.listener.onend()")
    expect(page.get_by_role("alert")).to_contain_text("microphone")
    expect(box(page)).to_have_value("lamp")
    assert violations(page) == []
