"""What `doctor`, `verify` and `index` say of an index on Milvus that is not as it should be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.engines import Engines, chosen
from tests.milvus import client_of, free_port

COMMANDS = ("doctor", "verify")


@pytest.fixture(scope="module")
def engines(request: pytest.FixtureRequest) -> Engines:
    return chosen(request, "sqlite", "milvus")


@pytest.fixture
def live(indexed: dict[str, Any], home: Path) -> Path:
    """The folder of the live generation."""
    return home / "generations" / indexed["generation"]


def collection_of(generation: Path) -> str:
    return str(json.loads((generation / "index.json").read_text())["collection"])


def told(shopsearch: Any, command: str) -> str:
    """All that a command, which fails, says of Milvus."""
    report = shopsearch.json(command, exit_code=1)
    assert report["ok"] is False
    if command == "doctor":
        (one,) = [one for one in report["checks"] if one["subject"] == "milvus"]
        assert one["verdict"] == "fail"
        return f"{one['message']} | {one['remedy']}"
    (check,) = [one for one in report["checks"] if one["check"] == "milvus"]
    assert check["faults"] == 1
    (fault,) = [one for one in check["found"] if one["severity"] == "fault"]
    assert fault["subject"] == "milvus"
    return f"{fault['what']} | {fault['remedy']}"


def test_rows_that_are_missing_are_counted_and_a_reindex_writes_them_anew(
    shopsearch: Any, live: Path, milvus_uri: str
) -> None:
    collection, rows = collection_of(live), np.load(live / "rows.npy")
    with client_of(milvus_uri) as client:
        client.delete(collection, ids=rows[:2].tolist())

    for command in COMMANDS:
        said = told(shopsearch, command)
        assert f"2 of 5 rows of the live generation are missing in {collection}" in said
        assert "run `shopsearch reindex`" in said
    shopsearch.json("reindex")

    assert shopsearch.json("verify")["ok"] is True
    assert shopsearch.json("doctor")["ok"] is True


def test_a_collection_that_was_dropped_is_named_and_a_reindex_makes_another(
    shopsearch: Any, live: Path, milvus_uri: str, feed: Path
) -> None:
    collection = collection_of(live)
    with client_of(milvus_uri) as client:
        for alias in client.list_aliases(collection)["aliases"]:
            client.drop_alias(alias)
        client.drop_collection(collection)

    for command in COMMANDS:
        said = told(shopsearch, command)
        assert f"the collection {collection} is not there any more" in said
        assert "the live generation needs it" in said
        assert "run `shopsearch reindex`" in said
    searched = shopsearch.json("search", "red mug")
    assert (searched["degraded"], searched["total"]) == (["vectors"], 5)
    feed.write_text(feed.read_text().replace("Red mug", "Ruby mug"))
    refused = shopsearch("index", feed)
    assert refused.exit_code == 1
    assert f"has no collection {collection} any more" in refused.stderr
    assert "run `shopsearch reindex`" in refused.stderr
    shopsearch.json("reindex")

    assert shopsearch.json("verify")["ok"] is True
    assert "degraded" not in shopsearch.json("search", "red mug")


def test_a_server_that_is_away_is_named_with_its_address_and_what_to_look_at(
    shopsearch: Any, live: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("SHOPSEARCH_MILVUS_URI", nowhere)
    monkeypatch.setenv("SHOPSEARCH_MILVUS_TIMEOUT_S", "1")

    for command in COMMANDS:
        said = told(shopsearch, command)
        assert f"Milvus at {nowhere} cannot be reached" in said
        assert "check that it runs, and SHOPSEARCH_MILVUS_URI" in said
