"""What shoppers do in a shop of real products, on a phone, a tablet and a desktop."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from shopsearch.bootstrap import Services
from shopsearch.domain import AnyOf, Product, Query
from shopsearch.settings import Settings
from tests.engines import Engines

from .conftest import NewPage, Site, serving
from .real_shop import RealFeed, unpacked
from .test_accessible_and_steady import MAX_SHIFT, violations
from .test_compare import tray
from .test_favourites import kept
from .test_filters import counts_up_to, total, value
from .test_looks import overflows
from .test_search_box import active, box_of, options, type_in
from .test_shop_window import choose_picture, see, titles
from .test_talk import say

pytestmark = pytest.mark.browser

WIDTHS = (390, 768, 1280)

# controls that cover each other, but for the corners of a marked part; what stays in its place
# while the page moves may cover what moves
OVERLAPS = """
() => {
  const stays = (one) => {
    for (let at = one; at; at = at.parentElement) {
      if (["fixed", "sticky"].includes(getComputedStyle(at).position)) return true;
    }
    return false;
  };
  const all = [...document.querySelectorAll("main :is(a, button, select, summary, input)")]
    .filter((one) => one.type !== "range" && !one.closest("[data-region]"))
    .filter((one) => one.checkVisibility() && !stays(one))
    .flatMap((one) => [...one.getClientRects()].map((box) => [one, box]))
    .filter(([, box]) => box.width > 2 && box.height > 2);
  const cover = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
  return all.flatMap(([one, box], n) => all.slice(n + 1)
    .filter(([other, its]) => !one.contains(other) && !other.contains(one) && cover(box, its))
    .map(([other]) => `${one.outerHTML.slice(0, 90)} and ${other.outerHTML.slice(0, 90)}`));
}
"""


@pytest.fixture(scope="module")
def feed(archives: Path, tmp_path_factory: pytest.TempPathFactory) -> RealFeed:
    return unpacked(archives, tmp_path_factory.mktemp("catalogs"))


@pytest.fixture(scope="module")
def shop(
    feed: RealFeed, tmp_path_factory: pytest.TempPathFactory, engines: Engines
) -> Iterator[Site]:
    """The real products, indexed and served."""
    home = tmp_path_factory.mktemp("real") / "home"
    with engines.settings(index="exact") as of_engines:
        settings = Settings(home=home, encoder="hashing", port=0, rate_limit="off", **of_engines)
        with Services.open(settings) as services:
            report = services.indexer.run(feed, feed_name="real")
            assert not report.rejected
            with serving(settings) as url:
                yield Site(url, services, feed.folder)


@pytest.fixture(params=WIDTHS)
def page(new_page: NewPage, request: pytest.FixtureRequest) -> Page:
    return new_page(width=request.param)


def width_of(page: Page) -> int:
    size = page.viewport_size
    assert size
    return size["width"]


def stands(page: Page) -> None:
    """Nothing jumped, sticks out or is covered, and axe finds nothing."""
    assert page.evaluate("window.layoutShift") < MAX_SHIFT
    assert overflows(page) == []
    assert page.evaluate(OVERLAPS) == []
    assert violations(page) == []


def filters(page: Page) -> Locator:
    """The filters, which narrow windows keep in a drawer."""
    opener = page.get_by_role("button", name="Filters", exact=False)
    if opener.is_visible():
        opener.press("Enter")
        expect(page.get_by_role("dialog", name="Filters")).to_be_visible()
        page.wait_for_timeout(300)  # what rises is half transparent
    return page.locator("[data-facets-list]")


def unfold(page: Page, facet: str) -> Locator:
    fold = page.locator(f'[data-fold="{facet}"]')
    if fold.get_attribute("open") is None:
        fold.locator("> summary").press("Enter")
    return fold


def close_filters(page: Page) -> None:
    if page.get_by_role("dialog", name="Filters").is_visible():
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog", name="Filters")).to_be_hidden()


def a_style(feed: RealFeed) -> Product:
    """A piece of clothing that comes in three colours, each with its picture."""
    return next(row.product for row in feed if len(row.product.images) == 3)


def the_longest(feed: RealFeed) -> Product:
    """The product with the longest name, which is on sale."""
    on_sale = (row.product for row in feed if "sale_price" in row.product.attributes)
    return max(on_sale, key=lambda product: len(product.title))


def test_words_filters_and_order_by_keys_alone(page: Page, shop: Site) -> None:
    page.goto(shop.url)
    type_in(page, "jack")
    box_of(page).press("ArrowDown")
    chosen = active(page)
    assert chosen
    assert "jack" in chosen.casefold()
    box_of(page).press("Escape")
    expect(options(page)).to_have_count(0)
    page.goto(f"{shop.url}/search")
    filters(page)
    brands = unfold(page, "brand")
    brands.get_by_role("searchbox").fill("lal")
    expect(brands.locator("[data-found] a[data-value]").first).to_contain_text("Lal Haveli")
    brands.get_by_role("searchbox").fill("")
    colour = unfold(page, "color")
    black = colour.get_by_role("link", name=re.compile("^black", re.IGNORECASE))
    black.press("Enter")
    n_black = total(shop, AnyOf("color", ("black",)))
    counts_up_to(page, n_black)
    expect(value(page, "color", "Black")).to_be_focused()
    stands(page)
    close_filters(page)
    page.locator(".asked .chip", has_text="black").locator(".chip__remove").press("Enter")
    counts_up_to(page, total(shop))

    filters(page)
    category = unfold(page, "product_type")
    category.get_by_role("link", name=re.compile(r"^Women\b")).first.press("Enter")
    expect(page.locator(".asked .chip")).to_contain_text("Women")
    least = unfold(page, "price").get_by_label(re.compile("^From, USD"))
    least.fill("50")
    least.press("Enter")
    page.wait_for_url("**price.min=50*")
    expect(page.locator(".asked .chip")).to_have_count(2)
    close_filters(page)
    page.locator("#sort").select_option("price_asc")
    page.wait_for_url("**sort=price_asc*")
    costs = [float(text.strip("$")) for text in page.locator(".price").all_inner_texts()]
    assert costs == sorted(costs)
    assert costs[0] >= 50
    page.go_back()
    expect(page.locator("#sort")).to_have_value("relevance")


def test_a_list_is_paged_or_goes_on_and_a_product_leads_back(page: Page, shop: Site) -> None:
    page.goto(f"{shop.url}/search")
    first = titles(page)
    page.get_by_role("link", name="Next").press("Enter")
    expect(page.locator(".pages__here")).to_have_text(re.compile("^2 / "))
    assert not set(first) & set(titles(page))
    title = titles(page)[3]
    page.locator("main .card__link").nth(3).press("Enter")
    see(page, title)
    page.go_back()
    expect(page.locator(".pages__here")).to_have_text(re.compile("^2 / "))
    stands(page)
    page.goto(f"{shop.url}/search")
    page.get_by_role("switch", name="Endless list").check()
    page.evaluate("window.scrollTo(0, document.documentElement.scrollHeight)")
    expect(page.locator("main .card").nth(47)).to_be_attached()
    assert page.evaluate("window.layoutShift") < MAX_SHIFT


def test_a_product_shows_its_pictures_variants_and_what_is_like_it(
    page: Page, shop: Site, feed: RealFeed
) -> None:
    product = a_style(feed)
    page.goto(f"{shop.url}/products/{product.product_id}")
    see(page, product.title)
    expect(page.locator(".product__description")).to_contain_text("\n")
    page.locator("[data-zoom]").first.press("Enter")
    dialog = page.get_by_role("dialog", name=product.title)
    dialog.get_by_role("button", name="Next picture").press("Enter")
    expect(dialog.locator("[data-zoom-number]")).to_have_text("2")
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Picture 3 of 3", exact=True).press("Enter")
    expect(page.locator('[data-jump="2"]')).to_have_attribute("aria-current", "true")
    page.get_by_role("link", name="Looks like it").press("Enter")
    expect(page.get_by_role("link", name="Looks like it")).to_have_attribute("aria-current", "true")
    stands(page)
    colours = page.get_by_role("navigation", name="Color").locator("a")
    expect(colours).to_have_count(3)
    colours.and_(page.locator(":not([aria-current])")).first.press("Enter")
    page.wait_for_url(lambda url: product.product_id not in url)
    see(page, product.title)
    page.get_by_role("navigation", name="Category").get_by_role("link").last.press("Enter")
    page.wait_for_url("**/search?**")
    assert product.title in titles(page)


def test_a_sale_and_a_long_name_fit(page: Page, shop: Site, feed: RealFeed) -> None:
    product = the_longest(feed)
    page.goto(f"{shop.url}/products/{product.product_id}")
    offer = page.locator(".product__offer")
    expect(offer.locator("ins")).to_contain_text("Sale price: ₹")
    expect(offer.locator("del")).to_contain_text("Usual price: ₹")
    now = page.locator('meta[property="product:price:amount"]').get_attribute("content")
    assert now
    assert product.attributes["sale_price"].startswith(now.rstrip("0").rstrip("."))
    expect(page.locator(".details")).not_to_contain_text("Sale price")
    stands(page)


def test_a_picture_finds_its_product_and_a_part_words_and_examples_refine(
    page: Page, shop: Site, feed: RealFeed
) -> None:
    product = a_style(feed)
    page.goto(shop.url)
    choose_picture(page, Path(product.images[0]))
    see(page, "Your picture")
    assert titles(page)[0] == product.title
    page.get_by_role("button", name="Lower right corner").focus()
    for _ in range(8):
        page.keyboard.press("ArrowUp")
    page.wait_for_url(re.compile("crop="))
    expect(page.locator(".chip--picture")).to_contain_text("Part of your picture")
    stands(page)
    page.get_by_label("Search by words").fill("jacket")
    page.get_by_label("Search by words").press("Enter")
    see(page, "“jacket” and your picture")
    slider = page.get_by_role("slider", name=re.compile("What counts more"))
    slider.focus()
    slider.press("End")
    page.wait_for_url(re.compile("text_weight=1"))
    expect(slider).to_be_focused()
    page.locator(".card__why").first.press("Enter")
    why = page.get_by_role("dialog", name="Why this?")
    expect(why).to_contain_text("Place 1 of")
    why.locator("summary").press("Enter")
    assert violations(page) == []
    page.keyboard.press("Escape")
    before = page.url
    page.locator(".card__unlike").first.press("Enter")
    page.wait_for_url(lambda url: url != before)
    stands(page)


def test_products_are_compared_and_kept_and_lead_to_others(page: Page, shop: Site) -> None:
    page.goto(f"{shop.url}/search")
    named = titles(page)[:4]
    for n in range(4):
        page.locator("[data-compare]").nth(n).press("Enter")
    for n in range(2):
        page.locator(".heart").nth(n).press("Enter")
    assert len(kept(page, "shopsearch.favourites")) == 2
    stands(page)
    tray(page).get_by_role("link", name="Compare", exact=True).press("Enter")
    expect(page.locator("th[scope=col]")).to_have_text(named)
    stands(page)
    page.get_by_role("link", name="Favourites").press("Enter")
    expect(page.locator(".favourites .card")).to_have_count(2)
    stands(page)
    page.goto(shop.url)
    liked = page.locator('[data-kept="for-you"]')
    expect(liked.locator(".shelf__reason").first).to_contain_text("Like your favourite")
    page.wait_for_load_state("networkidle")
    stands(page)


def test_talking_refines_and_nothing_found_leads_on(page: Page, shop: Site) -> None:
    page.goto(f"{shop.url}/search?q=jacket")
    page.locator("[data-talk] > summary").press("Enter")
    say(page, "under 60 dollars, cheapest first")
    expect(page.locator("#sort")).to_have_value("price_asc")
    stands(page)
    page.goto(f"{shop.url}/search?q=jacket&filter.brand=asus")
    expect(page.get_by_text("Nothing matches all of that")).to_be_visible()
    stands(page)
    page.get_by_role("link", name="Search without filters").press("Enter")
    expect(page.locator("main .card__link").first).to_contain_text(re.compile("jacket", re.I))


def test_without_scripts_there_is_a_way_to_all_of_it(
    new_page: NewPage, shop: Site, feed: RealFeed
) -> None:
    page = new_page(width=768, java_script_enabled=False)
    page.goto(shop.url)
    page.get_by_label("Search by words").fill("jacket")
    page.get_by_label("Search by words").press("Enter")
    see(page, "“jacket”")
    page.locator(".card__why").first.click()
    see(page, "Why this?")
    page.goto(f"{shop.url}/search")
    page.locator(".facets__unfold").click()
    value(page, "color", "Black").click()
    counts_up_to(page, total(shop, AnyOf("color", ("black",))))
    page.goto(shop.url)
    page.locator(".lens__open").click()
    product = a_style(feed)
    page.locator("#picture-file").set_input_files(Path(product.images[0]))
    page.get_by_role("button", name="Search by picture", exact=True).click()
    see(page, "Your picture")
    assert titles(page)[0] == product.title
    page.locator("main .card__link").first.click()
    see(page, product.title)
    page.get_by_role("link", name="Picture 2 of 3", exact=True).click()
    assert page.url.endswith("#picture-2")
    assert shop.services.search.search(Query(text="jacket")).hits
