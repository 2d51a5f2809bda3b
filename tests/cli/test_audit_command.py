"""`shopsearch audit`: what it prints and writes, and what bad input is answered."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest


@pytest.mark.usefixtures("indexed")
def test_json_has_every_section_with_counts_and_a_list(shopsearch) -> None:
    answer = shopsearch.json("audit", "--limit", 2)

    assert answer["products"] == 5
    pictures = answer["sections"]["pictures"]
    assert (pictures["checked"], pictures["found"], pictures["n_listed"]) == (5, 5, 5)
    assert pictures["counts"] == {"missing": 1, "unreadable": 0, "shared": 0, "tiny": 4}
    assert [one["fault"] for one in pictures["list"]] == ["missing", "tiny"]
    assert answer["sections"]["mismatches"]["score"] is None
    assert "learn" in answer["sections"]["mismatches"]["remarks"][0]


@pytest.mark.usefixtures("indexed")
def test_people_see_a_table_with_a_line_for_each_section(shopsearch) -> None:
    result = shopsearch("audit")

    assert result.exit_code == 0
    assert "Missing, tiny and shared pictures" in result.stdout
    assert "1 missing, 4 tiny" in result.stdout
    assert "5 products" in result.stdout


@pytest.mark.usefixtures("indexed")
def test_the_report_and_the_lists_are_written(shopsearch, tmp_path: Path) -> None:
    report, folder = tmp_path / "audit.html", tmp_path / "lists"

    result = shopsearch("audit", "--report", report, "--csv", folder, "--no-map")

    assert result.exit_code == 0
    page = report.read_text("utf-8")
    assert "Red mug" in page
    assert "<script" not in page  # the only one is the map's
    with (folder / "pictures.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["product_id"] for row in rows} == {"A1", "A2", "A3", "A4", "A5"}


def test_a_home_without_an_index_is_told_what_to_do(shopsearch) -> None:
    result = shopsearch("audit")

    assert result.exit_code == 1
    assert "shopsearch index" in result.stderr


@pytest.mark.usefixtures("indexed")
def test_another_encoder_is_told_what_to_do(shopsearch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOPSEARCH_ENCODER", "compact")

    result = shopsearch("audit")

    assert result.exit_code == 1
    assert "reindex" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--report", "no-such-folder/audit.html"), "folder does not exist"),
        (("--report", "."), "."),
        (("--limit", "0"), "--limit"),
        (("--map",), "--report"),
    ],
)
@pytest.mark.usefixtures("indexed")
def test_wrong_usage_is_refused_before_the_work(shopsearch, arguments, reason: str) -> None:
    result = shopsearch("audit", *arguments)

    assert result.exit_code == 2
    assert reason in result.stderr


@pytest.mark.usefixtures("indexed")
def test_a_folder_that_is_a_file_is_refused(shopsearch, tmp_path: Path) -> None:
    (tmp_path / "lists").write_text("x")

    assert shopsearch("audit", "--csv", tmp_path / "lists").exit_code == 2
