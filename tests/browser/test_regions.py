"""Searching by a part of a picture, in a real browser: by mouse, by finger, by keys."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from shopsearch.domain import Query, Region

from .conftest import Complaints, NewPage, Site
from .test_accessible_and_steady import MAX_SHIFT, violations
from .test_shop_window import a_product, choose_picture, expected, search, see, titles

pytestmark = pytest.mark.browser

KINDS = ("mug", "lamp")


@pytest.fixture(scope="module")
def scene(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two products of the shop side by side on one ground."""
    both = Image.new("RGB", (800, 500), "#c8d2d8")
    for left, kind in zip((50, 470), KINDS, strict=True):
        found = site.services.search.search(Query(text=kind)).hits[0].product.product_id
        with Image.open(site.picture_of(found)) as picture:
            both.paste(picture.convert("RGB").resize((280, 280)), (left, 110))
    path = tmp_path_factory.mktemp("scene") / "scene.png"
    both.save(path)
    return path


def crop_of(page: Page) -> Region | None:
    """The region that the address asks for."""
    crop = parse_qs(urlsplit(page.url).query).get("crop")
    return Region(*map(float, crop[0].split(","))) if crop else None


def marked(page: Page) -> Region:
    page.wait_for_url(re.compile(r"crop="))
    region = crop_of(page)
    assert region is not None
    return region


def show(page: Page, site: Site, scene: Path, proposals: int = 2) -> Locator:
    """Search by the scene; the picture on the page, once its parts are proposed."""
    page.goto(site.url)
    choose_picture(page, scene)
    see(page, "Your picture")
    expect(page.locator(".region__spot")).to_have_count(proposals)
    return page.locator("[data-region-stage]")


def drag(page: Page, stage: Locator, start: tuple[float, float], end: tuple[float, float]) -> None:
    """By the mouse, between two places in parts of the picture."""
    box = stage.bounding_box()
    assert box is not None
    for step, (x, y) in enumerate((start, end)):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
        page.mouse.down() if step == 0 else page.mouse.up()


def found_by(site: Site, scene: Path, crop: Region | None) -> list[str]:
    return expected(site, Query(image=scene.read_bytes(), crop=crop))


def test_a_proposed_part_is_searched_by_and_the_whole_again(
    page: Page, site: Site, scene: Path
) -> None:
    show(page, site, scene)
    whole = page.get_by_role("button", name="Whole picture")
    expect(whole).to_have_attribute("aria-pressed", "true")
    part = page.get_by_role("button", name="Part 1 of the picture")
    part.click()
    crop = marked(page)
    expect(page.locator(".chip--picture")).to_contain_text("Part of your picture")
    expect(page.locator("main .card__link")).to_have_text(found_by(site, scene, crop))
    expect(part).to_have_attribute("aria-pressed", "true")
    assert page.locator(".chip__picture canvas").count() == 1
    whole.click()
    expect(page.locator(".chip--picture")).to_contain_text("Your picture")
    expect(page.locator("main .card__link")).to_have_text(found_by(site, scene, None))
    assert crop_of(page) is None


def test_a_box_is_drawn_moved_and_resized_by_the_mouse(page: Page, site: Site, scene: Path) -> None:
    stage = show(page, site, scene)
    drag(page, stage, (0.05, 0.1), (0.45, 0.6))
    drawn = marked(page)
    assert (drawn.x, drawn.y, drawn.width, drawn.height) == pytest.approx(
        (0.05, 0.1, 0.4, 0.5), abs=0.02
    )
    expect(page.locator("main .card__link")).to_have_text(found_by(site, scene, drawn))
    before = page.url
    drag(page, stage, (0.15, 0.2), (0.25, 0.35))
    page.wait_for_url(lambda url: url != before)
    moved = marked(page)
    assert (moved.x, moved.y) == pytest.approx((0.15, 0.25), abs=0.02)
    assert (moved.width, moved.height) == pytest.approx((drawn.width, drawn.height), abs=0.01)
    before = page.url
    drag(page, stage, (0.55, 0.75), (0.7, 0.9))
    page.wait_for_url(lambda url: url != before)
    grown = marked(page)
    assert (grown.x, grown.y) == pytest.approx((moved.x, moved.y), abs=0.01)
    assert (grown.width, grown.height) == pytest.approx((0.55, 0.65), abs=0.02)


def test_back_and_forward_lead_through_the_parts(page: Page, site: Site, scene: Path) -> None:
    show(page, site, scene)
    for number in (1, 2):
        before = page.url
        page.get_by_role("button", name=f"Part {number} of the picture").click()
        page.wait_for_url(lambda url, before=before: url != before)
    second = marked(page)
    page.go_back()
    expect(page.get_by_role("button", name="Part 1 of")).to_have_attribute("aria-pressed", "true")
    first = marked(page)
    assert first != second
    expect(page.locator("main .card__link")).to_have_text(found_by(site, scene, first))
    page.go_back()
    expect(page.get_by_role("button", name="Whole pic")).to_have_attribute("aria-pressed", "true")
    page.go_forward()
    expect(page.get_by_role("button", name="Part 1 of")).to_have_attribute("aria-pressed", "true")
    page.reload()
    expect(page.locator("main .card__link")).to_have_text(found_by(site, scene, first))
    expect(page.get_by_role("button", name="Part 1 of")).to_have_attribute("aria-pressed", "true")


def test_the_keyboard_alone_marks_a_part(page: Page, site: Site, scene: Path) -> None:
    show(page, site, scene)
    corner = page.get_by_role("button", name="Lower right corner")
    corner.focus()
    for _ in range(6):
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowUp")
    crop = marked(page)
    assert (crop.x, crop.y, crop.width, crop.height) == pytest.approx((0, 0, 0.76, 0.76))
    expect(page.locator("main .card__link")).to_have_text(found_by(site, scene, crop))
    expect(corner).to_be_focused()
    expect(page.locator("[data-region-said]")).to_contain_text("76 % wide and 76 % high")
    page.get_by_role("button", name="Move the marked part").press("Shift+ArrowRight")
    page.wait_for_url(re.compile(r"crop=0\.01%2C0%2C0\.76%2C0\.76"))
    page.get_by_role("button", name="Smaller").press("Enter")
    page.wait_for_url(re.compile(r"crop=(?!0\.01)"))
    assert marked(page).width == pytest.approx(0.608)


@pytest.mark.parametrize("width", [390, 1280])
def test_a_finger_taps_what_is_meant_and_drags_a_corner(
    new_page: NewPage, site: Site, scene: Path, width: int
) -> None:
    page = new_page(width=width, is_mobile=width < 500, has_touch=True)
    stage = show(page, site, scene)
    box = stage.bounding_box()
    assert box is not None
    page.touchscreen.tap(box["x"] + 0.3 * box["width"], box["y"] + 0.8 * box["height"])
    tapped = marked(page)
    assert tapped.x + tapped.width / 2 == pytest.approx(0.3, abs=0.02)
    expect(page.locator("main .card__link").first).to_have_text(found_by(site, scene, tapped)[0])
    corner = page.get_by_role("button", name="Upper left corner")
    assert (size := corner.bounding_box()) is not None
    assert min(size["width"], size["height"]) >= 43.5
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_what_is_worked_on_stays_and_nothing_jumps(page: Page, site: Site, scene: Path) -> None:
    show(page, site, scene)
    page.evaluate("document.querySelector('[data-region]').dataset.mine = 'yes'")
    page.evaluate("scrollTo(0, 40)")
    part = page.get_by_role("button", name="Part 2 of the picture")
    part.click()
    marked(page)
    expect(page.locator(".chip--picture")).to_contain_text("Part of")
    assert page.locator("[data-region]").get_attribute("data-mine") == "yes"
    expect(part).to_be_focused()
    assert page.evaluate("scrollY") == 40
    assert page.evaluate("window.layoutShift") < MAX_SHIFT


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_around_a_marked_part(
    new_page: NewPage, site: Site, scene: Path, scheme: str
) -> None:
    page = new_page(width=390, color_scheme=scheme, is_mobile=True, has_touch=True)
    page.goto(site.url)
    page.locator(".lens__open").click()
    expect(page.locator(".dropzone__label--camera")).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("Escape")
    show(page, site, scene)
    page.get_by_role("button", name="Part 1 of the picture").click()
    marked(page)
    expect(page.locator(".chip--picture")).to_contain_text("Part of")
    assert violations(page) == []


def test_a_phone_takes_a_photo(new_page: NewPage, site: Site, scene: Path) -> None:
    page = new_page(width=390, is_mobile=True, has_touch=True)
    page.goto(site.url)
    camera = page.locator("#picture-camera")
    assert camera.get_attribute("capture") == "environment"
    camera.set_input_files(scene)
    see(page, "Your picture")
    desktop = new_page()
    desktop.goto(site.url)
    desktop.locator(".lens__open").click()
    expect(desktop.locator(".dropzone__label--camera")).to_be_hidden()


def test_a_picture_by_its_address_is_shown_and_marked_without_being_loaded_from_there(
    page: Page, site: Site
) -> None:
    stored = site.services.search.product(a_product(site))
    address = f"{site.url}/media/{stored.record.image_hash}"
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{site.url}/search#picture-address={address}")
    see(page, "Your picture")
    stage = page.locator("[data-region-stage]")
    expect(stage).to_be_visible()
    assert address not in asked
    drag(page, stage, (0.1, 0.1), (0.6, 0.7))
    crop = marked(page)
    picture = site.picture_of(stored.product.product_id).read_bytes()
    by_part = expected(site, Query(image=picture, crop=crop))
    assert by_part
    expect(page.locator(".chip__picture canvas")).to_be_visible()
    assert address not in asked


def test_a_shared_address_of_a_part_says_what_is_missing(
    page: Page, new_page: NewPage, site: Site, scene: Path
) -> None:
    show(page, site, scene)
    page.get_by_role("button", name="Part 1 of the picture").click()
    marked(page)
    friend = new_page()
    friend.goto(page.url)
    expect(friend.get_by_role("status").filter(has_text="stayed in the tab")).to_be_visible()
    expect(friend.locator("[data-region]")).to_have_count(0)


def test_words_and_another_picture_come_and_go_beside_a_part(
    page: Page, site: Site, scene: Path
) -> None:
    show(page, site, scene)
    page.get_by_role("button", name="Part 1 of the picture").click()
    crop = marked(page)
    page.get_by_label("Search by words").fill("green")
    page.get_by_label("Search by words").press("Enter")
    see(page, "“green” and your picture")
    assert crop_of(page) == crop
    query = Query(text="green", image=scene.read_bytes(), crop=crop)
    expect(page.locator("main .card__link")).to_have_text(expected(site, query))
    choose_picture(page, site.picture_of(a_product(site)))
    page.wait_for_url(lambda url: "crop" not in url)
    see(page, "“green” and your picture")
    page.get_by_role("link", name="Remove the picture").click()
    see(page, "“green”")
    assert page.url == f"{site.url}/search?q=green"


def test_a_picture_that_the_browser_cannot_show_is_searched_by_as_a_whole(
    page: Page, site: Site, tmp_path: Path, complaints: Complaints
) -> None:
    complaints.provoked.add(422)
    odd = tmp_path / "odd.jpg"
    odd.write_bytes(b"\xff\xd8\xff\xe0 once a picture")
    page.goto(site.url)
    choose_picture(page, odd)
    see(page, "That picture cannot be used")
    expect(page.get_by_role("alert")).to_contain_text("save it again as a JPEG")


def test_the_slider_tells_its_value_while_it_moves_and_searches_once_it_rests(
    page: Page, site: Site
) -> None:
    page.goto(f"{site.url}/search?q=blue&like={a_product(site)}")
    slider = page.get_by_role("slider", name=re.compile("What counts more"))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    slider.focus()
    for _ in range(4):
        slider.press("ArrowRight")
    expect(page.locator(".weight__value")).to_have_text("70 %")
    expect(slider).to_have_attribute("aria-valuetext", "70 % words")
    page.wait_for_url(re.compile("text_weight=0.7"))
    expect(slider).to_be_focused()
    assert len([url for url in asked if "text_weight" in url]) == 1
    weighed = Query(text="blue", product_id=a_product(site), text_weight=0.7)
    assert titles(page) == expected(site, weighed)


def test_what_was_chosen_is_seen_while_the_shop_looks(page: Page, site: Site, scene: Path) -> None:
    page.goto(site.url)
    search(page, "mug")
    page.route("**/search", lambda route: (page.wait_for_timeout(300), route.continue_()))
    choose_picture(page, scene)
    looking = page.locator("[data-notice=looking]")
    expect(looking).to_contain_text("Looking for what is like your picture")
    expect(looking.locator("img")).to_have_attribute("src", re.compile("^blob:"))
    see(page, "“mug” and your picture")
    expect(looking).to_have_count(0)
