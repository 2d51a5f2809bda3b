"""Runs over Milvus that are killed: what was acknowledged stays, the next run completes them."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from shopsearch.bootstrap import Services
from shopsearch.catalog import open_feed
from shopsearch.index import milvus_upkeep
from shopsearch.settings import Settings
from tests.milvus import drop_collections

from .driver import Fault
from .launcher import Child, Launcher
from .shop import Shop, check_acknowledged, check_answers, leftovers, remarks, stored_products
from .test_killed import GONE, IS_THOROUGH

INDEX_KILLED_AT = (
    Fault("rows insert", when="after"),  # there, and nobody knows of them
    Fault("store upsert", nth=2, when="after"),  # acknowledged, and not in Milvus yet
    Fault("replace CURRENT.new"),
)
REINDEX_KILLED_AT = (
    Fault("collection make", when="after"),
    Fault("alias move"),  # live, and the alias leads to the collection before it
)
FURTHER = (
    Fault("rows insert"),
    Fault("rename generations/.building"),
    Fault("alias move"),
    Fault("collections tidy"),
    Fault("collections tidy", when="after"),
)


@pytest.fixture
def on_milvus(milvus_uri: str) -> Iterator[Mapping[str, str]]:
    prefix = f"killed_{time.time_ns()}"
    yield {"index": "milvus", "milvus_uri": milvus_uri, "milvus_collection": prefix}
    drop_collections(milvus_uri, prefix)


def opened(home: Path, on_milvus: Mapping[str, str]) -> Services:
    return Services.open(
        Settings(home=home, encoder="hashing", batch_size=5, keep_generations=2, **on_milvus)
    )


def tried(faults: Sequence[Fault]) -> Sequence[Fault]:
    """Those, and where all was asked for the further ones too."""
    return (*faults, *FURTHER) if IS_THOROUGH else faults


def ids_in(feed: Path) -> set[str]:
    with feed.open(encoding="utf-8", newline="") as file:
        return {row["id"] for row in csv.DictReader(file) if not row["id"].startswith("bad-")}


def complete(services: Services, feed: Path) -> None:
    """Index it: the catalog is then what the feed says."""
    services.indexer.run(open_feed(feed), feed_name="shop", prune=True, prune_limit=1.0)
    assert set(stored_products(services)) == ids_in(feed)


def check_sound(services: Services) -> None:
    """Every vector in Milvus is the one of the kept embeddings, and no row is missing."""
    faults = [one for result in services.verifier.run() for one in result.shown]
    assert [one.what for one in faults if one.severity.value == "fault"] == []


def test_a_run_that_is_killed_at_any_step_is_completed_by_the_next_one(
    scratch: Path,
    shop: Shop,
    launcher: Launcher,
    on_milvus: Mapping[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home = scratch / f"home-{on_milvus['milvus_collection']}"

    def killed(fault: Fault, *words: str | Path) -> Child:
        child = launcher.start(*words, home=home, fault=fault, settings=on_milvus)
        assert child.wait() == GONE, f"{fault}: never met; {child.stderr}"
        return child

    with opened(home, on_milvus) as services:
        complete(services, shop.yesterday)
    for number, fault in enumerate(tried(INDEX_KILLED_AT)):
        feed = (shop.today, shop.yesterday)[number % 2]
        child = killed(fault, "index", feed, "--prune", "--prune-limit", "100")
        with opened(home, on_milvus) as services:
            check_acknowledged(services, child.trace)
            check_answers(services)
            complete(services, feed)
            check_sound(services)
    for fault in tried(REINDEX_KILLED_AT):
        killed(fault, "reindex")
        with opened(home, on_milvus) as services:
            check_answers(services)
            check_sound(services)
    monkeypatch.setattr(milvus_upkeep, "GRACE_S", 0.0)
    with opened(home, on_milvus) as services:
        services.indexer.reindex()
        services.indexer.reindex()
        check_sound(services)
        assert remarks(services) == []  # nothing of killed runs is left in Milvus
    assert leftovers(home) == []
