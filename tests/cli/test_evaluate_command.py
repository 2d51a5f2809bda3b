from __future__ import annotations

import json
from pathlib import Path

import pytest

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
