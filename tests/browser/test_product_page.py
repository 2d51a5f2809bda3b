"""The page of a product: gallery and a closer look, variants, and what is like it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from shopsearch.bootstrap import Services
from shopsearch.catalog import open_feed
from shopsearch.demo.drawn import draw_shop
from shopsearch.domain import FeedRow
from shopsearch.settings import Settings
from tests.engines import Engines

from .conftest import NewPage, serving
from .test_accessible_and_steady import MAX_SHIFT, violations

pytestmark = pytest.mark.browser

N_PICTURES = 3


@dataclass(frozen=True)
class Pictured:
    """A shop of which one product has several pictures."""

    url: str
    product_id: str

    @property
    def address(self) -> str:
        return f"{self.url}/products/{self.product_id}"


@dataclass(frozen=True)
class WithFurther:
    """The drawn shop; the first product that comes in several colours has further pictures."""

    feed: Path

    def size_hint(self) -> int | None:
        return None

    @property
    def chosen(self) -> str:
        products = [row.product for row in open_feed(self.feed)]
        groups = Counter(product.item_group_id for product in products)
        return next(one.product_id for one in products if groups[one.item_group_id] > 1)

    def __iter__(self) -> Iterator[FeedRow]:
        rows, chosen = list(open_feed(self.feed)), self.chosen
        further = [row.product.images[0] for row in rows if row.product.product_id != chosen]
        for row in rows:
            more = further[: N_PICTURES - 1] if row.product.product_id == chosen else ()
            yield FeedRow(row.row, replace(row.product, images=(*row.product.images, *more)))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, engines: Engines) -> Iterator[Pictured]:
    folder = tmp_path_factory.mktemp("pictured")
    with engines.settings(index="exact") as of_engines:
        settings = Settings(
            home=folder / "home",
            encoder="hashing",
            port=0,
            rate_limit="off",
            **of_engines,
        )
        feed = WithFurther(draw_shop(folder / "feed", n_products=40))
        with Services.open(settings) as services:
            services.indexer.run(feed, feed_name="drawn")
        with serving(settings) as url:
            yield Pictured(url, feed.chosen)


def shown_number(page: Page) -> str | None:
    return page.locator('[data-jump][aria-current="true"]').get_attribute("data-jump")


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_page_fits_and_nothing_jumps(new_page: NewPage, shop: Pictured, width: int) -> None:
    page = new_page(width=width, is_mobile=width < 500, has_touch=width < 500)
    page.goto(shop.address)
    page.mouse.wheel(0, 2500)
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate("window.layoutShift") < MAX_SHIFT


def test_small_pictures_jump_to_theirs(page: Page, shop: Pictured) -> None:
    page.goto(shop.address)
    expect(page.locator("[data-jump]")).to_have_count(N_PICTURES)
    page.get_by_role("link", name="Picture 3 of 3", exact=True).click()
    expect(page.locator('[data-jump="2"]')).to_have_attribute("aria-current", "true")
    expect(page.locator('[data-jump="0"]')).not_to_have_attribute("aria-current", "true")
    assert page.evaluate("scrollY") == 0
    assert page.url == shop.address


@pytest.mark.parametrize("width", [390, 1280])
def test_a_picture_is_looked_at_closer_by_keyboard_alone(
    new_page: NewPage, shop: Pictured, width: int
) -> None:
    page = new_page(width=width)
    page.goto(shop.address)
    opener = page.locator("[data-zoom]").first
    opener.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    assert violations(page) == []

    stage = dialog.locator("[data-zoom-stage]")
    dialog.get_by_role("button", name="Next picture").press("Enter")
    expect(dialog.locator("[data-zoom-number]")).to_have_text("2")
    stage.press("+")
    expect(dialog.get_by_role("button", name="Larger")).to_have_attribute("aria-pressed", "true")
    at = stage.evaluate("it => it.scrollLeft")
    assert at > 0
    stage.press("ArrowRight")
    page.wait_for_function(
        "at => document.querySelector('[data-zoom-stage]').scrollLeft > at", arg=at
    )
    stage.press("-")
    assert stage.evaluate("it => it.scrollWidth <= it.clientWidth")

    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()


def test_a_mouse_drags_the_picture_and_a_click_brings_it_closer(page: Page, shop: Pictured) -> None:
    page.goto(shop.address)
    page.locator("[data-zoom]").first.click()
    stage = page.locator("[data-zoom-stage]")
    box = stage.bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.click(*middle)
    expect(stage).to_have_class(re.compile("closer"))
    at = stage.evaluate("it => it.scrollLeft")
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] - 120, middle[1], steps=4)
    page.mouse.up()
    assert stage.evaluate("it => it.scrollLeft") == pytest.approx(at + 120, abs=2)
    expect(stage).to_have_class(re.compile("closer"))  # a drag is no click
    page.get_by_role("button", name="Close", exact=True).click()
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_without_scripts_pictures_are_links_and_jumps(new_page: NewPage, shop: Pictured) -> None:
    page = new_page(java_script_enabled=False)
    page.goto(shop.address)
    page.get_by_role("link", name="Picture 2 of 3", exact=True).click()
    assert page.url.endswith("#picture-2")
    address = page.locator("[data-zoom]").nth(1).get_attribute("href")
    assert page.request.get(shop.url + address).headers["content-type"] == "image/jpeg"
    expect(page.locator(".heart-button")).to_be_hidden()


def test_variants_lead_to_each_other(page: Page, shop: Pictured) -> None:
    page.goto(shop.address)
    colours = page.get_by_role("navigation", name="Color")
    current = colours.locator('[aria-current="true"]')
    expect(current).to_have_attribute("href", f"/products/{shop.product_id}")
    other = colours.locator("a:not([aria-current])").first
    value = other.get_attribute("title")
    other.click()
    expect(colours.locator('[aria-current="true"]')).to_have_attribute("title", value)
    assert page.locator(".details").inner_text().count(value)


def test_similar_by_looks_or_words_swaps_that_section_alone(page: Page, shop: Pictured) -> None:
    page.goto(shop.address)
    before = page.locator("#similar .card__link").evaluate_all("all => all.map(it => it.href)")
    page.evaluate("document.querySelector('.product').dataset.mark = 'same page'")
    looks = page.get_by_role("link", name="Looks like it")
    looks.click()
    expect(looks).to_have_attribute("aria-current", "true")
    expect(looks).to_be_focused()
    after = page.locator("#similar .card__link").evaluate_all("all => all.map(it => it.href)")
    assert after != before
    assert page.locator("[data-mark]").count() == 1
    assert page.url.endswith("?alike=looks")
    assert page.evaluate("window.layoutShift") < MAX_SHIFT
    expect(page.get_by_role("status").first).to_have_text("Looks like it")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(new_page: NewPage, shop: Pictured, scheme: str) -> None:
    page = new_page(width=390, color_scheme=scheme)
    page.goto(shop.address)
    page.wait_for_load_state("networkidle")
    assert violations(page) == []


def test_it_works_from_right_to_left(page: Page, shop: Pictured) -> None:
    page.goto(shop.address)
    page.evaluate("document.documentElement.dir = 'rtl'")
    page.get_by_role("link", name="Picture 3 of 3", exact=True).click()
    expect(page.locator('[data-jump="2"]')).to_have_attribute("aria-current", "true")
    assert page.evaluate("document.documentElement.scrollWidth") == 1280
