"""Takes the pictures of docs/screenshots: every page and state of the shop window, at two widths.

    python docs/screenshots.py ADDRESS [NAME ...]

ADDRESS is a running shop of drawn products (`shopsearch demo --catalog drawn`): no other, since
what it shows is committed. A scene is a function; its name is that of its pictures.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

FOLDER = Path(__file__).resolve().parent / "screenshots"
CHROMIUM = "/usr/bin/chromium"
SIZES = {"phone": (390, 844), "desktop": (1280, 860)}
QUALITY = 62

Scene = Callable[[Page, str], None]
SCENES: dict[str, Scene] = {}
OPTIONS: dict[str, dict[str, object]] = {}


def scene(**options: object) -> Callable[[Scene], Scene]:
    """Register a scene, with what its browser is set to."""

    def register(show: Scene) -> Scene:
        name = show.__name__.strip("_").replace("_", "-")
        SCENES[name] = show
        OPTIONS[name] = options
        return show

    return register


@scene()
def _home(page: Page, shop: str) -> None:
    page.goto(shop)


@scene(color_scheme="dark")
def _home_at_night(page: Page, shop: str) -> None:
    page.goto(shop)


@scene(locale="zh-CN")
def _home_in_chinese(page: Page, shop: str) -> None:
    page.goto(shop)


@scene()
def _results(page: Page, shop: str) -> None:
    page.goto(f"{shop}/search?q=red")


@scene(color_scheme="dark")
def _results_at_night(page: Page, shop: str) -> None:
    page.goto(f"{shop}/search?q=striped&filter.color=blue&filter.color=red&not=umbrella")


@scene()
def _nothing_found(page: Page, shop: str) -> None:
    page.goto(f"{shop}/search?q=xyzzyqwrt")


@scene()
def _product(page: Page, shop: str) -> None:
    page.goto(f"{shop}/search?q=mug")
    page.locator(".card__link").first.click()


@scene()
def _not_there(page: Page, shop: str) -> None:
    page.goto(f"{shop}/products/none")


@scene(forced_colors="active")
def _forced_colors(page: Page, shop: str) -> None:
    page.goto(f"{shop}/search?q=red&filter.color=red")


@scene()
def _suggestions(page: Page, shop: str) -> None:
    page.goto(shop)
    page.locator("#q").click()
    page.keyboard.type("mug", delay=40)
    page.locator('[role="option"]').first.wait_for()


@scene()
def _filters(page: Page, shop: str) -> None:
    page.goto(f"{shop}/search?q=red&filter.color=red")
    opening = page.locator("[data-open-filters]")
    if opening.is_visible():
        opening.click()


@scene()
def _why(page: Page, shop: str) -> None:
    page.goto(f"{shop}/search?q=red+mug")
    page.locator(".card__why").first.click()
    page.locator("[data-why]").first.wait_for()
    page.wait_for_load_state("networkidle")


@scene()
def _compare(page: Page, shop: str) -> None:
    page.goto(f"{shop}/compare?id=mug-plain-red&id=mug-plain-pink&id=sneaker-zigzag-red")


@scene()
def _favourites(page: Page, shop: str) -> None:
    page.goto(f"{shop}/search?q=mug")
    for heart in page.locator(".card [data-heart]").all()[:3]:
        heart.click()
    page.goto(f"{shop}/favourites")


@scene()
def _part_of_a_picture(page: Page, shop: str) -> None:
    page.goto(shop)
    addresses = [
        page.request.get(f"{shop}/api/v1/products/{one}").json()["image"]
        for one in ("mug-plain-red", "sneaker-zigzag-red")
    ]
    scene = Image.new("RGB", (900, 480), (226, 223, 212))
    for at, address in enumerate(addresses):
        photo = Image.open(io.BytesIO(page.request.get(shop + address).body()))
        scene.paste(photo.convert("RGB").resize((330, 330)), (80 + at * 410, 75))
    encoded = io.BytesIO()
    scene.save(encoded, "PNG")
    picture = {"name": "two.png", "mimeType": "image/png", "buffer": encoded.getvalue()}
    page.locator("#picture-file").set_input_files([picture])
    page.locator(".region__part:not([data-region-whole])").first.click()
    page.wait_for_url("**crop=**")


@scene()
def _offline(page: Page, shop: str) -> None:
    page.goto(f"{shop}/search?q=mug")
    page.context.set_offline(True)
    page.locator("#q").fill("lamp")
    page.keyboard.press("Enter")
    page.get_by_role("alert").first.wait_for()


def take(browser: Browser, shop: str, name: str) -> None:
    """One scene at every width."""
    for size, (width, height) in SIZES.items():
        context = browser.new_context(
            viewport={"width": width, "height": height},
            has_touch=size == "phone",
            **OPTIONS[name],
        )
        page = context.new_page()
        SCENES[name](page, shop)
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(300)  # what moves has come to rest
        picture = Image.open(io.BytesIO(page.screenshot()))
        picture.save(FOLDER / f"{name}-{size}.webp", "WEBP", quality=QUALITY, method=6)
        context.close()


def main(shop: str, names: list[str]) -> None:
    """Take the scenes named, or all."""
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for name in names or SCENES:
            take(browser, shop.rstrip("/"), name)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
