"""What shoppers do, in a real browser."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from shopsearch.domain import Query, SearchPage

from .conftest import Complaints, NewPage, Site

pytestmark = pytest.mark.browser


def be_complete(page: Page) -> None:
    """Results come in two parts, with the old filters beside the first."""
    expect(page.locator("[data-unfinished]")).to_have_count(0)


def titles(page: Page) -> list[str]:
    be_complete(page)
    return page.locator("main .card__link").all_inner_texts()


def expected(site: Site, query: Query) -> list[str]:
    """The titles that the search service gives, in its order."""
    return [hit.product.title for hit in answer(site, query).hits]


def answer(site: Site, query: Query) -> SearchPage:
    """What a page asks: only what is relevant, variants as one."""
    return site.services.search.search(replace(query, cutoff=True, collapse=True))


def see(page: Page, heading: str) -> None:
    expect(page.locator("main h1")).to_have_text(heading)
    be_complete(page)


def wait_until_scrolled(page: Page) -> None:
    """Asks from outside: the page's policy lets nobody wait inside it."""
    for _ in range(100):
        if page.evaluate("scrollY") > 600:
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"scrolled to {page.evaluate('scrollY')} px only, after 5 s")


def a_product(site: Site) -> str:
    return site.services.search.search(Query()).hits[0].product.product_id


def search(page: Page, words: str) -> None:
    page.get_by_label("Search by words").fill(words)
    page.get_by_label("Search by words").press("Enter")
    see(page, f"“{words}”")


def choose_picture(page: Page, picture: Path) -> None:
    page.locator("#picture-file").set_input_files(picture)


def hand_over(page: Page, event: str, picture: Path) -> None:
    """Dispatch a drag-and-drop or clipboard event that carries a picture."""
    page.evaluate(
        """([event, content]) => {
          const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
          const transfer = new DataTransfer();
          transfer.items.add(new File([bytes], "picture.webp", { type: "image/webp" }));
          const options = { bubbles: true, cancelable: true };
          document.querySelector("main").dispatchEvent(
            event === "paste"
              ? new ClipboardEvent(event, { ...options, clipboardData: transfer })
              : new DragEvent(event, { ...options, dataTransfer: transfer }),
          );
        }""",
        [event, base64.b64encode(picture.read_bytes()).decode()],
    )


def test_words_find_products_and_are_in_the_address(page: Page, site: Site) -> None:
    page.goto(site.url)
    search(page, "striped mug")
    assert titles(page) == expected(site, Query(text="striped mug"))
    assert page.url == f"{site.url}/search?q=striped+mug"
    assert page.title() == "“striped mug” | shopsearch"
    n = answer(site, Query(text="striped mug")).total
    expect(page.locator("[data-announcer]")).to_have_text(f"{n} products, “striped mug”")


def test_a_chosen_picture_finds_what_looks_like_it(page: Page, site: Site) -> None:
    picture = site.picture_of(a_product(site))
    page.goto(site.url)
    page.get_by_label("Search by picture").first.click()
    with page.expect_file_chooser() as chooser:
        page.locator("label", has_text="Choose a picture").click()
    chooser.value.set_files(picture)
    see(page, "Your picture")
    assert titles(page) == expected(site, Query(image=picture.read_bytes()))
    preview = page.locator(".chip__picture img")
    assert preview.evaluate("image => image.naturalWidth") > 0
    assert "#picture=" in page.url


def test_a_slider_weighs_words_against_the_picture(page: Page, site: Site) -> None:
    picture = site.picture_of(a_product(site))
    page.goto(site.url)
    search(page, "red umbrella")
    choose_picture(page, picture)
    see(page, "“red umbrella” and your picture")
    both = Query(text="red umbrella", image=picture.read_bytes())
    assert titles(page) == expected(site, both)

    slider = page.get_by_label("What counts more: 0 is")
    slider.focus()
    slider.press("End")
    by_words = expected(site, Query(text="red umbrella"))
    expect(page.locator("main .card__link")).to_have_text(by_words)
    expect(slider).to_be_focused()
    slider.press("Home")
    by_picture = expected(site, Query(image=picture.read_bytes()))
    expect(page.locator("main .card__link")).to_have_text(by_picture)


def test_a_picture_can_be_dropped_anywhere(page: Page, site: Site) -> None:
    picture = site.picture_of(a_product(site))
    page.goto(f"{site.url}/products/{a_product(site)}")
    hand_over(page, "dragover", picture)
    expect(page.get_by_text("Drop the picture to search by it")).to_be_visible()
    hand_over(page, "drop", picture)
    see(page, "Your picture")
    expect(page.get_by_text("Drop the picture to search by it")).to_be_hidden()
    assert titles(page) == expected(site, Query(image=picture.read_bytes()))


def test_a_picture_can_be_pasted_beside_words(page: Page, site: Site) -> None:
    picture = site.picture_of(a_product(site))
    page.goto(site.url)
    search(page, "blue")
    hand_over(page, "paste", picture)
    see(page, "“blue” and your picture")
    assert titles(page) == expected(site, Query(text="blue", image=picture.read_bytes()))


def test_a_picture_can_be_named_by_its_address(page: Page, site: Site) -> None:
    stored = site.services.search.product(a_product(site))
    address = f"{site.url}/media/{stored.record.image_hash}"
    page.goto(site.url)
    page.get_by_label("Search by picture").first.click()
    page.get_by_label("or the address of a picture").fill(address)
    page.get_by_role("button", name="Search by picture", exact=True).click()
    see(page, "Your picture")
    assert titles(page)[0] == stored.product.title
    page.reload()
    see(page, "Your picture")


def test_words_can_be_added_to_a_picture_and_the_picture_taken_away(page: Page, site: Site) -> None:
    page.goto(site.url)
    choose_picture(page, site.picture_of(a_product(site)))
    see(page, "Your picture")
    page.get_by_label("Search by words").fill("green")
    page.get_by_role("button", name="Search", exact=True).click()
    see(page, "“green” and your picture")
    page.get_by_role("link", name="Remove the picture").click()
    see(page, "“green”")
    assert page.url == f"{site.url}/search?q=green"
    assert titles(page) == expected(site, Query(text="green"))


def test_a_product_page_shows_similar_products(page: Page, site: Site) -> None:
    page.goto(site.url)
    search(page, "lamp")
    title = titles(page)[0]
    page.locator(".card__link").first.click()
    see(page, title)
    expect(page.get_by_role("heading", name="Similar products")).to_be_visible()
    product_id = page.url.rsplit("/", 1)[1]
    similar = answer(site, Query(product_id=product_id, k=12)).hits
    heading = page.get_by_role("heading", name="Similar products")
    shelf = page.locator("section", has=heading).last.locator(".card__link")
    assert shelf.all_inner_texts() == [hit.product.title for hit in similar]
    page.get_by_role("link", name="More like this", exact=True).click()
    see(page, "More like this")
    assert titles(page)[:12] == [hit.product.title for hit in similar]


def test_more_like_this_on_a_card_starts_from_that_product(page: Page, site: Site) -> None:
    page.goto(site.url)
    title = titles(page)[0]
    page.locator(".card__like").first.click()
    see(page, "More like this")
    expect(page.locator(".chip__link")).to_have_text(title)
    page.get_by_label("Search by words").fill("blue")
    page.get_by_label("Search by words").press("Enter")
    see(page, "“blue” and more like this")
    expect(page.get_by_label("What counts more: 0 is")).to_be_visible()


def test_results_are_sorted_and_turned_in_place(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/search?q=cap&cutoff=false")
    page.get_by_label("Sort by").select_option("price_asc")
    expect(page.locator(".price").first).to_have_text(re.compile(r"^\$"))
    page.wait_for_url("**/search?q=cap&cutoff=false&sort=price_asc")
    prices = [float(text.strip("$")) for text in page.locator("main .price").all_inner_texts()]
    assert prices == sorted(prices)
    first = titles(page)
    page.get_by_role("link", name="Next").click()
    expect(page.locator(".pages__here")).to_have_text(re.compile("^2 / "))
    assert not set(first) & set(titles(page))
    assert page.evaluate("document.activeElement.id") == "main"
    assert page.evaluate("scrollY") == 0


def test_pages_of_a_picture_search_are_turned_too(page: Page, site: Site) -> None:
    picture = site.picture_of(a_product(site))
    page.goto(site.url)
    choose_picture(page, picture)
    see(page, "Your picture")
    page.get_by_role("button", name="Show less relevant products too").click()
    page.get_by_role("button", name="Next").click()
    expect(page.locator(".pages__here")).to_have_text(re.compile("^2 / "))
    second = Query(image=picture.read_bytes(), offset=24, collapse=True)
    found = site.services.search.search(second).hits
    assert titles(page) == [hit.product.title for hit in found]


def test_back_forward_and_reload_keep_every_search(page: Page, site: Site) -> None:
    picture = site.picture_of(a_product(site))
    page.goto(site.url)
    search(page, "mug")
    by_words = titles(page)
    choose_picture(page, picture)
    see(page, "“mug” and your picture")
    both = titles(page)

    page.go_back()
    see(page, "“mug”")
    assert titles(page) == by_words
    page.go_forward()
    see(page, "“mug” and your picture")
    assert titles(page) == both
    page.reload()
    see(page, "“mug” and your picture")
    assert titles(page) == both
    page.locator(".card__link").first.click()
    see(page, both[0])
    page.go_back()
    see(page, "“mug” and your picture")
    assert titles(page) == both
    page.go_back()
    page.go_back()
    see(page, "Say it, or show it.")


def test_back_returns_to_where_the_shopper_was(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/search?q=mug&cutoff=false")
    page.mouse.wheel(0, 700)
    wait_until_scrolled(page)
    page.get_by_label("Search by words").fill("lamp")
    page.get_by_label("Search by words").press("Enter")
    see(page, "“lamp”")
    assert page.evaluate("scrollY") == 0
    page.go_back()
    see(page, "“mug”")
    wait_until_scrolled(page)


def test_a_shared_address_of_a_picture_search_says_gently_what_is_missing(
    page: Page, new_page: NewPage, site: Site
) -> None:
    page.goto(site.url)
    search(page, "mug")
    choose_picture(page, site.picture_of(a_product(site)))
    see(page, "“mug” and your picture")
    friend = new_page()
    friend.goto(page.url)
    expect(friend.get_by_role("status").filter(has_text="stayed in the tab")).to_be_visible()
    see(friend, "“mug”")


def test_nothing_found_leads_on(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/search?q=mug&filter.brand=nobody")
    expect(page.get_by_text("Nothing matches all of that")).to_be_visible()
    page.get_by_role("link", name="Search without filters").click()
    expect(page.locator("main .card__link")).to_have_text(expected(site, Query(text="mug")))


def test_an_empty_shop_says_how_to_fill_it(
    page: Page, empty_site: str, complaints: Complaints
) -> None:
    complaints.provoked.add(503)
    page.goto(empty_site)
    see(page, "The shop is not open yet")
    expect(page.locator("code")).to_have_text("shopsearch index products.csv")


def test_a_broken_picture_is_explained_and_another_try_works(
    page: Page, site: Site, tmp_path: Path, complaints: Complaints
) -> None:
    complaints.provoked.add(422)
    broken = tmp_path / "holiday.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0 this was a picture once")
    page.goto(site.url)
    search(page, "mug")
    choose_picture(page, broken)
    see(page, "That picture cannot be used")
    expect(page.get_by_role("link", name="Search for “mug”")).to_be_visible()
    choose_picture(page, site.picture_of(a_product(site)))
    see(page, "“mug” and your picture")


def test_what_is_no_picture_is_said_at_once(page: Page, site: Site, tmp_path: Path) -> None:
    letter = tmp_path / "letter.pdf"
    letter.write_bytes(b"%PDF-1.7")
    page.goto(site.url)
    choose_picture(page, letter)
    expect(page.get_by_role("alert")).to_contain_text("That was no picture")
    page.get_by_role("button", name="Close this message").click()
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_large_photo_is_shrunk_before_it_travels(page: Page, site: Site, tmp_path: Path) -> None:
    from PIL import Image

    photo = tmp_path / "photo.png"
    noise = Image.effect_noise((2600, 1950), 90).convert("RGB")
    noise.save(photo)
    page.goto(site.url)
    with page.expect_request(lambda request: request.method == "POST") as sent:
        choose_picture(page, photo)
    see(page, "Your picture")
    n_bytes = int(sent.value.header_value("content-length") or "0")
    assert 0 < n_bytes < photo.stat().st_size / 5


def test_an_unreachable_shop_is_said_and_can_be_tried_again(
    page: Page, site: Site, complaints: Complaints
) -> None:
    page.goto(site.url)
    page.route("**/search?*", lambda route: route.abort())
    page.get_by_label("Search by words").fill("mug")
    page.get_by_label("Search by words").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("did not answer")
    assert all("ERR_FAILED" in heard for heard in complaints.heard)
    complaints.heard.clear()
    page.unroute("**/search?*")
    page.get_by_role("button", name="Try again").click()
    see(page, "“mug”")
    expect(page.get_by_role("alert")).to_have_count(0)


def test_the_keyboard_alone_is_enough(page: Page, site: Site) -> None:
    page.goto(site.url)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the products")).to_be_focused()
    for _ in range(4):  # the name, the box, voice
        page.keyboard.press("Tab")
    opener = page.locator(".lens__open")
    expect(opener).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Search by picture")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.locator("#picture-file")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Search by picture")).to_be_hidden()
    expect(opener).to_be_focused()
