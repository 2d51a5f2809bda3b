from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

COLOURS = ("red", "blue", "green", "yellow", "grey")
THINGS = ("mug", "lamp", "chair", "desk", "vase")


@pytest.fixture
def judged(tmp_path: Path, shopsearch) -> tuple[Path, Path]:
    """A shop of coloured things, and a query for each of them."""
    names = [f"{colour} {thing}" for colour in COLOURS for thing in THINGS]
    feed, queries, qrels = (tmp_path / n for n in ("feed.csv", "queries.jsonl", "qrels.csv"))
    rows = [f"p{n},{name} of the house" for n, name in enumerate(names)]
    feed.write_text("\n".join(("id,title", *rows)), encoding="utf-8")
    lines = [{"query_id": f"q{n}", "text": name} for n, name in enumerate(names)]
    queries.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    gains = [f"q{n},p{n},1" for n in range(len(names))]
    qrels.write_text("\n".join(("query_id,product_id,gain", *gains)), encoding="utf-8")
    shopsearch.json("index", feed)
    return queries, qrels


def test_training_says_what_it_reached_and_writes_weights_that_search_uses(
    shopsearch, judged, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries, qrels = judged
    files = ("--queries", queries, "--qrels", qrels)
    out = tmp_path / "new" / "ranking.json"

    answer = shopsearch.json("train", "ranking", *files, "--out", out, "--folds", 2)

    assert answer["queries"] == 25
    assert answer["ndcg@10"] >= answer["ndcg@10_by_cosine"]
    written = json.loads(out.read_text(encoding="utf-8"))
    assert written["weights"] == answer["features"]
    assert "25 products" in written["trained_on"]
    card = out.with_suffix(".md").read_text(encoding="utf-8")
    assert "25 products" in card
    assert f"{answer['ndcg@10']:.4f}" in card
    (megabytes,) = re.findall(r"at most ([\d,]+) MB of memory", card)
    assert int(megabytes.replace(",", "")) == pytest.approx(answer["peak_memory_mb"], abs=1)

    again = tmp_path / "again.json"
    shopsearch.json("train", "ranking", *files, "--out", again, "--folds", 2)
    assert again.read_bytes() == out.read_bytes()

    monkeypatch.setenv("SHOPSEARCH_RANKER", str(out))
    assert shopsearch.json("search", "blue vase")["hits"][0]["product_id"] == "p9"


def test_too_few_judgments_write_nothing(shopsearch, judged, tmp_path: Path) -> None:
    queries, qrels = judged
    lines = qrels.read_text(encoding="utf-8").splitlines()[:10]
    qrels.write_text("\n".join(lines), encoding="utf-8")
    out = tmp_path / "ranking.json"

    refused = shopsearch("train", "ranking", "--queries", queries, "--qrels", qrels, "--out", out)

    assert refused.exit_code == 1
    assert "judge more queries, or log more clicks" in " ".join(refused.stderr.split())
    assert not out.exists()
