"""Lost power: what a name leads to must be on the disk before the name is, and in this order.

A killed process loses nothing that it wrote; a machine without power loses all that was not synced.
So the order is what is tested: the driver records every open, write, fsync, rename and replace of a
command, and `violations` reads the record as a disk would that keeps nothing without an fsync.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from .driver import Fault
from .launcher import Launcher
from .shop import Homes, Shop, opened

Event = dict[str, Any]
NEEDED = (
    "fsync generations/.building/vectors.faiss",
    "fsync generations/.building/manifest.json",
    "fsync generations/.building",
    "fsync generations",
    "fsync CURRENT.new",
    "fsync .",
)


def violations(trace: Sequence[Event], home: Path) -> list[str]:
    """What a power cut could have taken away although something on the disk relied on it."""
    found: list[str] = []
    unsynced: set[str] = set()  # files with content, and folders with names, that may be lost
    written: set[str] = set()
    for event in trace:
        kind, path = event["step"].split(" ")[0], event.get("path", "")
        happened = event["when"] == "after"
        if kind == "open" or (kind == "write" and happened):
            written.add(path)
            unsynced |= {path, str(Path(path).parent)}
        elif kind == "fsync" and happened:
            unsynced.discard(path)
        elif kind == "mkdir" and happened:
            unsynced |= {path, str(Path(path).parent)}
        elif kind in ("rename", "replace"):
            found += [] if happened else _relies_on(event, home, unsynced, written)
            if happened:
                unsynced |= {str(Path(path).parent), str(Path(event["to"]).parent)}
                unsynced.discard(path)
        elif event["step"] in ("generation publish", "rollback") and happened:
            found += [f"{event['step']} returned before {home}"] if str(home) in unsynced else []
    return found


def _relies_on(event: Event, home: Path, unsynced: set[str], written: set[str]) -> list[str]:
    """What a rename makes visible, or presupposes, that is not on the disk yet."""
    path, to = event["path"], Path(event["to"])
    needed = [path]
    if "files" in event and ".building" in path:
        needed += [f"{path}/{name}" for name in event["files"]]
        never = [one for one in needed[1:] if one not in written]
        assert not never, f"the driver has not seen who wrote {never}"
    if to == home / "CURRENT":
        needed.append(str(home / "generations"))
    if ".removing" in to.name:
        needed = [str(home)]  # CURRENT leads elsewhere, for good
    return [f"{event['step']} before {one} was synced" for one in needed if one in unsynced]


@pytest.fixture
def home(homes: Homes, scratch: Path) -> Iterator[Path]:
    copy = homes.copy(homes.yesterday, scratch / "without-power")
    yield copy
    shutil.rmtree(copy)


@pytest.mark.parametrize("command", ["index", "reindex", "remove", "rollback"])
def test_nothing_is_named_before_it_is_on_the_disk(
    command: str, home: Path, launcher: Launcher, shop: Shop
) -> None:
    with opened(home) as services:
        some = services.store.changes_since(0, 1).upserted[0].product.product_id
    arguments = {"index": [shop.today, "--prune"], "remove": [some]}
    child = launcher.start(command, *arguments.get(command, ()), home=home)
    assert child.wait() in (0, 3)
    trace = child.trace
    assert any(event["step"] == "replace CURRENT.new" for event in trace)
    assert violations(trace, home) == []
    syncs = [n for n, one in enumerate(trace) if one["step"].startswith("fsync")]
    for n in (n for n in syncs if trace[n]["when"] == "after"):
        without = [*trace[:n], *trace[n + 1 :]]
        assert violations(without, home), f"{trace[n]['step']} is not missed"


@pytest.mark.parametrize("step", NEEDED)
def test_a_sync_that_is_left_out_is_noticed(step: str, home: Path, launcher: Launcher) -> None:
    child = launcher.start("reindex", home=home, fault=Fault(step, "skip"))
    assert child.wait() == 0
    assert violations(child.trace, home)


def test_the_database_syncs_every_commit_of_its_journal(home: Path) -> None:
    with opened(home) as services, services.database.reading() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar_one() == 2  # FULL
