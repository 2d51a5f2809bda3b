from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from shopsearch.search import SearchService

MEASURES = {"ndcg@10", "recall@1", "recall@5", "recall@10", "recall@50", "mrr@10", "p@10", "map"}


@pytest.fixture
def judged(tmp_path: Path) -> tuple[Path, Path]:
    """Two queries whose best answer is known, one of them a product of the catalog."""
    queries, qrels = tmp_path / "queries.jsonl", tmp_path / "qrels.csv"
    lines = [
        {"query_id": "q1", "text": "red mug"},
        {"query_id": "q2", "product_id": "A3", "filters": {"brand": "Lumen"}},
    ]
    queries.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    qrels.write_text("query_id,product_id,gain\nq1,A1,3\nq1,A2,1\nq2,A4,2\n", encoding="utf-8")
    return queries, qrels


def test_json_holds_every_measure_and_the_number_of_queries(shopsearch, indexed, judged) -> None:
    queries, qrels = judged

    answer = shopsearch.json("evaluate", "--queries", queries, "--qrels", qrels)

    assert answer.keys() >= MEASURES
    assert answer["n_queries"] == 2
    # both first hits are right, and A3 is not among its own hits: it would be first there
    assert answer["mrr@10"] == 1.0
    assert answer["recall@10"] == 1.0


def test_the_bound_of_relevance_can_be_moved(shopsearch, indexed, judged) -> None:
    queries, qrels = judged
    arguments = ("evaluate", "--queries", queries, "--qrels", qrels)

    assert shopsearch.json(*arguments)["recall@1"] == pytest.approx(0.75)  # q1 has two relevant
    assert shopsearch.json(*arguments, "--relevant-gain", 2)["recall@1"] == 1.0


def test_people_see_the_means_with_their_intervals(shopsearch, indexed, judged) -> None:
    queries, qrels = judged

    shown = shopsearch("evaluate", "--queries", queries, "--qrels", qrels).stdout

    assert "mrr@10 1.0000 1.0000 to 1.0000" in " ".join(shown.split())
    assert "over 2 queries" in shown


def test_a_report_names_queries_products_and_what_answered(
    shopsearch, indexed, judged, tmp_path: Path
) -> None:
    queries, qrels = judged
    qrels.write_text("query_id,product_id,gain\nq1,A5,3\nq2,A4,2\n", encoding="utf-8")
    report = tmp_path / "report.html"

    shopsearch.json("evaluate", "--queries", queries, "--qrels", qrels, "--report", report)

    page = report.read_text(encoding="utf-8")
    for said in ("red mug", "Wooden chair", "hashing-128-v1", indexed["generation"]):
        assert said in page


def test_queries_without_any_judgment_fail_with_both_kinds_of_ids(
    shopsearch, indexed, judged
) -> None:
    queries, qrels = judged
    qrels.write_text("query_id,product_id,gain\nother,A1,3\n", encoding="utf-8")

    result = shopsearch("evaluate", "--queries", queries, "--qrels", qrels, "--json")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "'q1'" in result.stderr
    assert "'other'" in result.stderr


def _asked(judged: tuple[Path, Path], *more: object) -> tuple[object, ...]:
    return ("evaluate", "--queries", judged[0], "--qrels", judged[1], *more)


def test_json_holds_intervals_slices_latency_and_each_query(shopsearch, indexed, judged) -> None:
    answer = shopsearch.json(*_asked(judged))

    assert answer["intervals"].keys() == MEASURES
    low, high = answer["intervals"]["ndcg@10"]
    assert low <= answer["ndcg@10"] <= high
    assert answer["queries"].keys() == {"q1", "q2"}
    assert answer["queries"]["q2"].keys() == MEASURES | {"took_ms"}
    assert answer["latency_ms"].keys() == {"p50", "p95", "p99"}
    assert answer["system"].keys() == {"encoder", "fusion", "index", "ranker", "products"}
    found = {(each["field"], each["value"]): each["n"] for each in answer["slices"]}
    assert found == {
        ("kind", "text"): 1,
        ("kind", "product"): 1,
        ("kind", "with filters"): 1,
        ("category", "Mugs"): 1,
        ("category", "Lamps"): 1,
        ("price", "over 14.00 EUR"): 1,  # A4; A1 and A2, of q1, are in two bands
        ("price", "(mixed)"): 1,
    }


def test_slices_by_an_attribute_and_by_a_label_of_the_queries(shopsearch, indexed, judged) -> None:
    lines = [
        {"query_id": "q1", "text": "red mug", "slice": ["easy", "mugs"]},
        {"query_id": "q2", "product_id": "A3"},
    ]
    judged[0].write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")

    answer = shopsearch.json(*_asked(judged, "--slice", "brand"))

    found = {(each["field"], each["value"]) for each in answer["slices"]}
    assert found >= {
        ("slice", "easy"),
        ("slice", "mugs"),
        ("slice", "(not set)"),
        ("brand", "Kiln"),
        ("brand", "Lumen"),
    }


def test_a_slice_that_no_product_has_is_an_error_that_names_those_there_are(
    shopsearch, indexed, judged
) -> None:
    result = shopsearch(*_asked(judged, "--slice", "colr", "--json"))

    assert (result.exit_code, result.stdout) == (1, "")
    assert "'colr'" in result.stderr
    assert "color" in result.stderr


def test_a_run_compared_with_itself_differs_nowhere(
    shopsearch, indexed, judged, tmp_path: Path
) -> None:
    earlier = tmp_path / "earlier.json"
    earlier.write_text(shopsearch(*_asked(judged, "--json")).stdout, encoding="utf-8")
    report = tmp_path / "report.html"

    answer = shopsearch.json(*_asked(judged, "--compare", earlier, "--report", report))
    shown = shopsearch(*_asked(judged, "--compare", earlier)).stdout

    comparison = answer["comparison"]
    assert (comparison["n_shared"], comparison["same_judgments"]) == (2, True)
    assert comparison["metrics"].keys() == MEASURES
    assert {each["p_value"] for each in comparison["metrics"].values()} == {1.0}
    assert (comparison["gained"], comparison["lost"]) == ([], [])
    assert "mrr@10 1.0000 1.0000 +0.0000 +0.0000 to +0.0000 1.0000 0 0" in " ".join(shown.split())
    assert "Compared with an earlier run" in report.read_text(encoding="utf-8")


def test_an_earlier_run_over_other_queries_is_refused(
    shopsearch, indexed, judged, tmp_path: Path
) -> None:
    document = shopsearch.json(*_asked(judged))
    document["queries"] = {f"old-{name}": row for name, row in document["queries"].items()}
    earlier = tmp_path / "earlier.json"
    earlier.write_text(json.dumps(document), encoding="utf-8")

    result = shopsearch(*_asked(judged, "--compare", earlier, "--json"))

    assert (result.exit_code, result.stdout) == (1, "")
    assert "'old-q1'" in result.stderr


def test_the_report_carries_the_pictures_of_queries_and_products(
    shopsearch, indexed, feed: Path, judged, tmp_path: Path
) -> None:
    queries, qrels = judged
    line = {"query_id": "q1", "image": str(feed.parent / "A3.png"), "slice": "<script>"}
    queries.write_text(json.dumps(line), encoding="utf-8")
    qrels.write_text("query_id,product_id,gain\nq1,A5,1\n", encoding="utf-8")
    report = tmp_path / "report.html"

    shopsearch.json(*_asked(judged, "--report", report))

    page = report.read_text(encoding="utf-8")
    assert 'alt="The picture that the query asks with"' in page
    assert 'alt="Picture of Red lamp"' in page
    assert page.count('src="data:image/webp;base64,') == 5  # the query's, and of four hits
    assert "<script" not in page


def test_the_report_shows_as_many_of_the_worst_queries_as_asked_for(
    shopsearch, indexed, judged, tmp_path: Path
) -> None:
    judged[1].write_text("query_id,product_id,gain\nq1,A5,3\nq2,A5,2\n", encoding="utf-8")
    report = tmp_path / "report.html"

    for n in (0, 1, 2):
        shopsearch.json(*_asked(judged, "--report", report, "--worst", n))
        assert report.read_text(encoding="utf-8").count("<article") == n


def test_a_report_into_a_device_is_refused_before_anything_is_searched(
    shopsearch, indexed, judged, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    result = shopsearch(*_asked(judged, "--report", pipe))

    assert (result.exit_code, result.stdout) == (2, "")
    assert "no regular file" in result.stderr
    assert pipe.is_fifo()


def test_ctrl_c_ends_with_130_and_neither_figures_nor_a_report(
    shopsearch, indexed, judged, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search, asked = SearchService.search, []

    def stopped_at_the_third(self, query):
        asked.append(query)
        if len(asked) == 3:  # the first query is asked twice
            raise KeyboardInterrupt
        return search(self, query)

    monkeypatch.setattr(SearchService, "search", stopped_at_the_third)
    report = tmp_path / "report.html"

    result = shopsearch(*_asked(judged, "--report", report, "--json"))

    assert (result.exit_code, result.stdout) == (130, "")
    assert "1 of 2 queries" in result.stderr
    assert not report.exists()
