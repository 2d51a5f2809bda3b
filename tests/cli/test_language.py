"""A shop in another language, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

TITLES = ("Rote Schuhe", "Kleines Haus aus Holz", "Vogelhäuser", "Running shoes")


@pytest.fixture
def german_feed(tmp_path: Path) -> Path:
    path = tmp_path / "laden.jsonl"
    rows = [json.dumps({"id": f"p{n}", "title": title}) for n, title in enumerate(TITLES)]
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


def found_by_words(shopsearch, text: str) -> list[str]:
    """The titles that the search has matched words of."""
    hits = shopsearch.json("search", text, "--why", "--as-typed")["hits"]
    return [hit["title"] for hit in hits if hit["why"]["matched"]]


def test_the_language_of_a_filled_catalog_can_be_changed(
    shopsearch, german_feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shopsearch.json("index", german_feed)
    assert found_by_words(shopsearch, "häusern") == []
    assert found_by_words(shopsearch, "run") == []

    monkeypatch.setenv("SHOPSEARCH_LANGUAGE", "german")
    for command in (("search", "Haus"), ("doctor",)):
        refused = shopsearch(*command)
        assert refused.exit_code == 1
        told = " ".join((refused.stderr + refused.stdout).split())
        assert "kept in english, but SHOPSEARCH_LANGUAGE says german" in told
        assert "shopsearch reindex" in told
    assert shopsearch.json("search", "--filter", "brand!=x")["total"] == len(TITLES)

    done = shopsearch("reindex")
    assert done.exit_code == 0
    assert "writing the words anew" in done.stderr
    assert found_by_words(shopsearch, "Häusern")[0] == "Kleines Haus aus Holz"
    assert found_by_words(shopsearch, "schuh") == ["Rote Schuhe"]

    monkeypatch.setenv("SHOPSEARCH_LANGUAGE", "none")
    assert shopsearch.json("index", german_feed)["unchanged"] == len(TITLES)
    assert found_by_words(shopsearch, "schuh") == []
    assert found_by_words(shopsearch, "SCHUHE") == ["Rote Schuhe"]

    monkeypatch.delenv("SHOPSEARCH_LANGUAGE")
    assert shopsearch("search", "Haus").exit_code == 1


def test_a_new_catalog_is_written_in_the_language_at_once(
    shopsearch, german_feed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOPSEARCH_LANGUAGE", "german")
    first = shopsearch("index", german_feed)
    assert "writing the words anew" not in first.stderr
    assert found_by_words(shopsearch, "schuh") == ["Rote Schuhe"]


def test_a_language_that_nobody_knows_is_refused_by_name(
    shopsearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOPSEARCH_LANGUAGE", "klingon")
    refused = shopsearch("search", "mug")
    assert refused.exit_code == 1
    assert "SHOPSEARCH_LANGUAGE='klingon'" in refused.stderr
    assert "'german'" in refused.stderr


def test_phrases_in_quotes_come_first_and_say_so(shopsearch, indexed) -> None:
    page = shopsearch.json("search", '"red lamp" mug', "--why")
    assert page["hits"][0]["product_id"] == "A4"
    assert page["hits"][0]["why"]["score"]["exact"] > 0
    lost = shopsearch("search", '"lamp red"')
    assert 'not counted on: "lamp red"' in lost.stdout
    assert shopsearch.json("search", "kiln")["hits"][1]["product_id"] in {"A1", "A2"}
