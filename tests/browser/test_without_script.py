"""The shop without JavaScript: forms and links do it all."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from shopsearch.domain import Query

from .conftest import NewPage, Site
from .test_shop_window import a_product, expected, search, see, titles

pytestmark = pytest.mark.browser


@pytest.fixture
def page(new_page: NewPage) -> Page:
    return new_page(java_script_enabled=False)


def test_words_products_and_pages(page: Page, site: Site) -> None:
    page.goto(site.url)
    search(page, "striped mug")
    assert titles(page) == expected(site, Query(text="striped mug"))
    page.get_by_role("link", name="Show less relevant products too").click()
    page.get_by_role("link", name="Next").click()
    expect(page.locator(".pages__here")).to_have_text(re.compile("^2 / "))
    page.go_back()
    title = titles(page)[0]
    page.locator(".card__link").first.click()
    see(page, title)


def test_a_picture_and_words_by_a_plain_form(page: Page, site: Site) -> None:
    picture = site.picture_of(a_product(site))
    page.goto(site.url)
    page.locator(".lens__open").click()
    page.locator("#picture-file").set_input_files(picture)
    page.get_by_label("and words, if you like").fill("red")
    page.get_by_role("button", name="Search by picture", exact=True).click()
    see(page, "“red” and your picture")
    assert titles(page) == expected(site, Query(text="red", image=picture.read_bytes()))


def test_a_picture_by_address_and_its_pages(page: Page, site: Site) -> None:
    stored = site.services.search.product(a_product(site))
    page.goto(site.url)
    page.locator(".lens__open").click()
    address = page.get_by_label("or the address of a picture")
    address.fill(f"{site.url}/media/{stored.record.image_hash}")
    page.get_by_role("button", name="Search by picture", exact=True).click()
    see(page, "Your picture")
    assert titles(page)[0] == stored.product.title
    page.get_by_role("button", name="Show less relevant products too").click()
    page.get_by_role("button", name="Next").click()
    expect(page.locator(".pages__here")).to_have_text(re.compile("^2 / "))


def test_order_and_weight_have_buttons(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/search?like={a_product(site)}&q=red")
    page.get_by_label("Sort by").select_option("price_desc")
    page.get_by_role("button", name="Sort").click()
    expect(page.get_by_label("Sort by")).to_have_value("price_desc")
    page.get_by_role("slider").focus()
    page.get_by_role("slider").press("End")
    page.get_by_role("button", name="Weigh").click()
    assert "text_weight=1" in page.url
    expect(page.get_by_label("Sort by")).to_have_value("price_desc")


def test_nothing_is_offered_that_needs_scripts(page: Page, site: Site) -> None:
    page.goto(site.url)
    expect(page.locator(".hero__drop")).to_be_hidden()
    page.locator(".lens__open").click()
    expect(page.get_by_text("or drop it anywhere")).to_be_hidden()
