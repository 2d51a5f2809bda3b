"""Any history of runs, removals, rollbacks, kills and restarts: what was acknowledged holds.

A hypothesis state machine over a real home. The model is a dictionary: which version of which
product was acknowledged last. After every step the store equals the model; after every step that
was completed the index does too: each product is the nearest to its own vector, filters and facets
count as the model does. A killed command is a child process that a fault kills at a named step.
"""

from __future__ import annotations

import csv
import os
import shutil
from collections import Counter
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from PIL import Image

from shopsearch.bootstrap import Services
from shopsearch.catalog import open_feed
from shopsearch.domain import EVERYTHING, AnyOf, IndexReport, ProductFilter, Query

from .driver import Fault
from .launcher import Launcher
from .shop import Homes, opened, stored_products

IS_THOROUGH = int(os.environ.get("SHOPSEARCH_TEST_KILLS", "0")) >= 50
BRANDS = ("Kiln", "Fern", "Moss")
PICTURES = (
    "",
    "red.png",
    "blue.png",
    "",
    "red.png",
    "missing.png",
)  # the last of them is a rejected product
COLUMNS = ("id", "title", "brand", "price", "image_link")
KILLED_AT = [
    Fault(step, nth=nth, when=when)
    for step, nth, when in (
        ("feed run begin", 1, "after"),
        ("commit in cache put", 1, "before"),
        ("cache put", 1, "after"),
        ("commit in store upsert", 1, "before"),
        ("store upsert", 1, "after"),
        ("store upsert", 2, "after"),
        ("commit in store remove", 1, "before"),
        ("store remove", 1, "after"),
        ("write generations/.building/vectors.faiss", 1, "after"),
        ("manifest write", 1, "after"),
        ("rename generations/.building", 1, "after"),
        ("replace CURRENT.new", 1, "before"),
        ("replace CURRENT.new", 1, "after"),
        ("rename generations/ID", 1, "after"),
        ("commit in feed run finish", 1, "before"),
    )
]

Row = tuple[str, ...]  # what a product is: the values of COLUMNS
rows = st.builds(
    lambda number, version, brand, picture: (
        f"p{number}",
        f"mug number {number} version {version}" if version else "",
        brand,
        f"{number + version}.00 USD",
        picture,
    ),
    st.integers(0, 11),
    st.integers(0, 4),
    st.sampled_from(BRANDS),
    st.sampled_from(PICTURES),
)
feeds = st.lists(rows, max_size=12)


def outcome(feed: Sequence[Row], held: dict[str, Row]) -> tuple[dict[str, Row], Counter[str]]:
    """What a feed makes of the products held, and how its rows are counted."""
    after, counts, met = dict(held), Counter[str](), set()
    for row in feed:
        product_id, picture = row[0], row[-1]
        counts["read"] += 1
        if product_id in met or picture == PICTURES[-1]:
            counts["rejected"] += 1
        elif held.get(product_id) == row:
            counts["unchanged"] += 1
        else:
            counts["indexed"] += 1
            after[product_id] = row
        met.add(product_id)
    return after, counts


class AnyHistory(RuleBasedStateMachine):
    """The rules are what may happen to a home; the invariants what must hold then."""

    launcher: ClassVar[Launcher]
    homes: ClassVar[Homes]
    scratch: ClassVar[Path]
    numbers: ClassVar[count[int]] = count()

    def __init__(self) -> None:
        super().__init__()
        self.folder = self.scratch / f"history-{next(self.numbers)}"
        self.folder.mkdir()
        self.home = self.homes.copy(self.homes.empty, self.folder / "home")
        for colour in ("red", "blue"):
            Image.new("RGB", (24, 24), colour).save(self.folder / f"{colour}.png")
        self.held: dict[str, Row] = {}
        self.in_step = True  # whether the index is known to hold what the store does
        self.services = opened(self.home)

    def teardown(self) -> None:
        self.services.close()
        shutil.rmtree(self.folder)

    @rule(feed=feeds, prune=st.booleans())
    def index(self, feed: Sequence[Row], prune: bool) -> None:
        after, counts = outcome(feed, self.held)
        lacking = set(after) - {row[0] for row in feed} if prune and feed else set()
        path = self._write(feed)
        report = self.services.indexer.run(open_feed(path), feed_name="any", prune=prune)
        assert counted(report) == counts + Counter(removed=len(lacking))
        self.held = {id_: row for id_, row in after.items() if id_ not in lacking}
        self.in_step = True

    @rule(numbers=st.lists(st.integers(0, 14), max_size=4, unique=True))
    def remove(self, numbers: Sequence[int]) -> None:
        ids = [f"p{number}" for number in numbers]
        report = self.services.indexer.remove(ids)
        gone = [self.held.pop(id_) for id_ in ids if id_ in self.held]
        assert (report.removed, len(report.rejected)) == (len(gone), len(ids) - len(gone))
        self.in_step = True

    @rule()
    def reindex(self) -> None:
        report = self.services.indexer.reindex()
        assert (report.read, report.indexed) == (len(self.held), len(self.held))
        assert (report.texts_encoded, report.images_encoded) == (0, 0)
        self.in_step = True

    @precondition(lambda self: len(self.services.generations.ids()) > 1)
    @rule(data=st.data())
    def roll_back(self, data: st.DataObject) -> None:
        generation = data.draw(st.sampled_from(range(len(self.services.generations.ids()))))
        self.services.generations.rollback(self.services.generations.ids()[generation])
        self.in_step = False

    @rule()
    def restart(self) -> None:
        self.services.close()
        self.services = opened(self.home)

    @rule(feed=feeds.filter(bool), prune=st.booleans(), fault=st.sampled_from(KILLED_AT))
    def index_and_be_killed(self, feed: Sequence[Row], prune: bool, fault: Fault) -> None:
        after, _ = outcome(feed, self.held)
        lacking = set(after) - {row[0] for row in feed} if prune else set()
        arguments = ["--prune", "--prune-limit", "100"] if prune else []
        self._killed("index", self._write(feed), *arguments, fault=fault, after=after, gone=lacking)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), fault=st.sampled_from(KILLED_AT))
    def remove_and_be_killed(self, data: st.DataObject, fault: Fault) -> None:
        gone = data.draw(st.lists(st.sampled_from(sorted(self.held)), min_size=1, unique=True))
        self._killed("remove", *gone, fault=fault, after=self.held, gone=set(gone))

    @rule(fault=st.sampled_from(KILLED_AT))
    def reindex_and_be_killed(self, fault: Fault) -> None:
        self._killed("reindex", fault=fault, after=self.held, gone=set())

    def _killed(
        self, *command: str | Path, fault: Fault, after: dict[str, Row], gone: set[str]
    ) -> None:
        """Run a command that a fault may end; each product is then as before or as wanted."""
        child = self.launcher.start(*command, home=self.home, fault=fault, batch_size=3)
        code = child.wait()
        assert code in (0, 3, -9), child.stderr
        acknowledged = {id_ for one in child.trace for id_ in one.get("upserted", ())}
        removed = {id_ for one in child.trace for id_ in one.get("removed", ())}
        there = stored_rows(self.services)
        for id_ in {*self.held, *after, *there}:
            before, wanted = self.held.get(id_), after.get(id_)
            allowed = [wanted] if id_ in acknowledged else [before, wanted]
            allowed = [None] if id_ in removed else [*allowed, *([None] if id_ in gone else [])]
            assert there.get(id_) in allowed, id_
        self.held = {
            id_: next(one for one in (self.held.get(id_), after.get(id_)) if one and one == form)
            for id_, form in there.items()
        }
        self.in_step = code != -9 and self.in_step

    def _write(self, feed: Sequence[Row]) -> Path:
        path = self.folder / "feed.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows(feed)
        return path

    @invariant()
    def the_store_holds_what_was_acknowledged(self) -> None:
        assert stored_rows(self.services) == self.held
        assert self.services.store.count() == len(self.held)

    @invariant()
    def nothing_removed_is_found_or_listed(self) -> None:
        if self.services.generations.current_id() is None:
            return
        for query in (Query(text="mug number version", k=50), Query(k=50)):
            page = self.services.search.search(query)
            assert {hit.product.product_id for hit in page.hits} <= set(self.held)

    @invariant()
    def the_index_is_in_step(self) -> None:
        if not self.in_step or self.services.generations.current_id() is None:
            return
        index = self.services.live.get().index
        keys = stored_products(self.services)
        assert index.fields.matching(EVERYTHING).tolist() == sorted(keys.values())
        if keys:
            check_vectors(self.services, keys)
        for brand in BRANDS:
            wanted = {id_ for id_, row in self.held.items() if row[2] == brand}
            where = ProductFilter((AnyOf("brand", (brand,)),))
            page = self.services.search.search(Query(where=where, k=50, facets=("brand",)))
            assert {hit.product.product_id for hit in page.hits} == wanted
            assert page.total == len(wanted)
            brands = Counter(row[2] for row in self.held.values())
            assert {one.value: one.count for one in page.facets[0].values if one.count} == brands


def counted(report: IndexReport) -> Counter[str]:
    counts = {name: getattr(report, name) for name in ("read", "indexed", "unchanged", "removed")}
    return Counter({name: n for name, n in counts.items() if n}) + Counter(
        rejected=len(report.rejected)
    )


def stored_rows(services: Services) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for stored in services.store.find(list(stored_products(services))).values():
        one: Any = stored.product
        picture = Path(one.images[0]).name if one.images else ""
        price = f"{one.price.amount} USD"
        found[one.product_id] = (one.product_id, one.title, one.brand, price, picture)
    return found


def check_vectors(services: Services, keys: dict[str, int]) -> None:
    """Every product is among the nearest of the vector that its content has."""
    stored = services.store.find(list(keys))
    items = [services.preparer.prepare(one.record) for one in stored.values()]
    vectors, _ = services.embedder.embed(items)  # (N, D)
    found = services.live.get().index.search(vectors, len(keys))
    for row, product_id in enumerate(stored):
        nearest = found.keys[row][found.scores[row] >= found.scores[row].max() - 1e-5]
        assert keys[product_id] in nearest
    np.testing.assert_allclose(found.scores[:, 0], 1.0, atol=1e-4)


def test_a_reindex_of_an_emptied_catalog_leaves_nothing_to_find(
    homes: Homes, tmp_path: Path
) -> None:
    home = homes.copy(homes.today, tmp_path / "home")
    with opened(home) as services:
        services.store.remove(list(stored_products(services)))  # and killed before the index
        services.indexer.reindex()
        assert len(services.live.get().index) == 0


@pytest.mark.slow
def test_whatever_happens_to_a_home_what_was_acknowledged_holds(
    launcher: Launcher, homes: Homes, scratch: Path
) -> None:
    AnyHistory.launcher, AnyHistory.homes, AnyHistory.scratch = launcher, homes, scratch
    run_state_machine_as_test(
        AnyHistory,
        settings=settings(
            max_examples=60 if IS_THOROUGH else 8,
            stateful_step_count=25 if IS_THOROUGH else 10,
            derandomize=not IS_THOROUGH,
            deadline=None,
            database=None,
            phases=(Phase.generate, Phase.shrink) if IS_THOROUGH else (Phase.generate,),
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
