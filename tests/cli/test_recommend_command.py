"""`recommend`, over a small catalog."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import Shopsearch


@pytest.mark.usefixtures("indexed")
def test_what_is_liked_brings_what_is_like_it(shopsearch: Shopsearch) -> None:
    page = shopsearch.json("recommend", "--like", "A1", "-k", 2)
    assert [hit["rank"] for hit in page["hits"]] == [1, 2]
    assert page["hits"][0]["reasons"][0]["kind"] == "like"
    assert page["hits"][0]["reasons"][0]["product_id"] == "A1"
    table = shopsearch("recommend", "--like", "A1", "--dislike", "A4", "--strategy", "best_score")
    assert table.exit_code == 0
    assert "like the liked A1" in table.stdout


@pytest.mark.usefixtures("indexed")
def test_kinds_filters_and_what_stands_in(shopsearch: Shopsearch) -> None:
    similar = shopsearch.json("recommend", "--like", "A1", "--kind", "similar", "--text-weight", 0)
    assert len(similar["hits"]) == 4
    lamps = shopsearch.json("recommend", "--like", "A1", "--filter", "brand=Lumen")
    assert {hit["product_id"] for hit in lamps["hits"]} == {"A3", "A4"}
    beside = shopsearch.json("recommend", "--like", "A1", "--kind", "complementary")
    assert {hit["product_id"] for hit in beside["hits"]} == {"A2", "A3", "A4", "A5"}
    trending = shopsearch.json("recommend")
    assert (trending["fallback"], len(trending["hits"])) == ("newest", 5)
    unknown = shopsearch.json("recommend", "--like", "nobody")
    assert (unknown["unknown"], unknown["fallback"]) == (["nobody"], "newest")
    said = shopsearch("recommend", "--visitor", "nobody").stdout
    assert "newest instead" in said


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--kind", "similar"), "--like"),
        (("--kind", "similar", "--like", "A1", "--like", "A2"), "one product"),
        (("--kind", "history"), "--visitor"),
        (("--kind", "trending", "--like", "A1"), "does nothing"),
        (("--kind", "similar", "--like", "A1", "--dislike", "A2"), "does nothing"),
        (("--like", "A1", "--visitor", "v"), "does nothing"),
        (("-k", "101"), "101"),
        (("-k", "5", "evaluate", "log.jsonl"), "stands before 'evaluate'"),
        (("--like", "A1", "--filter", "brand"), "no filter"),
    ],
)
def test_wrong_usage_is_told(shopsearch: Shopsearch, arguments: Any, told: str) -> None:
    result = shopsearch("recommend", *arguments)
    assert (result.exit_code, told in result.stderr) == (2, True), result.stderr


@pytest.mark.usefixtures("indexed")
def test_a_product_that_is_both_liked_and_disliked_or_not_there_fails(
    shopsearch: Shopsearch,
) -> None:
    both = shopsearch("recommend", "--like", "A1", "--dislike", "A1")
    assert (both.exit_code, "liked and disliked" in both.stderr) == (1, True)
    gone = shopsearch("recommend", "--like", "nobody", "--kind", "similar")
    assert (gone.exit_code, "nobody" in gone.stderr) == (1, True)


@pytest.mark.usefixtures("indexed")
def test_a_log_of_events_measures_every_kind(shopsearch: Shopsearch, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    rows = [
        {
            "type": "view",
            "product_id": product_id,
            "at": f"2026-11-01T0{hour}:00:00Z",
            "visitor_id": f"v{n}",
        }
        for n in range(4)
        for hour, product_id in enumerate(("A1", "A2"))
    ]
    log.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    page = shopsearch.json("recommend", "evaluate", log)
    assert (page["trials"], page["products"], page["events"]) == (4, 5, 4)
    assert set(page["recommenders"]) >= {"history", "similar", "trending", "most popular", "random"}
    history = page["recommenders"]["history"]
    assert (history["hit@10"], history["coverage"]) == (1.0, 0.8)
    table = shopsearch("recommend", "evaluate", log).stdout
    assert "most popular" in table
    log.write_text("{}", encoding="utf-8")
    refused = shopsearch("recommend", "evaluate", log)
    assert (refused.exit_code, "log.jsonl, line 1" in refused.stderr) == (1, True)
