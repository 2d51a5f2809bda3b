"""Ctrl-C and SIGTERM: once, and everything done is kept and live; twice, and it ends at once."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from shopsearch.catalog import open_feed
from shopsearch.domain import EVERYTHING

from .driver import Fault
from .launcher import Child, Launcher
from .shop import Homes, Shop, check_answers, check_whole, leftovers, opened, stored_products

INTERRUPTED = 130
AFTER_A_BATCH = Fault("store upsert", "stop", when="after")
BOTH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])


@pytest.fixture
def home(homes: Homes, scratch: Path) -> Iterator[Path]:
    copy = homes.copy(homes.yesterday, scratch / "signalled")
    yield copy
    shutil.rmtree(copy)


def signal_where_it_stops(child: Child, number: signal.Signals) -> None:
    child.wait_until_stopped()
    child.send(number)
    child.send(signal.SIGCONT)


def upserted_by(child: Child) -> set[str]:
    return {id_ for one in child.trace for id_ in one.get("upserted", ())}


@BOTH
def test_once_and_the_batch_at_hand_is_finished_kept_and_live(
    number: signal.Signals, home: Path, launcher: Launcher, shop: Shop, homes: Homes
) -> None:
    child = launcher.start("index", shop.today, home=home, fault=AFTER_A_BATCH)
    signal_where_it_stops(child, number)
    assert child.wait() == INTERRUPTED
    assert "Run the same command again" in child.stderr
    with opened(home) as services:
        held = stored_products(services)
        kept = upserted_by(child)
        assert 0 < len(kept) < len(homes.truth.vectors)
        assert kept <= set(held)
        generation = services.live.get()
        assert generation.index.fields.matching(EVERYTHING).tolist() == sorted(held.values())
        assert generation.manifest.store_revision == services.store.revision()
        assert leftovers(home) == []
        report = services.indexer.run(open_feed(shop.today), feed_name="again", prune=True)
        assert report.unchanged >= len(kept)
        check_whole(services, homes.truth)


@BOTH
def test_twice_and_it_ends_at_once_with_nothing_lost(
    number: signal.Signals, home: Path, launcher: Launcher, shop: Shop, homes: Homes
) -> None:
    live_before = (home / "CURRENT").read_text()
    again = Fault("draft publish", "stop")
    child = launcher.start("index", shop.today, home=home, fault=(AFTER_A_BATCH, again))
    signal_where_it_stops(child, number)
    signal_where_it_stops(child, number)
    assert child.wait() == (INTERRUPTED if number == signal.SIGINT else -number)
    assert "Traceback" not in child.stderr
    assert (home / "CURRENT").read_text() == live_before
    with opened(home) as services:
        assert upserted_by(child) <= set(stored_products(services))
        check_answers(services)
        services.indexer.run(open_feed(shop.today), feed_name="again", prune=True)
        check_whole(services, homes.truth)
    assert leftovers(home) == []


@BOTH
def test_half_a_reindex_does_not_go_live(
    number: signal.Signals, home: Path, launcher: Launcher
) -> None:
    live_before = (home / "CURRENT").read_text()
    half_way = Fault("draft upsert", "stop", when="after", nth=2)
    child = launcher.start("reindex", home=home, fault=half_way)
    signal_where_it_stops(child, number)
    assert child.wait() == INTERRUPTED
    assert "half an index does not go live" in child.stderr
    assert (home / "CURRENT").read_text() == live_before
    assert leftovers(home) == []


@BOTH
def test_a_removal_that_is_ended_is_completed_by_the_next_run(
    number: signal.Signals, home: Path, launcher: Launcher
) -> None:
    with opened(home) as services:
        gone, *left = stored_products(services)
    fault = Fault("store remove", "stop", when="after")
    child = launcher.start("remove", gone, home=home, fault=fault)
    signal_where_it_stops(child, number)
    assert child.wait() in (INTERRUPTED, -number)
    with opened(home) as services:
        assert set(stored_products(services)) == set(left)
        check_answers(services)
        services.indexer.remove([])
        held = stored_products(services)
        index = services.live.get().index
        assert index.fields.matching(EVERYTHING).tolist() == sorted(held.values())
