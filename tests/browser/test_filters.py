"""Filters in a real browser: beside the results, in the drawer of a phone, and by keys alone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from shopsearch.domain import AnyOf, Between, ProductFilter, Query

from .conftest import NewPage, Site
from .test_accessible_and_steady import MAX_SHIFT, violations
from .test_shop_window import answer, be_complete

pytestmark = pytest.mark.browser

PHONE = {"width": 390, "height": 844, "is_mobile": True, "has_touch": True}


def total(site: Site, *conditions: AnyOf | Between) -> int:
    return answer(site, Query(where=ProductFilter(conditions))).total


@pytest.fixture
def colors(site: Site) -> list[str]:
    """The most frequent colours, which the panel shows without further ado."""
    found = site.services.search.search(Query(facets=("color",), cutoff=True, collapse=True))
    return [one.value for one in found.facets[0].values[:2]]


def counts_up_to(page: Page, n: int) -> None:
    """The count over the results, which says how many there are."""
    expect(page.locator(".toolbar__count")).to_contain_text(re.compile(rf"^{n} products?\b"))
    be_complete(page)


def value(page: Page, facet: str, words: str) -> Locator:
    return page.locator(f'[data-fold="{facet}"] a[data-value]').filter(has_text=words).first


def top_of(place: Locator) -> float:
    """Where it is in the window."""
    return place.evaluate("one => one.getBoundingClientRect().top")


def opened_drawer(page: Page, site: Site, address: str = "/search") -> Locator:
    page.goto(site.url + address)
    page.get_by_role("button", name="Filters").click()
    drawer = page.get_by_role("dialog", name="Filters")
    expect(drawer).to_be_visible()
    return drawer


def test_values_are_chosen_beside_each_other_and_the_focus_stays(
    page: Page, site: Site, colors: list[str]
) -> None:
    first, second = colors
    page.goto(f"{site.url}/search")
    value(page, "color", first).focus()
    top = top_of(value(page, "color", first))
    page.keyboard.press("Enter")
    counts_up_to(page, total(site, AnyOf("color", (first,))))
    expect(value(page, "color", first)).to_be_focused()
    assert abs(top_of(value(page, "color", first)) - top) < 2
    value(page, "color", second).click()
    counts_up_to(page, total(site, AnyOf("color", (first, second))))
    expect(value(page, "color", second)).to_be_focused()
    assert page.url == f"{site.url}/search?filter.color={first}&filter.color={second}"
    page.keyboard.press("Enter")
    counts_up_to(page, total(site, AnyOf("color", (first,))))
    assert page.evaluate("window.layoutShift") < MAX_SHIFT


def test_a_facet_is_cleared_alone_and_all_at_once(
    page: Page, site: Site, colors: list[str]
) -> None:
    page.goto(f"{site.url}/search?filter.color={colors[0]}&price.max=60")
    page.get_by_role("link", name="Clear Color").click()
    counts_up_to(page, total(site, Between("price", None, 60.0)))
    expect(page.locator('[data-fold="color"] > summary')).to_be_focused()
    value(page, "color", colors[1]).click()
    page.locator(".facets").get_by_role("link", name="Clear all filters").click()
    counts_up_to(page, total(site))
    assert page.url == f"{site.url}/search"


def test_folds_stay_as_they_were_left(page: Page, site: Site, colors: list[str]) -> None:
    page.goto(f"{site.url}/search")
    page.locator('[data-fold="brand"] > summary').click()
    value(page, "color", colors[0]).click()
    counts_up_to(page, total(site, AnyOf("color", (colors[0],))))
    expect(page.locator('[data-fold="brand"]')).not_to_have_attribute("open", "")


def test_a_category_opens_and_leads_back(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/search")
    category = page.locator('[data-fold="product_type"]')
    category.locator(".branch__open").first.focus()
    page.keyboard.press("Enter")
    below = category.locator(".branch__below a[data-value]").first
    expect(below).to_be_visible()
    below.click()
    expect(page.locator(".chip")).to_have_count(1)
    expect(below).to_be_focused()
    category.get_by_role("link", name="All categories").click()
    counts_up_to(page, total(site))


def test_the_thumbs_of_the_price_are_moved_by_keys_and_say_money(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/search")
    low, high = page.get_by_label("Lowest price"), page.get_by_label("Highest price")
    low.focus()
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    said = low.get_attribute("aria-valuetext") or ""
    page.wait_for_url("**/search?price.min=*")
    bound = float(page.url.partition("price.min=")[2])
    assert said in {f"${bound:g}", f"${bound:.2f}"}
    counts_up_to(page, total(site, Between("price", bound, None)))
    expect(low).to_be_focused()
    expect(page.get_by_label("From, USD")).to_have_value(f"{bound:g}")
    page.keyboard.press("End")
    assert int(low.input_value()) == int(high.input_value()) - 1
    expect(low).to_be_focused()


def test_a_thumb_is_dragged_and_bars_outside_fade(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/search")
    high = page.get_by_label("Highest price")
    high.scroll_into_view_if_needed()
    box = high.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] - 12, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, middle, steps=4)
    n_bars = page.locator(".histogram__bar").count()
    expect(page.locator(".histogram__bar--chosen")).to_have_count(n_bars // 2)
    page.mouse.up()
    page.wait_for_url("**/search?price.max=*")
    bound = float(page.url.partition("price.max=")[2])
    counts_up_to(page, total(site, Between("price", None, bound)))


def test_exact_prices_are_typed_and_put_in_order(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/search")
    page.get_by_label("From, USD").fill("80")
    page.get_by_label("To, USD").fill("20.5")
    page.get_by_label("To, USD").press("Enter")
    counts_up_to(page, total(site, Between("price", 20.5, 80.0)))
    expect(page.get_by_label("To, USD")).to_be_focused()
    page.get_by_label("From, USD").fill("900000")
    page.get_by_label("To, USD").fill("")
    page.get_by_role("button", name="Set").click()
    expect(page.get_by_text("Nothing matches all of that")).to_be_visible()
    page.get_by_role("link", name="Clear Price").click()  # the filters stay in reach
    counts_up_to(page, total(site))


def test_values_are_searched_where_there_are_many(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/search")
    brand = page.locator('[data-fold="product_type"]')
    box = brand.get_by_role("searchbox")
    first = brand.locator("[data-values] a[data-value] .facet__words").first.inner_text()
    box.fill(first[:4].lower())
    expect(brand.locator("[data-found] a[data-value]").first).to_contain_text(first)
    expect(brand.locator("[data-values]")).to_be_hidden()
    box.fill("no such thing")
    expect(brand.get_by_text("Nothing of that name")).to_be_visible()
    box.fill("")
    expect(brand.locator("[data-values]")).to_be_visible()


def test_on_a_phone_filters_are_a_drawer_that_stays_open(
    new_page: NewPage, site: Site, colors: list[str]
) -> None:
    page = new_page(**PHONE)
    drawer = opened_drawer(page, site)
    show = drawer.get_by_role("button", name="Show")
    expect(show).to_have_text(f"Show {total(site)} products")
    value(page, "color", colors[0]).click()
    n = total(site, AnyOf("color", (colors[0],)))
    expect(show).to_have_text(re.compile(rf"Show {n} products?"))
    expect(value(page, "color", colors[0])).to_be_focused()
    expect(drawer.get_by_role("status").first).to_contain_text(f"{n} product")
    show.click()
    expect(drawer).to_be_hidden()
    counts_up_to(page, n)
    opener = page.get_by_role("button", name="Filters")
    expect(opener).to_be_focused()
    expect(opener).to_contain_text("1")
    assert page.evaluate("window.layoutShift") < MAX_SHIFT


def test_the_drawer_holds_the_focus_and_escape_or_its_backdrop_closes_it(
    new_page: NewPage, site: Site
) -> None:
    page = new_page(**PHONE)
    drawer = opened_drawer(page, site)
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate(
        "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
    )
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(page.get_by_role("button", name="Filters")).to_be_focused()
    page.keyboard.press("Enter")
    expect(drawer).to_be_visible()
    page.mouse.click(200, 20)
    expect(drawer).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_open_drawer(new_page: NewPage, site: Site, scheme: str) -> None:
    page = new_page(**PHONE, color_scheme=scheme)
    opened_drawer(page, site, "/search?filter.color=red&price.min=5")
    page.wait_for_timeout(300)  # what rises is half transparent
    assert violations(page) == []
    small = page.evaluate(
        """() => [...document.querySelectorAll("dialog :is(a, button, summary, input)")]
          .filter((place) => place.checkVisibility() && place.type !== "range")
          .map((place) => [place.className, place.getBoundingClientRect()])
          .filter(([, box]) => box.height < 43.5)
          .map(([name, box]) => `${name}: ${box.width} x ${box.height}`)"""
    )
    assert small == []


def test_the_drawer_fits_the_narrowest_phone(new_page: NewPage, site: Site) -> None:
    page = new_page(width=320, height=640, is_mobile=True, has_touch=True)
    drawer = opened_drawer(page, site, "/search?filter.color=red")
    assert drawer.evaluate("one => one.scrollWidth") <= 320
    assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_without_scripts_filters_are_a_fold_of_links_and_fields(
    new_page: NewPage, site: Site, colors: list[str]
) -> None:
    page = new_page(**PHONE, java_script_enabled=False)
    page.goto(f"{site.url}/search")
    page.locator(".facets__unfold").click()
    expect(page.get_by_label("Lowest price")).to_have_count(1)
    expect(page.get_by_label("Lowest price")).to_be_hidden()
    page.get_by_label("To, USD").fill("40")
    page.get_by_role("button", name="Set").click()
    counts_up_to(page, total(site, Between("price", None, 40.0)))
    page.locator(".facets__unfold").click()
    value(page, "color", colors[0]).click()
    counts_up_to(page, total(site, Between("price", None, 40.0), AnyOf("color", (colors[0],))))
