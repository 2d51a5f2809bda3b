"""The looks: themes, languages, writing from right to left, zoom, forced colours, weight."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from shopsearch.settings import Settings

from .conftest import NewPage, Site, serving
from .test_accessible_and_steady import ADDRESSES, arrive, violations

pytestmark = pytest.mark.browser

FIRST_PAGE_BYTES = 150_000
SCRIPT_BYTES = 40_000
SHOWN = ("start", "results", "parts", "nothing", "product", "missing")

TOO_WIDE = """
() => [...document.querySelectorAll("body *")]
  .filter((one) => one.checkVisibility() && !one.closest("[data-scrolls]"))
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 1
    || one.getBoundingClientRect().left < -1)
  .filter((one) => getComputedStyle(one).position !== "absolute")
  .map((one) => one.outerHTML.slice(0, 120))
"""
WEIGHT = """
() => ["navigation", "resource"].flatMap((type) => performance.getEntriesByType(type))
  .filter((one) => one.initiatorType !== "img")
  .reduce((sum, one) => sum + one.encodedBodySize, 0)
"""


def overflows(page: Page) -> list[str]:
    """What reaches beyond the sides of the window."""
    wide = page.evaluate("document.scrollingElement.scrollWidth > innerWidth")
    return page.evaluate(TOO_WIDE) if wide else []


@pytest.mark.parametrize("name", SHOWN)
def test_nothing_is_cut_off_at_400_percent_zoom(
    new_page: NewPage, site: Site, complaints, name: str
) -> None:
    complaints.provoked |= {404}
    page = new_page(width=320, height=256)  # what 1280 x 1024 has at 400 %, WCAG 1.4.10
    arrive(page, site, ADDRESSES[name])
    assert overflows(page) == []


@pytest.mark.parametrize(
    ("name", "width"), [*((one, 390) for one in SHOWN), ("results", 1280), ("product", 1280)]
)
def test_pages_stand_when_written_from_right_to_left(
    new_page: NewPage, site: Site, complaints, name: str, width: int
) -> None:
    complaints.provoked |= {404}
    page = new_page(width=width)
    arrive(page, site, ADDRESSES[name])
    page.evaluate("document.documentElement.dir = 'rtl'")
    assert overflows(page) == []
    mark = page.locator(".brand-mark").bounding_box()
    box = page.locator("#q").bounding_box()
    assert mark
    assert box
    assert mark["x"] > box["x"]  # the head begins on the right


def test_controls_are_seen_in_forced_colours(new_page: NewPage, site: Site) -> None:
    page = new_page(forced_colors="active")
    arrive(page, site, ADDRESSES["parts"])
    for selector in (".searchbox", ".chip", "#sort", ".facet__box--chosen"):
        border = page.locator(selector).first.evaluate(
            "one => getComputedStyle(one).borderTopWidth + getComputedStyle(one).borderTopStyle"
        )
        assert border.endswith(("solid", "dashed")), selector
        assert not border.startswith("0px"), selector
    page.locator("#q").focus()
    page.keyboard.press("Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_a_first_visit_is_light(new_page: NewPage, site: Site) -> None:
    page = new_page()
    for address in ("/", "/search?q=red"):
        page.goto(site.url + address)
        page.wait_for_load_state("networkidle")
        assert page.evaluate(WEIGHT) < FIRST_PAGE_BYTES
    modules = page.locator('link[rel="modulepreload"]').evaluate_all("all => all.map(o => o.href)")
    assert len(modules) > 5
    sizes = [len(gzip.compress(page.request.get(one).body())) for one in modules]
    assert sum(sizes) < SCRIPT_BYTES


@pytest.mark.parametrize("width", [390, 1280])
def test_a_visitor_changes_the_language_on_any_page(
    new_page: NewPage, site: Site, width: int
) -> None:
    page = new_page(width=width)
    page.goto(f"{site.url}/search?q=mug")
    page.get_by_role("button", name="中文").click()
    expect(page).to_have_url(f"{site.url}/search?q=mug")
    expect(page.get_by_role("button", name="搜索", exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "zh"
    assert violations(page) == []
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("button", name="Search", exact=True)).to_be_visible()


def test_the_language_is_changed_where_results_were_swapped_in(page: Page, site: Site) -> None:
    page.goto(site.url)
    page.locator("#q").fill("mug")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{site.url}/search?q=mug")
    page.get_by_role("button", name="中文").click()
    expect(page).to_have_url(f"{site.url}/search?q=mug")


def test_a_shop_looks_as_its_theme_says(new_page: NewPage, site: Site, tmp_path: Path) -> None:
    theme, logo = tmp_path / "own.css", tmp_path / "own.svg"
    theme.write_text(":root { --accent: rgb(120 0 80); }\n")
    logo.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="32" viewBox="0 0 64 32">'
        '<rect width="64" height="32" fill="#780050"/></svg>'
    )
    settings = site.services.settings.model_copy(
        update={"theme": theme, "logo": logo, "shop_name": "Ambrosia"}
    )
    with serving(Settings.model_validate(settings.model_dump())) as url:
        page = new_page()
        page.goto(url)
        go = page.get_by_role("button", name="Search", exact=True)
        assert go.evaluate("one => getComputedStyle(one).backgroundColor") == "rgb(120, 0, 80)"
        shown = page.locator(".brand-mark__logo").evaluate("one => one.naturalWidth")
        assert shown == 64
        assert page.title().startswith("Ambrosia")
        assert violations(page) == []
