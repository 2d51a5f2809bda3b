"""The report: whole, self-contained, and harmless whatever a title says."""

from html.parser import HTMLParser
from pathlib import Path

import pytest

from shopsearch.domain import AnyOf, Between, Exists, ProductFilter
from shopsearch.errors import EvaluationError
from shopsearch.evaluation.figures import histogram
from shopsearch.evaluation.measures import evaluate
from shopsearch.evaluation.queries import JudgedQuery
from shopsearch.evaluation.report import N_WORST, write_report

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


def _report(folder: Path, run, qrels, **more) -> Page:
    path = folder / "report.html"
    queries = more.pop("queries", [JudgedQuery(query_id=q, text=f"words of {q}") for q in run])
    write_report(path, evaluate(run, qrels), queries=queries, run=run, qrels=qrels, **more)
    assert [file.name for file in folder.iterdir()] == ["report.html"]
    return Page(path.read_text("utf-8"))


def test_the_report_tells_means_worst_queries_their_hits_and_what_was_missed(tmp_path: Path):
    run = {"good": ["a"], "poor": ["x", "y", "b"]}
    qrels = {"good": {"a": 1.0}, "poor": {"b": 2.0, "c": 0.5, "y": 0.0}}
    titles = {"b": "Blue mug", "c": "Cup"}
    page = _report(tmp_path, run, qrels, titles=titles, facts={"Encoder": "hashing"})
    assert "Over 2 judged queries" in page.text
    assert "Encoder hashing" in page.text
    assert "words of poor" in page.text
    assert "words of good" not in page.text  # it is perfect
    assert "1 x unjudged" in page.text
    assert "2 y gain 0" in page.text
    assert "3 Blue mug b gain 2" in page.text
    assert "at 3 Blue mug b gain 2" in page.text
    assert "missed Cup c gain 0.5" in page.text


def test_nothing_is_loaded_run_or_broken_by_hostile_texts(tmp_path: Path):
    run, qrels = {HOSTILE: [HOSTILE, "x"]}, {HOSTILE: {"y": 1.0, HOSTILE: 0.5}}
    page = _report(
        tmp_path,
        run,
        qrels,
        queries=[JudgedQuery(query_id=HOSTILE, text=HOSTILE, negatives=(HOSTILE,))],
        titles={HOSTILE: HOSTILE},
        facts={HOSTILE: HOSTILE},
        run_name=HOSTILE,
    )
    assert not {"script", "img", "link", "iframe"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name in ("src", "href") or name[:2] == "on"]
    assert page.text.count("<script>alert('x')</script>") >= 8


def test_a_lone_surrogate_in_a_title_does_not_stop_the_report(tmp_path: Path):
    page = _report(tmp_path, {"q": ["a"]}, {"q": {"b": 1.0}}, titles={"a": "half a \ud83d smile"})
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
    assert "Found nothing" in page.text


def test_only_so_many_of_the_worst_queries_are_shown_the_ones_with_most_to_gain_first(
    tmp_path: Path,
):
    run = {f"q{n:03}": ["x"] for n in range(N_WORST + 5)}
    qrels = {query: {"a": 1.0 + place} for place, query in enumerate(run)}
    page = _report(tmp_path, run, qrels)
    shown = [word for word in page.words if word.startswith("q0")]
    assert shown == list(reversed(run))[:N_WORST]


def test_what_was_left_out_is_said(tmp_path: Path):
    run = {"q": ["a"], "free": ["a"], "weak": ["a"]}
    page = _report(tmp_path, run, {"q": {"a": 1.0}, "weak": {"a": 0.5}, "gone": {"a": 1.0}})
    assert "1 query without a judgment: left out" in page.text
    assert "1 query with judgments, but not among the queries: left out" in page.text
    assert "1 query without any product of gain 1 or more" in page.text


def test_a_perfect_run_says_so(tmp_path: Path):
    page = _report(tmp_path, {"q": ["a"]}, {"q": {"a": 1.0}})
    assert "Every query is answered perfectly" in page.text


def test_a_report_that_cannot_be_written_names_the_path_and_leaves_nothing(tmp_path: Path):
    run, qrels = {"q": ["a"]}, {"q": {"a": 1.0}}
    path = tmp_path / "no such folder" / "report.html"
    with pytest.raises(EvaluationError, match=r"no such folder/report\.html.*folder that exists"):
        write_report(path, evaluate(run, qrels), queries=[], run=run, qrels=qrels)
    (tmp_path / "taken").mkdir()
    with pytest.raises(EvaluationError, match="taken"):
        write_report(tmp_path / "taken", evaluate(run, qrels), queries=[], run=run, qrels=qrels)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_the_histogram_counts_tenths_with_one_in_the_last_and_bounds_in_the_upper_one():
    drawn = histogram([0.0, 0.05, 0.1, 0.3, 0.6, 0.7, 0.95, 1.0], "nDCG")
    label = (
        "0.0 to 0.1: 2; 0.1 to 0.2: 1; 0.3 to 0.4: 1; 0.6 to 0.7: 1; 0.7 to 0.8: 1; 0.9 to 1.0: 2"
    )
    assert label in drawn
