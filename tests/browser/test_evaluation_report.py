"""The report of an evaluation in a real browser: readable everywhere, and quiet on the network."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from shopsearch.domain import Product
from shopsearch.evaluation.comparison import EarlierRun, compare
from shopsearch.evaluation.curves import Latency
from shopsearch.evaluation.measures import evaluate
from shopsearch.evaluation.queries import JudgedQuery
from shopsearch.evaluation.report import Report, write_report
from shopsearch.evaluation.slices import slices
from shopsearch.evaluation.worst import Sources

from .conftest import NewPage
from .test_accessible_and_steady import violations

pytestmark = pytest.mark.browser

HOSTILE = "<script>document.title='taken'</script><img src=//example.com/x onerror=alert(1)>"
LONG = "Unbreakable" * 12


class RedPictures:
    """The same red picture for everything."""

    def of_product(self, product_id: str) -> bytes | None:
        webp = io.BytesIO()
        Image.new("RGB", (60, 40), (200, 30, 30)).save(webp, "WEBP")
        return webp.getvalue()

    def of_query(self, query: JudgedQuery) -> bytes | None:
        return self.of_product(query.query_id)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a report with everything in it, hostile and long titles too."""
    titles = (HOSTILE, LONG, "Red mug")
    products = {
        f"p{n}": Product(
            product_id=f"p{n}", title=titles[n % 3], product_type=f"{titles[n % 3]} > B", gender="x"
        )
        for n in range(12)
    }
    run = {f"q{n}": [f"p{n}", f"p{(n + 1) % 12}"][:: 1 if n % 3 else -1] for n in range(12)}
    qrels = {f"q{n}": {f"p{n}": 2.0, "gone": 0.5} for n in range(12)}
    before = {query: hits[::-1] for query, hits in run.items()}
    queries = [
        JudgedQuery(query_id=q, text=HOSTILE, image=Path("a.png"), slices=(LONG,)) for q in run
    ]
    evaluation = evaluate(run, qrels)
    earlier = EarlierRun(Path("before.json"), evaluate(before, qrels).per_query, 1.0)
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(
        path,
        Report(
            evaluation=evaluation,
            sources=Sources(queries, run, qrels, products, RedPictures()),
            run_name=HOSTILE,
            facts={"encoder": LONG},
            slices=slices(evaluation, queries=queries, qrels=qrels, products=products),
            comparison=compare(evaluation, earlier),
            latency=Latency.of([float(n) for n in range(1, 30)]),
            n_hits_asked=10,
        ),
    )
    return path.as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_report_with_its_tables_open(
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
    # words in figures stay readable: at least 9 px high on the screen
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
    assert page.title() == f"Search quality: {HOSTILE}"
    assert [url for url in asked if not url.startswith("data:image/webp;base64,")] == [report]
    widths = page.eval_on_selector_all("img", "all => all.map(each => each.naturalWidth)")
    assert widths
    assert set(widths) == {60}
    background = page.evaluate("getComputedStyle(document.querySelector('.panel')).borderTopWidth")
    assert background == "1px"  # the policy lets the style through
