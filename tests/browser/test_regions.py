"""Searching by a part of one's picture."""

from __future__ import annotations

import io
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from .conftest import NewPage, Site
from .test_accessible_and_steady import violations
from .test_shop_window import choose_picture, titles

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def scene(site: Site, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A picture of two products side by side, and their ids from the left."""
    ids = ["mug-plain-red", "lamp-dotted-red"]
    known = [one for one in ids if (site.pictures / f"{one}.jpg").exists()]
    if len(known) < 2:
        ids = sorted(path.stem for path in site.pictures.iterdir())[:2]
    picture = Image.new("RGB", (900, 500), (228, 226, 214))
    for at, product_id in enumerate(ids):
        photo = Image.open(site.picture_of(product_id)).convert("RGB").resize((300, 300))
        picture.paste(photo, (80 + at * 440, 100))
    path = tmp_path_factory.mktemp("scene") / "scene.png"
    encoded = io.BytesIO()
    picture.save(encoded, "PNG")
    path.write_bytes(encoded.getvalue())
    return path, ids


def open_panel(page: Page, site: Site, picture: Path) -> None:
    page.goto(site.url)
    choose_picture(page, picture)
    page.get_by_text("Search by a part of it").click()
    expect(page.locator("[data-proposal]").first).to_be_visible()


def crop(page: Page) -> list[float]:
    page.wait_for_function("new URLSearchParams(location.search).has('crop')")
    (text,) = parse_qs(urlsplit(page.url).query)["crop"]
    return [float(part) for part in text.split(",")]


@pytest.mark.parametrize("width", [390, 1280])
def test_a_proposed_part_is_searched_by(
    new_page: NewPage, site: Site, scene: tuple[Path, list[str]], width: int
) -> None:
    page = new_page(width=width)
    open_panel(page, site, scene[0])
    assert violations(page) == []
    whole = titles(page)
    proposal = page.locator("[data-proposal]").first
    proposal.click()
    marked = crop(page)
    assert marked[2] * marked[3] < 0.6
    expect(page.locator('[data-proposal][aria-pressed="true"]')).to_have_count(1)
    expect(page.locator('[data-proposal][aria-pressed="true"]')).to_be_focused()
    assert titles(page) != whole
    assert violations(page) == []
    page.get_by_role("button", name="Whole picture").click()
    expect(page).not_to_have_url(re.compile("crop="))
    assert titles(page) == whole
    assert page.evaluate("window.layoutShift") < 0.05


def test_the_box_is_dragged_and_back_and_reload_keep_it(
    page: Page, site: Site, scene: tuple[Path, list[str]]
) -> None:
    open_panel(page, site, scene[0])
    stage = page.locator("[data-region-stage]").bounding_box()
    assert stage
    x, y = stage["x"], stage["y"]
    page.mouse.move(x + 0.03 * stage["width"], y + 0.1 * stage["height"])
    page.mouse.down()
    page.mouse.move(x + 0.3 * stage["width"], y + 0.5 * stage["height"], steps=4)
    page.mouse.move(x + 0.45 * stage["width"], y + 0.9 * stage["height"], steps=4)
    page.mouse.up()
    drawn = crop(page)
    assert drawn == pytest.approx([0.03, 0.1, 0.42, 0.8], abs=0.02)
    first = titles(page)
    page.get_by_role("button", name="Whole picture").click()
    expect(page).not_to_have_url(re.compile("crop="))
    page.go_back()
    assert crop(page) == drawn
    expect(page.locator("[data-box]")).to_be_visible()
    assert titles(page) == first
    page.reload()
    expect(page.locator("[data-box]")).to_be_visible()
    assert titles(page) == first


def test_keys_move_and_resize_the_box(
    page: Page, site: Site, scene: tuple[Path, list[str]]
) -> None:
    open_panel(page, site, scene[0])
    box = page.get_by_role("button", name="Marked part")
    box.focus()
    for key in ("ArrowLeft", "ArrowUp", "Shift+ArrowLeft", "Shift+ArrowUp"):
        page.keyboard.press(key)
    assert crop(page) == pytest.approx([0.13, 0.13, 0.68, 0.68], abs=0.001)
    expect(page.get_by_role("button", name="Marked part")).to_be_focused()


def test_pressing_beside_the_box_brings_it_there(
    page: Page, site: Site, scene: tuple[Path, list[str]]
) -> None:
    open_panel(page, site, scene[0])
    stage = page.locator("[data-region-stage]").bounding_box()
    assert stage
    page.mouse.click(stage["x"] + 0.02 * stage["width"], stage["y"] + 0.5 * stage["height"])
    assert crop(page) == pytest.approx([0.0, 0.15, 0.7, 0.7], abs=0.01)


def test_a_part_that_is_marked_goes_with_the_picture(
    page: Page, site: Site, scene: tuple[Path, list[str]]
) -> None:
    open_panel(page, site, scene[0])
    page.locator("[data-proposal]").first.click()
    crop(page)
    page.get_by_role("link", name="Remove the picture").click()
    expect(page).not_to_have_url(re.compile("crop="))


def test_a_picture_of_another_site_says_why_no_part_can_be_marked(page: Page, site: Site) -> None:
    page.goto(site.url)
    page.locator(".lens__open").click()
    page.get_by_label("or the address of a picture").fill(
        f"{site.url}/media/{site.services.search.product('mug-plain-red').record.image_hash}"
    )
    page.locator(".lens__form").get_by_role("button", name="Search by picture").click()
    expect(page.get_by_text("The picture is on another site")).to_be_visible()
