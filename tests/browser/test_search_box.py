"""The search box: suggestions by keys, pointer and finger, recent searches, and voice."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, Request, Route, expect

from shopsearch.domain import AnyOf, ProductFilter, Query

from .conftest import Complaints, NewPage, Site
from .test_accessible_and_steady import MAX_SHIFT, violations
from .test_shop_window import expected, see, titles

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844, "is_mobile": True, "has_touch": True}
KEPT = "shopsearch.recent"
# what a browser would hear is said by the test: Chromium without a window has no service for it
FAKE_VOICE = """
window.SpeechRecognition = class {
  start() { window.recognition = this; }
  stop() { this.onend(); }
  abort() { this.onerror({ error: "aborted" }); this.onend(); }
};
window.say = (transcript, isFinal) =>
  window.recognition.onresult({ results: [Object.assign([{ transcript }], { isFinal })] });
window.fail = (error) => { window.recognition.onerror({ error }); window.recognition.onend(); };
"""


@pytest.fixture
def box(page: Page, site: Site) -> Locator:
    page.goto(site.url)
    return box_of(page)


def box_of(page: Page) -> Locator:
    return page.get_by_role("combobox", name="Search by words")


def options(page: Page) -> Locator:
    return page.get_by_role("listbox", name="Suggestions").get_by_role("option")


def type_in(page: Page, words: str) -> Locator:
    """The suggestions for typed words."""
    box_of(page).press_sequentially(words)
    expect(options(page).first).to_be_visible()
    return options(page)


def active(page: Page) -> str | None:
    """The option that a screen reader is told of."""
    return page.evaluate(
        """() => {
          const box = document.querySelector("#q");
          const option = document.getElementById(box.getAttribute("aria-activedescendant"));
          return option?.getAttribute("aria-selected") === "true" ? option.innerText : null;
        }"""
    )


def kept(page: Page) -> list[str]:
    return json.loads(page.evaluate(f"localStorage.getItem('{KEPT}')") or "[]")


def with_recent(page: Page, site: Site, *searches: str) -> Locator:
    page.goto(site.url)
    page.evaluate("([key, kept]) => localStorage.setItem(key, kept)", [KEPT, json.dumps(searches)])
    box_of(page).click()
    expect(options(page)).to_have_count(len(searches) + 1)  # and one that forgets all
    return options(page)


def test_the_suggestions_are_those_of_the_shop_with_what_was_typed_marked(
    page: Page, site: Site, box: Locator
) -> None:
    expect(box).to_have_attribute("aria-expanded", "false")
    type_in(page, "stri")
    expect(box).to_have_attribute("aria-expanded", "true")
    suggested = site.services.suggestions.suggest("stri", 6)
    words = page.locator("[data-kind=words] .suggest__words")
    expect(words).to_have_text([one.text for one in suggested.suggestions if one.text != "stri"])
    assert words.first.locator("mark").inner_text() == "stri"
    products = page.locator("[data-kind=product] .suggest__words")
    expect(products).to_have_text([one.product.title for one in suggested.products[:4]])
    n = options(page).count()
    expect(page.locator("[data-announcer]")).to_have_text(f"Suggestions: {n}")


def test_keys_lead_through_the_suggestions_and_the_focus_stays_in_the_box(
    page: Page, site: Site, box: Locator
) -> None:
    found = type_in(page, "stri").all_inner_texts()
    assert active(page) is None
    box.press("ArrowDown")
    assert active(page) == found[0]
    box.press("ArrowUp")
    assert active(page) == found[-1]
    box.press("ArrowDown")
    assert active(page) == found[0]
    expect(box).to_be_focused()
    box.press("Home")
    assert active(page) is None
    assert page.evaluate("document.querySelector('#q').selectionStart") == 0
    box.press("ArrowDown")
    box.press("Enter")
    see(page, f"“{found[0]}”")
    assert titles(page) == expected(site, Query(text=found[0]))
    expect(options(page)).to_have_count(0)
    expect(box).to_have_attribute("aria-expanded", "false")


def test_enter_searches_for_what_was_typed_where_no_suggestion_was_chosen(
    page: Page, box: Locator
) -> None:
    type_in(page, "stri")
    box.press("Enter")
    see(page, "“stri”")
    expect(page.locator("#suggestions")).to_be_hidden()


def test_escape_closes_the_list_and_then_clears_the_box_and_tab_leaves(
    page: Page, box: Locator
) -> None:
    type_in(page, "mug")
    box.press("Escape")
    expect(page.locator("#suggestions")).to_be_hidden()
    expect(box).to_have_value("mug")
    box.press("ArrowDown")
    expect(options(page).first).to_be_visible()
    box.press("Tab")
    expect(page.locator("#suggestions")).to_be_hidden()
    expect(box).to_have_value("mug")
    box.focus()
    box.press("Escape")
    expect(box).to_have_value("")
    expect(box).to_be_focused()


def test_a_pointer_chooses_and_the_box_keeps_the_focus(
    page: Page, site: Site, box: Locator
) -> None:
    found = type_in(page, "umb")
    words = found.first.inner_text()
    found.first.hover()
    assert active(page) == words
    page.mouse.down()
    expect(box).to_be_focused()
    expect(found.first).to_be_visible()
    page.mouse.up()
    see(page, f"“{words}”")


def test_a_category_a_brand_and_a_product_lead_to_their_pages(
    page: Page, site: Site, box: Locator
) -> None:
    found = site.services.suggestions.suggest("mug", 6)
    type_in(page, "mug")
    page.locator("[data-kind=category]").first.click()
    category = found.categories[0].category
    see(page, "All products")
    assert parse_qs(urlsplit(page.url).query) == {"filter.category": [category]}
    where = ProductFilter((AnyOf("category", (category.casefold(),)),))
    assert titles(page) == expected(site, Query(where=where))
    expect(box).to_have_value("")

    # one of a single word is a word among others
    brand = next(one for one in site.services.catalog_words.brands if " " in one)
    type_in(page, brand.split()[0])
    page.locator("[data-kind=brand]").first.click()
    page.wait_for_url(lambda url: parse_qs(urlsplit(url).query) == {"filter.brand": [brand]})

    box.fill("")
    type_in(page, "mug")
    page.locator("[data-kind=product]").first.click()
    see(page, found.products[0].product.title)


def test_an_older_answer_never_replaces_a_newer_one(page: Page, site: Site, box: Locator) -> None:
    held: list[Route] = []
    overtaken: list[Request] = []

    def fail(request: Request) -> None:
        overtaken.append(request)

    def hold_the_first(route: Route) -> None:
        if parse_qs(urlsplit(route.request.url).query)["q"] == ["m"]:
            held.append(route)
        else:
            route.continue_()

    page.on("requestfailed", fail)
    page.route("**/api/v1/suggest?*", hold_the_first)
    with page.expect_request("**/suggest?q=m&*"):
        box.press_sequentially("m")
    box.press_sequentially("ug")
    newer = [one.text for one in site.services.suggestions.suggest("mug", 6).suggestions]
    shown = page.locator("[data-kind=words]")
    expect(shown).to_have_text([text for text in newer if text != "mug"])
    held[0].fulfill(json={"suggestions": [{"text": "m old", "kind": "words"}]})
    box.press_sequentially("s")  # whatever comes of the answer has come before this is answered
    expect(page.get_by_role("option").filter(has_text="Mugs")).to_be_visible()
    expect(page.get_by_text("m old")).to_have_count(0)
    assert overtaken == [held[0].request]


def test_what_was_asked_before_is_not_asked_again(page: Page, box: Locator) -> None:
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url) if "/suggest?" in one.url else None)
    type_in(page, "mu")
    box.press("Backspace")
    box.press_sequentially("u")
    expect(options(page).first).to_be_visible()
    n_asked = len([url for url in asked if "q=mu&" in url])
    assert n_asked == 1


def test_without_suggestions_the_box_goes_on_working(
    page: Page, box: Locator, complaints: Complaints
) -> None:
    complaints.provoked.add(503)
    page.route("**/suggest?*", lambda route: route.fulfill(status=503, json={}))
    with page.expect_response("**/suggest?*"):
        box.press_sequentially("mug")
    expect(page.locator("#suggestions")).to_be_hidden()
    box.press("Enter")
    see(page, "“mug”")


def test_recent_searches_are_shown_by_an_empty_box_and_above_suggestions(
    page: Page, site: Site, box: Locator
) -> None:
    for words in ("striped mug", "red lamp", "Striped  mug"):
        box.fill(words)
        box.press("Enter")
        see(page, f"“{words}”")
    assert kept(page) == ["Striped mug", "red lamp"]
    page.goto(site.url)
    box.click()
    expect(options(page)).to_have_text(["Striped mug", "red lamp", "Forget all recent searches"])
    type_in(page, "str")
    expect(options(page).first).to_have_text("Striped mug")
    expect(page.locator("[data-announcer]")).to_contain_text("Shift and Delete")
    box.press("ArrowDown")
    box.press("Enter")
    see(page, "“Striped mug”")


def test_recent_searches_can_be_forgotten_and_stay_in_the_browser(page: Page, site: Site) -> None:
    sent: list[str] = []
    page.on("request", lambda one: sent.append(one.url + (one.post_data or "")))
    recent = with_recent(page, site, "one secret", "two secret", "three secret")
    recent.first.locator("[data-forget]").click()
    expect(recent).to_have_count(3)
    assert kept(page) == ["two secret", "three secret"]
    box_of(page).press("ArrowDown")
    box_of(page).press("Shift+Delete")
    assert kept(page) == ["three secret"]
    assert (active(page) or "").strip() == "three secret"
    recent.last.click()
    assert kept(page) == []
    expect(page.locator("#suggestions")).to_be_hidden()
    expect(box_of(page)).to_be_focused()
    assert not [one for one in sent if "secret" in one]


def test_no_more_than_eight_searches_are_kept_and_strange_ones_do_no_harm(
    page: Page, box: Locator
) -> None:
    page.evaluate(f"localStorage.setItem('{KEPT}', '{{\"not\": \"a list\"}}')")
    for n in range(10):
        box.fill(f"mug {n}")
        box.press("Enter")
        see(page, f"“mug {n}”")
    assert kept(page) == [f"mug {n}" for n in range(9, 1, -1)]


def test_the_cross_clears_the_words_and_the_box_has_the_focus(page: Page, box: Locator) -> None:
    clear = page.get_by_role("button", name="Clear the words")
    expect(clear).to_be_hidden()
    type_in(page, "mug")
    clear.click()
    expect(box).to_have_value("")
    expect(box).to_be_focused()
    expect(clear).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_open_list_is_accessible_and_moves_nothing(
    new_page: NewPage, site: Site, scheme: str
) -> None:
    for window in ({"width": 1280}, PHONE):
        page = new_page(color_scheme=scheme, **window)
        with_recent(page, site, "striped lamp", "mug")
        assert violations(page) == []
        type_in(page, "s")
        expect(page.locator("[data-kind=product]").first).to_be_visible()
        box_of(page).press("ArrowDown")
        assert violations(page) == []
        assert page.evaluate("window.layoutShift") < MAX_SHIFT


def test_on_a_phone_the_list_is_as_wide_as_the_window_and_taps_choose(
    new_page: NewPage, site: Site
) -> None:
    page = new_page(**PHONE)
    recent = with_recent(page, site, "striped lamp", "mug")
    frame = page.locator("#suggestions").bounding_box()
    assert frame is not None
    assert (frame["x"], frame["width"]) == (0, 390)
    assert frame["y"] + frame["height"] <= 844
    for place in [*recent.all(), *page.locator("[data-forget]").all()]:
        size = place.bounding_box()
        assert size is not None
        assert min(size["width"], size["height"]) >= 44
    recent.nth(1).tap()
    see(page, "“mug”")
    expect(page.locator("#suggestions")).to_be_hidden()


def test_voice_shows_words_while_they_are_said_and_searches_at_the_end(
    new_page: NewPage, site: Site
) -> None:
    page = new_page()
    page.add_init_script(FAKE_VOICE)
    page.goto(site.url)
    voice = page.get_by_role("button", name="Search by voice")
    voice.click()
    expect(voice).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("recognition.lang") == "en"
    assert violations(page) == []
    page.evaluate("say('striped', false)")
    expect(box_of(page)).to_have_value("striped")
    page.evaluate("say('striped mug', true)")
    page.evaluate("recognition.onend()")
    see(page, "“striped mug”")
    expect(voice).to_have_attribute("aria-pressed", "false")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("not-allowed", "may not use the microphone"),
        ("no-speech", "Nothing was heard"),
        ("audio-capture", "No microphone"),
        ("network", "cannot turn speech into words"),
    ],
)
def test_voice_that_fails_says_why_and_keeps_what_was_typed(
    new_page: NewPage, site: Site, error: str, said: str
) -> None:
    page = new_page(width=390)
    page.add_init_script(FAKE_VOICE)
    page.goto(site.url)
    page.get_by_role("button", name="Search by voice").click()
    page.evaluate("say('half a sen', false)")
    page.evaluate(f"fail('{error}')")
    expect(page.get_by_role("alert")).to_contain_text(said)
    expect(box_of(page)).to_have_value("")


def test_escape_ends_listening_without_a_word(new_page: NewPage, site: Site) -> None:
    page = new_page()
    page.add_init_script(FAKE_VOICE)
    page.goto(site.url)
    box_of(page).fill("mug")
    page.get_by_role("button", name="Search by voice").click()
    page.evaluate("say('lamp', false)")
    page.keyboard.press("Escape")
    expect(box_of(page)).to_have_value("mug")
    expect(page.get_by_role("alert")).to_have_count(0)


def test_voice_is_not_offered_where_the_browser_cannot_listen(
    new_page: NewPage, site: Site
) -> None:
    page = new_page()
    page.add_init_script("delete window.SpeechRecognition; delete window.webkitSpeechRecognition")
    page.goto(site.url)
    expect(box_of(page)).to_be_visible()
    expect(page.get_by_role("button", name="Search by voice")).to_have_count(0)
