"""The report of an audit in a real browser: readable everywhere, quiet, with a map that answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shopsearch.auditing import Audit, CatalogSnapshot
from shopsearch.auditing.categories import SuspiciousCategory
from shopsearch.auditing.clusters import clustered
from shopsearch.auditing.coverage import covered, spelled
from shopsearch.auditing.duplicates import duplicated
from shopsearch.auditing.findings import Section, columns_of
from shopsearch.auditing.layout import CatalogMap
from shopsearch.auditing.mismatches import Mismatch
from shopsearch.auditing.neighbours import Nearest
from shopsearch.auditing.pictures import poor_pictures
from shopsearch.auditing.prices import odd_prices
from shopsearch.auditing.report import write_report
from shopsearch.auditing.service import Audited
from shopsearch.auditing.snapshot import unit
from shopsearch.auditing.texts import thin_texts
from shopsearch.domain import Price, Product

from .conftest import NewPage
from .test_accessible_and_steady import violations

pytestmark = pytest.mark.browser

HOSTILE = (
    "</script><script>document.title='taken'</script><img src=//example.com/x onerror=alert(1)>"
)
LONG = "Unbreakable" * 16
N = 60


class RedPictures:
    """The same red picture for everything."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "red.webp"
        Image.new("RGB", (60, 40), (200, 30, 30)).save(self._file)

    def thumbnail(self, content_hash: str, longest_side_px: int) -> Path:
        return self._file


def products() -> list[Product]:
    """Hostile, long and plain ones, with faults of every kind."""
    titles = (HOSTILE, LONG, "RED MUG FOR ALL OF YOUR TEA", "Red clay mug", "")
    return [
        Product(
            product_id=f"p{n}" if n else HOSTILE,
            title=titles[n % 5],
            description="A story &amp; more" if n % 2 else "",
            product_type=f"{LONG if n % 3 else HOSTILE} > B",
            color=("Grey", "grey", LONG)[n % 3],
            price=Price(900_000 if n == 1 else 1_000 + n, "EUR") if n else Price(0, "EUR"),
            link="javascript:alert(1)" if n % 2 else "https://shop.example/p",
            images=("x",) if n > 4 else (),
        )
        for n in range(N)
    ]


def catalog() -> CatalogSnapshot:
    """The products in four clusters; some without a picture, the others with small ones."""
    chance = np.random.default_rng(0)
    middles = chance.normal(size=(4, 16))[np.arange(N) % 4]
    nothing = np.zeros((N, 16), dtype=np.float32)
    return CatalogSnapshot(
        generation="g",
        products=products(),
        image_hashes=[None if n < 5 else f"h{n % 7}" for n in range(N)],
        sizes=[None if n < 8 else (90, 60) for n in range(N)],
        words=nothing,
        sights=nothing,
        looks=nothing,
        vectors=unit((middles + 0.3 * chance.normal(size=(N, 16))).astype(np.float32)),
    )


def planted(product_id: str) -> tuple[Section, Section, Mismatch]:
    """A picture and a category that are doubted, of which this catalog has none of its own."""
    mismatch = Mismatch(
        HOSTILE, HOSTILE, LONG, 0.9, LONG, ("p7", "p8"), HOSTILE, product_id, 0.1, "h7"
    )
    category = SuspiciousCategory(
        HOSTILE, HOSTILE, f"{LONG} > {LONG}", HOSTILE, 1, 0.9, 0.0, 10, ("p7", "p8"), "h7"
    )
    return (
        Section("mismatches", "Pictures", N, [mismatch], columns_of(Mismatch)),
        Section("categories", "Categories", N, [category], columns_of(SuspiciousCategory)),
        mismatch,
    )


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a report with everything in it."""
    folder = tmp_path_factory.mktemp("report")
    snapshot = catalog()
    mismatches, categories, doubtful = planted("p7")
    nobody = Nearest(np.full((N, 1), -1), np.full((N, 1), -np.inf, dtype=np.float32))
    clusters = clustered(snapshot, lambda _done, _total: None)
    numbers = np.zeros(N, dtype=np.int64)
    for number, cluster in enumerate(clusters):
        numbers[cluster.places] = number
    points = np.random.default_rng(0).random((N, 2))
    audit = Audit(
        generation="g",
        n_products=N,
        sections=(
            mismatches,
            duplicated(snapshot, nobody, nobody, {}),
            poor_pictures(snapshot),
            thin_texts(snapshot),
            odd_prices(snapshot),
            categories,
            covered(snapshot),
            spelled(snapshot),
        ),
        clusters=clusters,
        map=CatalogMap(np.arange(N), points, numbers),
        remarks=("something limits the figures",),
    )
    path = folder / "audit.html"
    write_report(path, Audited(audit, snapshot, (doubtful,)), RedPictures(folder), limit=8)
    return path.as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_report_with_everything_open(
    new_page: NewPage, report: str, scheme: str
) -> None:
    page = new_page(width=390, color_scheme=scheme)
    page.goto(report)
    for summary in page.locator("summary").all():
        summary.click()
    assert violations(page) == []


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_report_fits_its_window(new_page: NewPage, report: str, width: int) -> None:
    page = new_page(width=width)
    page.goto(report)
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_the_report_asks_nobody_for_anything_and_runs_only_its_map(
    new_page: NewPage, report: str
) -> None:
    page = new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report)
    assert page.title() == "Catalog audit"
    assert [url for url in asked if not url.startswith("data:image/webp;base64,")] == [report]
    assert page.get_by_text(HOSTILE).count() >= 2
    assert page.locator("a[href^='javascript']").count() == 0
    assert page.locator("a[href='https://shop.example/p']").count() > 0
    border = page.evaluate("getComputedStyle(document.querySelector('.card')).borderTopWidth")
    assert border == "1px"  # the policy lets both styles through


def test_the_map_tells_of_the_product_under_the_pointer(new_page: NewPage, report: str) -> None:
    page = new_page()
    page.goto(report)
    tip = page.locator(".tip")
    assert not tip.is_visible()
    page.locator(".map svg").scroll_into_view_if_needed()
    at = page.evaluate(
        """() => {
          const told = JSON.parse(document.getElementById("map-told").textContent);
          const place = told.title.indexOf("Red clay mug");
          const svg = document.querySelector(".map svg");
          const at = new DOMPoint(told.x[place], told.y[place]).matrixTransform(svg.getScreenCTM());
          return [at.x, at.y, told.id[place]];
        }"""
    )
    page.mouse.move(at[0], at[1])
    assert tip.is_visible()
    assert tip.locator("code").text_content() == at[2]
    assert tip.locator(".title").text_content() == "Red clay mug"
    page.keyboard.press("Escape")
    assert not tip.is_visible()


def test_the_map_tells_of_the_product_that_has_the_focus(new_page: NewPage, report: str) -> None:
    page = new_page()
    page.goto(report)
    page.locator(".pin").first.focus()
    assert page.locator(".tip").is_visible()


def test_one_cluster_can_be_made_to_stand_out(new_page: NewPage, report: str) -> None:
    page = new_page()
    page.goto(report)
    first = page.locator(".legend button").first
    first.click()
    assert first.get_attribute("aria-pressed") == "true"
    faint = "getComputedStyle(document.querySelector('.dots:not(.chosen)')).opacity"
    assert page.evaluate(faint) == "0.08"
    first.click()
    assert first.get_attribute("aria-pressed") == "false"
    assert page.evaluate(faint) == "0.75"


def test_the_report_is_whole_without_its_script(new_page: NewPage, report: str) -> None:
    page = new_page(java_script_enabled=False)
    page.goto(report)
    assert page.locator(".dots").count() > 1
    assert page.locator(".pin").count() > 1
    assert page.locator("#spellings").is_visible()
