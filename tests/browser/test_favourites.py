"""Favourites, what was looked at, and what fits: kept in the browser, shown by the same cards."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, Request, expect

from .conftest import NewPage, Site
from .test_accessible_and_steady import MAX_SHIFT, violations

pytestmark = pytest.mark.browser

FAVOURITES, SEEN = "shopsearch.favourites", "shopsearch.seen"
ASKS_NOT_TO = "Object.defineProperty(navigator, 'globalPrivacyControl', { value: true })"


def ids(page: Page, n: int) -> list[str]:
    """Some products of the start page, none a variant of another."""
    cards = page.locator("[aria-labelledby='new'] .card")
    return cards.evaluate_all(f"all => all.slice(0, {n}).map(it => it.dataset.productId)")


def kept(page: Page, name: str) -> list[str]:
    return json.loads(page.evaluate("name => localStorage.getItem(name)", name) or "[]")


def keep(page: Page, **lists: list[str]) -> None:
    for name, given in lists.items():
        write(page, f"shopsearch.{name}", json.dumps(given))


def write(page: Page, name: str, text: str) -> None:
    page.evaluate("([name, text]) => localStorage.setItem(name, text)", [name, text])


def asked(page: Page) -> list[Request]:
    """What the page asks for after it came, pictures and files apart."""
    requests: list[Request] = []
    page.on("request", lambda one: requests.append(one) if one.resource_type == "fetch" else None)
    return requests


@pytest.mark.parametrize("width", [390, 1280])
def test_a_heart_keeps_a_product_by_keyboard_and_another_press_lets_it_go(
    new_page: NewPage, site: Site, width: int
) -> None:
    page = new_page(width=width)
    page.goto(site.url)
    (one,) = ids(page, 1)
    heart = page.locator(f'[data-heart="{one}"]').first
    expect(heart).to_have_attribute("aria-pressed", "false")
    heart.press("Enter")
    expect(heart).to_have_attribute("aria-pressed", "true")
    expect(heart).to_be_focused()
    assert kept(page, FAVOURITES) == [one]
    page.goto(f"{site.url}/products/{one}")
    button = page.get_by_role("button", name="Favourite", exact=True)
    expect(button).to_have_attribute("aria-pressed", "true")
    button.press("Space")
    expect(button).to_have_attribute("aria-pressed", "false")
    assert kept(page, FAVOURITES) == []


def test_hearts_are_right_after_a_visit_in_place(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/search?q=mug&collapse=false")
    one = page.locator(".card").first.get_attribute("data-product-id")
    page.locator(f'[data-heart="{one}"]').click()
    page.locator("#sort").select_option("price_asc")
    page.wait_for_url("**/search?*sort=price_asc*")
    expect(page.locator(f'[data-heart="{one}"]')).to_have_attribute("aria-pressed", "true")


def test_the_page_of_favourites_shows_the_latest_first_and_is_cleared_by_one_press(
    page: Page, site: Site
) -> None:
    page.goto(f"{site.url}/favourites")
    expect(page.get_by_role("heading", name="No favourites yet")).to_be_visible()
    expect(page.get_by_role("button", name="Clear all favourites")).to_be_hidden()
    assert violations(page) == []
    page.goto(site.url)
    some = ids(page, 3)
    for one in some:
        page.locator(f'[data-heart="{one}"]').first.click()
    page.get_by_role("link", name="Favourites").click()
    cards = page.locator(".favourites .card")
    expect(cards).to_have_count(3)
    assert cards.evaluate_all("all => all.map(it => it.dataset.productId)") == some[::-1]
    expect(page.get_by_text("Some of your favourites are not in the shop")).to_be_hidden()
    assert violations(page) == []
    page.get_by_role("button", name="Clear all favourites").click()
    expect(page.get_by_role("heading", name="No favourites yet")).to_be_visible()
    expect(page.locator("[data-announcer]")).to_have_text("Cleared: you have no favourites now.")
    expect(page.locator("#main")).to_be_focused()
    expect(cards).to_have_count(0)
    assert kept(page, FAVOURITES) == []
    assert page.evaluate("window.layoutShift") < MAX_SHIFT


def test_a_hundred_favourites_with_long_names_are_asked_for_in_parts(
    page: Page, site: Site
) -> None:
    page.goto(site.url)
    (one,) = ids(page, 1)
    gone = [f"{n} {'ß' * 120}" for n in range(99)]
    keep(page, favourites=[*gone, one])
    requests = asked(page)
    page.goto(f"{site.url}/favourites")
    expect(page.locator(".favourites .card")).to_have_count(1)
    expect(page.get_by_text("Some of your favourites are not in the shop")).to_be_visible()
    assert len(requests) > 2
    assert max(len(request.url) for request in requests) < 4000
    assert len(kept(page, FAVOURITES)) == 100  # a product may come back


@pytest.mark.parametrize("stored", ["{", "7", '{"0": "a"}', "[1, null, {}]"])
def test_whatever_stands_in_the_storage_the_page_shows(page: Page, site: Site, stored: str) -> None:
    page.goto(site.url)
    write(page, FAVOURITES, stored)
    page.goto(f"{site.url}/favourites")
    expect(page.get_by_role("heading", name="No favourites yet")).to_be_visible()


def test_what_was_looked_at_is_shown_and_cleared(page: Page, site: Site) -> None:
    page.goto(site.url)
    first, second = ids(page, 2)
    page.goto(f"{site.url}/products/{first}")
    expect(page.get_by_role("heading", name="Recently viewed")).to_be_hidden()  # itself alone
    page.goto(f"{site.url}/products/{second}")
    seen = page.locator('[data-kept="seen"] .card')
    expect(seen).to_have_count(1)
    assert seen.get_attribute("data-product-id") == first
    assert kept(page, SEEN) == [second, first]
    page.goto(site.url)
    expect(seen).to_have_count(2)
    expect(page.get_by_text("Kept in this browser alone.")).to_be_visible()
    assert page.context.cookies() == []
    page.get_by_role("button", name="Clear Recently viewed").click()
    expect(page.get_by_role("heading", name="Recently viewed")).to_be_hidden()
    expect(page.get_by_role("heading", name="For you")).to_be_hidden()
    assert kept(page, SEEN) == []


@pytest.mark.parametrize("width", [390, 1280])
def test_for_you_says_why_and_nothing_moves_when_it_comes(
    new_page: NewPage, site: Site, width: int
) -> None:
    page = new_page(width=width)
    page.goto(site.url)
    liked, seen = ids(page, 2)
    keep(page, favourites=[liked], seen=[seen])
    requests = asked(page)
    page.goto(site.url)
    shelf = page.locator('[data-kept="for-you"]')
    expect(shelf.locator(".card").first).to_be_visible()
    page.wait_for_load_state("networkidle")
    reasons = shelf.locator(".shelf__reason").all_inner_texts()
    assert reasons[0].startswith("Like your favourite")
    assert reasons[1].startswith("Because you looked at")
    assert page.evaluate("window.layoutShift") < MAX_SHIFT
    assert page.evaluate("document.documentElement.scrollWidth") == width
    (sent,) = [one for one in requests if one.url.endswith("/for-you")]
    assert sent.post_data == f"like={liked}&seen={seen}"
    assert violations(page) == []


def test_where_nothing_is_kept_nothing_is_asked_and_nothing_is_shown(
    page: Page, site: Site
) -> None:
    requests = asked(page)
    page.goto(site.url)
    page.wait_for_load_state("networkidle")
    assert requests == []
    for name in ("For you", "Recently viewed"):
        expect(page.get_by_role("heading", name=name)).to_be_hidden()


def test_who_asks_not_to_be_followed_has_favourites_and_no_history(
    new_page: NewPage, site: Site
) -> None:
    page = new_page()
    page.goto(site.url)
    first, second = ids(page, 2)
    keep(page, favourites=[first], seen=[second])
    page.context.add_init_script(ASKS_NOT_TO)
    requests = asked(page)
    page.goto(f"{site.url}/products/{first}")
    assert kept(page, SEEN) == []
    expect(page.get_by_role("heading", name="Recently viewed")).to_be_hidden()
    page.goto(site.url)
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("heading", name="For you")).to_be_hidden()
    assert requests == []
    page.get_by_role("link", name="Favourites").click()
    expect(page.locator(".favourites .card")).to_have_count(1)


def test_a_heart_in_one_window_shows_in_the_other(page: Page, site: Site) -> None:
    page.goto(site.url)
    other = page.context.new_page()
    other.goto(site.url)
    (one,) = ids(page, 1)
    page.locator(f'[data-heart="{one}"]').first.click()
    expect(other.locator(f'[data-heart="{one}"]').first).to_have_attribute("aria-pressed", "true")


def test_without_scripts_the_page_says_what_it_needs(new_page: NewPage, site: Site) -> None:
    page = new_page(java_script_enabled=False)
    page.goto(f"{site.url}/favourites")
    expect(page.get_by_role("heading", name="Favourites need JavaScript")).to_be_visible()
    expect(page.get_by_role("heading", name="No favourites yet")).to_be_hidden()
    page.goto(site.url)
    expect(page.locator(".heart").first).to_be_hidden()


def test_categories_of_the_start_page_lead_in_place_to_their_products(
    page: Page, site: Site
) -> None:
    page.goto(site.url)
    tile = page.locator(".category").first
    count = tile.locator(".category__count").inner_text().split()[0]
    tile.click()
    page.wait_for_url("**/search?filter.product_type=*")
    expect(page.locator(".toolbar__count")).to_contain_text(count)
