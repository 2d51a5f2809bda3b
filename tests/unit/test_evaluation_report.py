"""The report: whole, self-contained, and harmless whatever a title says."""

import base64
import hashlib
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from shopsearch.domain import AnyOf, Between, Exists, Product, ProductFilter
from shopsearch.errors import EvaluationError
from shopsearch.evaluation.comparison import EarlierRun, compare
from shopsearch.evaluation.curves import Latency, precision_and_recall
from shopsearch.evaluation.figures import Dot, dots, histogram
from shopsearch.evaluation.measures import evaluate
from shopsearch.evaluation.plots import latency
from shopsearch.evaluation.queries import JudgedQuery
from shopsearch.evaluation.report import Report, check_place, write_report
from shopsearch.evaluation.slices import slices
from shopsearch.evaluation.uncertainty import Interval
from shopsearch.evaluation.worst import N_WORST, Sources

HOSTILE = "</title><script>alert('x')</script><img src=x onerror=alert(1)> & \"quoted\""
VOID = {"meta", "br", "hr", "img", "input", "link"}


class Page(HTMLParser):
    """The tags, attributes and text of a page; complains about tags that do not close."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(source)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


class Drawn:
    """A picture of each product and query: its id, so that it can be told where it landed."""

    def of_product(self, product_id: str) -> bytes | None:
        return None if product_id == "bare" else f"picture of {product_id}".encode()

    def of_query(self, query: JudgedQuery) -> bytes | None:
        return f"asked by {query.query_id}".encode()


def _write(path: Path, run, qrels, *, queries=None, products=(), pictures=None, **more) -> None:
    queries = queries or [JudgedQuery(query_id=q, text=f"words of {q}") for q in run]
    catalog = {each.product_id: each for each in products}
    evaluation = evaluate(run, qrels)
    report = Report(
        evaluation=evaluation,
        sources=Sources(queries, run, qrels, catalog, pictures),
        slices=slices(evaluation, queries=queries, qrels=qrels, products=catalog),
        **more,
    )
    write_report(path, report)


def _report(folder: Path, run, qrels, **more) -> Page:
    path = folder / "report.html"
    _write(path, run, qrels, **more)
    assert [file.name for file in folder.iterdir()] == ["report.html"]
    return Page(path.read_text("utf-8"))


def _earlier(run, qrels) -> EarlierRun:
    per_query = evaluate(run, qrels).per_query
    return EarlierRun(path=Path("before.json"), per_query=per_query, relevant_gain=1.0)


def test_the_report_tells_means_worst_queries_their_hits_and_what_was_missed(tmp_path: Path):
    run = {"good": ["a"], "poor": ["x", "y", "b"]}
    qrels = {"good": {"a": 1.0}, "poor": {"b": 2.0, "c": 0.5, "gone": 0.3, "y": 0.0}}
    products = [Product(product_id="b", title="Blue mug"), Product(product_id="c", title="Cup")]
    page = _report(tmp_path, run, qrels, products=products, facts={"Encoder": "hashing"})
    assert "Over 2 judged queries" in page.text
    assert "Encoder hashing" in page.text
    assert "words of poor" in page.text
    assert "words of good" not in page.text  # it is perfect
    assert "1 x unjudged" in page.text
    assert "2 y gain 0" in page.text
    assert "3 Blue mug b gain 2" in page.text
    assert "at 3 Blue mug b gain 2" in page.text
    assert "not found Cup c gain 0.5" in page.text
    assert "not in the catalog gone gain 0.3" in page.text


def test_nothing_is_loaded_run_or_broken_by_hostile_texts(tmp_path: Path):
    run, qrels = {HOSTILE: [HOSTILE, "x"]}, {HOSTILE: {"y": 1.0, HOSTILE: 1.5}}
    hostile = Product(
        product_id=HOSTILE, title=HOSTILE, product_type=HOSTILE, gender=HOSTILE, brand=HOSTILE
    )
    query = JudgedQuery(
        query_id=HOSTILE,
        text=HOSTILE,
        product_id=HOSTILE,
        image=Path(HOSTILE.replace("/", "")),
        negatives=(HOSTILE,),
        where=ProductFilter((AnyOf(HOSTILE, (HOSTILE,)),)),
        slices=(HOSTILE,),
    )
    earlier = _earlier({HOSTILE: ["y"]}, qrels)
    page = _report(
        tmp_path,
        run,
        qrels,
        queries=[query],
        products=[hostile],
        facts={HOSTILE: HOSTILE},
        run_name=HOSTILE,
        pictures=Drawn(),
        comparison=compare(evaluate(run, qrels), earlier),
    )
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name == "href" or name[:2] == "on"]
    sources = [value for name, value in page.attributes if name == "src"]
    assert sources
    assert all(re.fullmatch(r"data:image/webp;base64,[A-Za-z0-9+/=]+", each) for each in sources)
    assert page.text.count("<script>alert('x')</script>") >= 12


def test_the_policy_of_the_page_lets_its_own_style_through_and_nothing_else(tmp_path: Path):
    _report(tmp_path, {"q": ["a"]}, {"q": {"b": 1.0}})
    source = (tmp_path / "report.html").read_text("utf-8")
    (style,) = re.findall(r"<style>(.*?)</style>", source, re.DOTALL)
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', source)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src &#39;sha256-{digest}&#39;" in policy or f"'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert " style=" not in source  # the policy would not let it through
    assert "@import" not in style
    assert "url(" not in style


def test_a_lone_surrogate_in_a_title_does_not_stop_the_report(tmp_path: Path):
    product = Product(product_id="a", title="half a \ud83d smile")
    page = _report(tmp_path, {"q": ["a"]}, {"q": {"b": 1.0}}, products=[product])
    assert "half a ? smile" in page.text


def test_a_query_is_told_with_its_picture_product_negatives_and_filter(tmp_path: Path):
    where = ProductFilter(
        (AnyOf("brand", ("acme", "bolt")), Between("price", 1, 5.5), Exists("gtin", present=False))
    )
    query = JudgedQuery(
        query_id="q", image=Path("/far/away/mug.jpg"), product_id="P1", negatives=("blue",)
    )
    asked = JudgedQuery(query_id="r", text="mug", where=where)
    qrels = {"q": {"z": 1.0}, "r": {"z": 1.0}}
    page = _report(tmp_path, {"q": ["a"], "r": []}, qrels, queries=[query, asked])
    assert "the picture mug.jpg + like product P1 \N{MINUS SIGN} blue" in page.text
    assert "mug where brand is acme or bolt, 1 <= price <= 5.5, gtin is not set" in page.text
    assert "Found Rank Picture Product Judgment nothing" in page.text


def test_pictures_of_queries_and_products_are_in_the_file_and_named(tmp_path: Path):
    query = JudgedQuery(query_id="q", image=Path("mug.jpg"), product_id="P1")
    products = [Product(product_id="a", title="Red mug")]
    page = _report(
        tmp_path,
        {"q": ["a", "bare"]},
        {"q": {"z": 1.0}},
        queries=[query],
        products=products,
        pictures=Drawn(),
    )
    sources = [value for name, value in page.attributes if name == "src"]
    shown = [base64.b64decode(each.partition(",")[2]).decode() for each in sources]
    assert shown == ["asked by q", "picture of P1", "picture of a", "picture of z"]
    alternatives = [value for name, value in page.attributes if name == "alt"]
    assert alternatives[2:] == ["Picture of Red mug", "Picture of z"]
    assert len(alternatives) == len(sources)


def test_only_so_many_of_the_worst_queries_are_shown_the_ones_with_most_to_gain_first(
    tmp_path: Path,
):
    run = {f"q{n:03}": ["x"] for n in range(N_WORST + 5)}
    qrels = {query: {"a": 1.0 + place} for place, query in enumerate(run)}
    page = _report(tmp_path, run, qrels)
    assert [word for word in page.words if word.startswith("q0")] == list(reversed(run))[:N_WORST]
    page = _report(tmp_path, run, qrels, n_worst=3)
    assert [word for word in page.words if word.startswith("q0")] == list(reversed(run))[:3]
    assert "does worst" not in _report(tmp_path, run, qrels, n_worst=0).text


def test_what_was_left_out_is_said(tmp_path: Path):
    run = {"q": ["a"], "free": ["a"], "weak": ["a"]}
    page = _report(tmp_path, run, {"q": {"a": 1.0}, "weak": {"a": 0.5}, "gone": {"a": 1.0}})
    assert "1 query without a judgment: left out" in page.text
    assert "1 query with judgments, but not among the queries: left out" in page.text
    assert "1 query without any product of gain 1 or more" in page.text


def test_a_perfect_run_says_so(tmp_path: Path):
    page = _report(tmp_path, {"q": ["a"]}, {"q": {"a": 1.0}})
    assert "Every query is answered perfectly" in page.text


def test_a_comparison_shows_differences_chance_and_queries_that_moved(tmp_path: Path):
    now = {"up": ["a"], "down": ["x"], "same": ["a"]}
    before = {"up": ["x"], "down": ["a"], "same": ["a"], "old": ["a"]}
    qrels = {query: {"a": 1.0} for query in before}
    comparison = compare(evaluate(now, qrels), _earlier(before, qrels))
    page = _report(tmp_path, now, qrels, comparison=comparison)
    assert "With before.json , over 3 queries that both runs have" in page.text
    assert "1 only in the earlier one" in page.text
    assert "words of up up 0.000 1.000 +1.000" in page.text
    assert "words of down down 1.000 0.000 \N{MINUS SIGN}1.000" in page.text
    assert "nDCG@10 0.667 0.667 +0.000" in page.text


def test_each_figure_has_a_title_and_its_numbers_in_words(tmp_path: Path):
    run = {f"q{n}": ["x"] * (n % 2) + ["a"] for n in range(8)}
    qrels = {query: {"a": 1.0} for query in run}
    page = _report(
        tmp_path,
        run,
        qrels,
        latency=Latency.of([10.0, 20.0, 30.0]),
        n_hits_asked=5,
        comparison=compare(evaluate(run, qrels), _earlier(run, qrels)),
    )
    n_figures = page.tags.count("svg")
    assert n_figures == 6  # measures, changes, spread, curves, latency, slices by kind
    assert page.tags.count("desc") == n_figures
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    named = [value for name, value in page.attributes if name == "aria-labelledby"]
    assert all(part in ids for value in named for part in value.split())
    assert "half took at most 20 ms" in page.text
    assert "p50 20.0 ms" in page.text


def test_a_report_that_cannot_be_written_names_the_path_and_leaves_nothing(tmp_path: Path):
    run, qrels = {"q": ["a"]}, {"q": {"a": 1.0}}
    with pytest.raises(EvaluationError, match=r"no such folder/report\.html.*folder that exists"):
        _write(tmp_path / "no such folder" / "report.html", run, qrels)
    (tmp_path / "taken").mkdir()
    with pytest.raises(EvaluationError, match="taken"):
        _write(tmp_path / "taken", run, qrels)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_a_report_never_takes_the_place_of_a_device(tmp_path: Path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(EvaluationError, match=r"pipe.*no regular file"):
        check_place(pipe)
    with pytest.raises(EvaluationError, match=r"pipe.*no regular file"):
        _write(pipe, {"q": ["a"]}, {"q": {"a": 1.0}})
    assert pipe.is_fifo()


def test_an_earlier_report_is_replaced(tmp_path: Path):
    (tmp_path / "report.html").write_text("earlier")
    assert "Search quality" in _report(tmp_path, {"q": ["a"]}, {"q": {"a": 1.0}}).text


def test_the_histogram_counts_tenths_with_one_in_the_last_and_bounds_in_the_upper_one():
    drawn = histogram("h", [0.0, 0.05, 0.1, 0.3, 0.6, 0.7, 0.95, 1.0], title="t", axis="nDCG")
    told = (
        "0.0 to 0.1: 2; 0.1 to 0.2: 1; 0.3 to 0.4: 1; 0.6 to 0.7: 1; 0.7 to 0.8: 1; 0.9 to 1.0: 2"
    )
    assert told in drawn


def test_dots_stand_where_their_values_are_and_stay_inside():
    rows = [Dot("half", 0.5, Interval(0.25, 0.75)), Dot("beyond", 1.4, Interval(-1.0, 1.5))]
    drawn = dots("d", rows, title="t")
    assert re.findall(r'cx="([\d.]+)"', drawn) == ["180.0", "350.0"]  # of 10 to 350
    assert re.findall(r'class="whisker " d="M([\d.]+) [\d.]+L([\d.]+)', drawn) == [
        ("95.0", "265.0"),
        ("10.0", "350.0"),
    ]


def test_precision_and_recall_curves_are_those_measures_at_each_k():
    run = {"q": ["a", "x", "b"], "r": []}
    qrels = {"q": {"a": 1.0, "b": 2.0, "x": 0.5}, "r": {"a": 1.0}}
    evaluation = evaluate(run, qrels)
    precision, recall = precision_and_recall(evaluation, run, qrels, depth=10)
    assert precision.means[:3] == pytest.approx((1 / 2, 1 / 4, 1 / 3))
    assert recall.means[:3] == pytest.approx((1 / 4, 1 / 4, 1 / 2))
    assert precision.means[9] == pytest.approx(evaluation.means["p@10"])
    assert recall.means[9] == pytest.approx(evaluation.means["recall@10"])


@pytest.mark.parametrize("values", [[12.0], [0.0, 0.0], [1.0, 1000.0], [5.0] * 40])
def test_any_latencies_can_be_drawn_and_each_search_is_in_one_column(values: list[float]):
    drawn = latency("l", Latency.of(values), title="t")
    counts = re.findall(r'class="count"[^>]*>(\d+)<', drawn)
    assert sum(map(int, counts)) == len(values)
    assert "nan" not in drawn
