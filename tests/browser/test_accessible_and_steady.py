"""Every page in light and dark, at several widths: axe finds nothing, and nothing jumps."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from shopsearch.server import create_app

from .conftest import Complaints, NewPage, Site
from .test_shop_window import a_product, choose_picture, see

pytestmark = pytest.mark.browser

MAX_SHIFT = 0.05
WINDOWS = ((390, "light"), (768, "light"), (1280, "dark"), (1920, "light"))
ADDRESSES = {
    "start": "/",
    "results": "/search?q=mug",
    "parts": "/search?q=red&like={id}&not=blue&filter.color=red&filter.color=blue&price.max=90",
    "nothing": "/search?q=mug&filter.brand=nobody",
    "beyond": "/search?q=mug&page=9",
    "product": "/products/{id}",
    "product by parameter": "/products?id={id}",
    "missing": "/products/none",
    "compare": "/compare?id={id}&id=none",
    "compare nothing": "/compare",
    "favourites": "/favourites",
    "values": "/search/values?facets=brand",
    "why": "/why?id={id}&like={id}",
    "why not": "/why?q=mug&id={id}&page=9",
    "talked": "/refine?q=mug&say=like+the+99th",
    "refused": "/search?sort=wild",
}
# what is no page of its own: the cards that favourites are shown by
PIECES = {"pages.cards"}
MISSING_OR_REFUSED = {400, 404}


def violations(page: Page) -> list[str]:
    """What axe-core objects to, WCAG 2.2 AA and best practices, by rule and place."""
    found = Axe().run(page).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:200]}: {node.get('failureSummary', '')}"
        for rule in found
        for node in rule["nodes"]
    ]


def arrive(page: Page, site: Site, address: str) -> None:
    page.goto(site.url + address.format(id=a_product(site)))
    page.wait_for_load_state("networkidle")


def test_every_page_is_among_the_addresses(site: Site) -> None:
    rules = create_app(site.services).url_map
    pages = {
        rule.endpoint
        for rule in rules.iter_rules()
        if rule.endpoint.startswith("pages.") and "GET" in (rule.methods or ())
    }
    paths = [urlsplit(address.format(id="an-id")).path for address in ADDRESSES.values()]
    visited = {rules.bind("localhost").match(path)[0] for path in paths}
    assert visited == pages - PIECES


@pytest.mark.parametrize("window", WINDOWS, ids=str)
@pytest.mark.parametrize("name", ADDRESSES)
def test_a_page_fits_its_window_stands_still_and_axe_finds_nothing(
    new_page: NewPage, site: Site, complaints: Complaints, name: str, window: tuple[int, str]
) -> None:
    complaints.provoked |= MISSING_OR_REFUSED
    width, scheme = window
    is_phone = width < 500
    page = new_page(width=width, is_mobile=is_phone, has_touch=is_phone, color_scheme=scheme)
    arrive(page, site, ADDRESSES[name])
    page.mouse.wheel(0, 1500)
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate("window.layoutShift") < MAX_SHIFT
    assert violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_what_opens(
    new_page: NewPage, site: Site, complaints: Complaints, tmp_path: Path, scheme: str
) -> None:
    complaints.provoked.add(422)
    page = new_page(width=390, color_scheme=scheme)
    arrive(page, site, "/search?q=mug")
    page.locator(".lens__open").click()
    assert violations(page) == []
    choose_picture(page, site.picture_of(a_product(site)))
    see(page, "“mug” and your picture")
    assert violations(page) == []
    letter = tmp_path / "letter.pdf"
    letter.write_bytes(b"%PDF")
    choose_picture(page, letter)
    expect(page.get_by_role("alert")).to_be_visible()
    assert violations(page) == []
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff")
    choose_picture(page, broken)
    see(page, "That picture cannot be used")
    assert violations(page) == []


def test_nothing_jumps_while_results_are_swapped(page: Page, site: Site) -> None:
    arrive(page, site, "/search?q=mug")
    choose_picture(page, site.picture_of(a_product(site)))
    see(page, "“mug” and your picture")
    page.wait_for_load_state("networkidle")
    assert page.evaluate("window.layoutShift") < MAX_SHIFT


def test_touch_targets_are_large_enough(new_page: NewPage, site: Site) -> None:
    page = new_page(width=390, is_mobile=True, has_touch=True)
    arrive(page, site, ADDRESSES["parts"])
    small = page.evaluate(
        """() => [...document.querySelectorAll("button, select, summary, a[class$=like], .chip a")]
          .map((place) => [place.className, place.getBoundingClientRect()])
          .filter(([, box]) => box.width && (box.width < 43.5 || box.height < 43.5))
          .map(([name, box]) => `${name}: ${box.width} x ${box.height}`)"""
    )
    assert small == []
