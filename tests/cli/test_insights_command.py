"""`insights`: over a log that a server could have written."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shopsearch.bootstrap import Services
from shopsearch.domain import LoggedClick, LoggedSearch, SearchKind
from shopsearch.settings import Settings

from .conftest import Shopsearch

NOW = datetime.now(UTC)
MUG = LoggedSearch(
    search_id="m",
    at=NOW - timedelta(days=2),
    session="s",
    text="red mug",
    kind=SearchKind.WORDS,
    total=5,
    product_ids=("A1", "A2", "gone"),
    took_ms=12.0,
    generation="g",
)


@pytest.fixture
def logged(home: Path, indexed: dict[str, Any]) -> Callable[..., None]:
    """Writes searches, each of a session of its own, with a click on the product that is named."""

    def write(n: int, search: LoggedSearch = MUG, clicked: str | None = None) -> None:
        with Services.open(Settings(home=home, encoder="hashing")) as services:
            known = len(list(services.search_log.read(NOW - timedelta(days=4000), NOW)))
            searches = [
                replace(search, search_id=f"{known + k}", session=f"s{known + k}") for k in range(n)
            ]
            clicks = [
                LoggedClick(one.search_id, clicked, one.rank_of(clicked) or 0, one.at)
                for one in searches
                if clicked
            ]
            assert services.search_log.write(searches, clicks) == len(clicks)

    return write


def test_figures_are_told_as_a_table_and_as_json(shopsearch: Shopsearch, logged) -> None:
    logged(3, clicked="A2")
    logged(1, replace(MUG, text="[bold]markup[/] <b>", total=0, product_ids=()))
    document = shopsearch.json("insights")
    assert (document["searches"], document["click_through"]) == (4, 0.75)
    assert document["mean_reciprocal_click_rank"] == 0.5
    assert [one["query"] for one in document["top_queries"]] == ["red mug", "[bold]markup[/] <b>"]
    assert document["nothing_found"][0]["searches"] == 1
    table = shopsearch("insights")
    assert table.exit_code == 0
    for said in ("red mug", "[bold]markup[/] <b>", "75.0 %", "0.500", "Nothing found", "12.0"):
        assert said in table.stdout


def test_an_empty_log_says_so(shopsearch: Shopsearch, home: Path) -> None:
    assert "SHOPSEARCH_SEARCH_LOG" in shopsearch("insights").stdout
    document = shopsearch.json("insights")
    assert (document["searches"], document["click_through"]) == (0, None)


def test_days_and_limit_bound_what_is_told(shopsearch: Shopsearch, logged) -> None:
    logged(1, replace(MUG, at=NOW - timedelta(days=10), text="old"))
    logged(2)
    logged(1, replace(MUG, text="lamp"))
    assert shopsearch.json("insights", "--days", 5)["searches"] == 3
    top = shopsearch.json("insights", "--limit", 1)["top_queries"]
    assert [one["query"] for one in top] == ["red mug"]


def test_a_report_is_written_beside_the_table(
    shopsearch: Shopsearch, logged, tmp_path: Path
) -> None:
    logged(3, clicked="A1")
    result = shopsearch("insights", "--report", tmp_path / "report.html")
    assert result.exit_code == 0
    assert "report.html" in result.stderr
    assert "<svg" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_report_that_cannot_be_written_is_refused(shopsearch: Shopsearch, tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "no" / "such.html"):
        assert shopsearch("insights", "--report", place).exit_code == 2


def test_prune_deletes_what_is_older(shopsearch: Shopsearch, logged) -> None:
    logged(2, replace(MUG, at=NOW - timedelta(days=100)))
    logged(3, replace(MUG, at=NOW - timedelta(days=10)))
    assert shopsearch.json("insights", "prune") == {"deleted": 2, "days": 90}
    assert shopsearch.json("insights", "prune", "--days", 9) == {"deleted": 3, "days": 9}
    logged(1)
    assert "1 search is deleted" in shopsearch("insights", "prune", "--days", 0).stdout
    assert shopsearch.json("insights")["searches"] == 0


def test_an_option_that_would_do_nothing_is_refused(shopsearch: Shopsearch) -> None:
    result = shopsearch("insights", "--days", 3, "prune")
    assert result.exit_code == 2
    assert "--days stands before 'prune'" in result.stderr


def test_exported_judgments_carry_an_evaluation(
    shopsearch: Shopsearch, logged, tmp_path: Path
) -> None:
    logged(40, clicked="A1")
    logged(10, clicked="A2")
    logged(10, clicked="gone")  # the catalog does not hold it any more
    folder = tmp_path / "from clicks"
    told = shopsearch.json("insights", "export", folder)
    assert told == {
        "folder": str(folder),
        "queries": 1,
        "judgments": 2,
        "sessions": 60,
        "click_rates": [0.6667, 0.1667, 0.1667],
    }
    lines = (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    (query,) = map(json.loads, lines)
    with (folder / "qrels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert query["text"] == "red mug"
    assert [(row["product_id"], row["gain"]) for row in rows] == [("A1", "1.000"), ("A2", "1.000")]
    files = ("--queries", folder / "queries.jsonl", "--qrels", folder / "qrels.csv")
    evaluated = shopsearch.json("evaluate", *files)
    assert evaluated["n_queries"] == 1
    assert evaluated["recall@10"] == 1.0
    assert "60 sessions" in shopsearch("insights", "export", folder).stdout


def test_a_log_that_is_too_small_is_refused(shopsearch: Shopsearch, logged, tmp_path: Path) -> None:
    logged(3, clicked="A1")
    result = shopsearch("insights", "export", tmp_path / "out")
    assert result.exit_code == 1
    assert "3 clicks" in result.stderr
    assert not (tmp_path / "out").exists()


def test_judgments_that_cannot_be_written_are_an_error_with_the_folder(
    shopsearch: Shopsearch, logged, tmp_path: Path
) -> None:
    logged(60, clicked="A1")
    (tmp_path / "file").write_text("in the way")
    result = shopsearch("insights", "export", tmp_path / "file" / "out")
    assert result.exit_code == 1
    assert str(tmp_path / "file" / "out") in result.stderr


def test_a_search_by_the_command_line_is_not_logged(
    shopsearch: Shopsearch, indexed: dict[str, Any]
) -> None:
    shopsearch.json("search", "red mug")
    shopsearch.json("similar", "A1")
    assert shopsearch.json("insights")["searches"] == 0
