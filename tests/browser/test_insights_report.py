"""The report of the search log in a real browser: readable everywhere, and quiet on the network."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from shopsearch.domain import WITHHELD, ClickedSearch, LoggedClick, LoggedSearch, SearchKind
from shopsearch.insights.report import write_report
from shopsearch.insights.summary import summarise

from .conftest import NewPage
from .test_accessible_and_steady import violations

pytestmark = pytest.mark.browser

HOSTILE = "<script>document.title='taken'</script><img src=//example.com/x onerror=alert(1)>"
TEXTS = (HOSTILE, "Unbreakable" * 16, "red mug", "שלום mug", WITHHELD, "lamp", "lampp")
UNTIL = datetime(2026, 3, 31, 18, 30, tzinfo=UTC)
SINCE = UNTIL - timedelta(days=60)


def searches(n: int) -> list[ClickedSearch]:
    """Like those of a shop: the first ranks are clicked most."""
    chance = random.Random(7)
    made = []
    for number in range(n):
        text = chance.choice(TEXTS)
        total = 0 if text == HOSTILE and number % 2 else 1_234_567
        search = LoggedSearch(
            search_id=str(number),
            at=SINCE + timedelta(minutes=chance.randrange(60 * 24 * 60)),
            session=f"s{number % 97}",
            text=text,
            kind=SearchKind.WORDS,
            is_filtered=not total,
            is_corrected=text == "lampp",
            is_relaxed=text.startswith("Unbreakable"),
            total=total,
            product_ids=tuple(f"p{k}" for k in range(24)) if total else (),
            took_ms=chance.lognormvariate(3.0, 0.5),
            generation="g",
        )
        ranks = [rank for rank in range(1, 25) if total and chance.random() < 0.4 / rank]
        clicks = tuple(LoggedClick(str(number), f"p{r - 1}", r, search.at) for r in ranks)
        made.append(ClickedSearch(search, clicks))
    return made


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a report with everything in it, hostile and long words too."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(path, summarise(searches(2_000), SINCE, UNTIL, limit=10))
    return path.as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_report(new_page: NewPage, report: str, scheme: str) -> None:
    page = new_page(width=390, color_scheme=scheme)
    page.goto(report)
    assert violations(page) == []


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_report_fits_its_window(new_page: NewPage, report: str, width: int) -> None:
    page = new_page(width=width)
    page.goto(report)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    sizes = page.eval_on_selector_all(
        ".figure text", "all => all.map(each => 11.5 * each.getScreenCTM().d)"
    )
    assert min(sizes) >= 8.5


def test_the_report_asks_nobody_for_anything_and_runs_nothing(
    new_page: NewPage, report: str
) -> None:
    page = new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report)
    assert page.title() == "Search insights"
    assert asked == [report]
    assert page.get_by_text(HOSTILE).count() >= 2
    border = page.evaluate("getComputedStyle(document.querySelector('.panel')).borderTopWidth")
    assert border == "1px"  # the policy lets the style through
