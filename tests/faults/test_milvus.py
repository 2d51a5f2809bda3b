"""A catalog on Milvus by settings alone: runs, swaps, killed runs and a killed server."""

from __future__ import annotations

import csv
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shopsearch.bootstrap import Services
from shopsearch.catalog import open_feed
from shopsearch.domain import EVERYTHING, Query, SearchPage
from shopsearch.errors import IndexUnavailable
from shopsearch.index import milvus_upkeep
from shopsearch.index.milvus import MilvusIndex
from shopsearch.settings import Settings
from tests.milvus import MilvusServer
from tests.waiting import wait_until

from .shop import remarks

N = 40
RECOVERS_WITHIN_S = 60.0


def feed(folder: Path, *, without: int = 0, better: int = 0) -> Path:
    """Some products; the first are left out, the last ones are called otherwise."""
    path = folder / f"feed-{without}-{better}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "title", "price", "color"])
        for n in range(without, N):
            name = "better mug" if n >= N - better else "mug"
            color = ("red", "blue", "green")[n % 3]
            writer.writerow([f"p{n}", f"{color} {name} number {n}", f"{n}.50 USD", color])
    return path


@contextmanager
def opened(home: Path, uri: str, **further: Any) -> Iterator[Services]:
    settings = Settings(
        home=home, encoder="hashing", index="milvus", milvus_uri=uri, batch_size=16, **further
    )
    with Services.open(settings) as services:
        yield services


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def run(services: Services, path: Path) -> None:
    services.indexer.run(open_feed(path), feed_name="mugs", prune=True)


def index_of(services: Services) -> MilvusIndex:
    index = services.generations.load().index
    assert isinstance(index, MilvusIndex)
    return index


def collection_of(services: Services) -> str:
    rows = index_of(services).rows
    assert rows is not None
    return rows.collection


def found(services: Services, text: str = "mug") -> set[str]:
    services.live.renew()
    page = services.search.search(Query(text=text, k=100))
    assert page.degraded == ()
    return {hit.product.product_id for hit in page.hits}


@dataclass(slots=True)
class Readers:
    """Threads that search until they are told to stop."""

    services: Services
    pages: list[tuple[SearchPage, float]] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def read(self, text: str) -> None:
        while not self.stopped.is_set():
            started = time.monotonic()
            try:
                page = self.services.search.search(Query(text=text, k=5))
            except Exception as error:  # noqa: BLE001 - any would be a dropped request
                self.errors.append(error)
            else:
                self.pages.append((page, time.monotonic() - started))
            self.stopped.wait(0.02)

    @contextmanager
    def reading(self) -> Iterator[None]:
        threads = [
            threading.Thread(target=self.read, args=(text,)) for text in ("red mug", "blue mug")
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.stopped.set()
            for thread in threads:
                thread.join()


@pytest.fixture(params=["milvus_lite_uri", "milvus_uri"])
def uri(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


def test_runs_removals_and_rollbacks_share_a_collection_and_a_reindex_makes_another(
    home: Path, tmp_path: Path, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(milvus_upkeep, "GRACE_S", 0.0)
    prefix = f"t{time.time_ns()}"
    with opened(home, uri, milvus_collection=prefix, keep_generations=2) as services:
        run(services, feed(tmp_path))
        first, before = collection_of(services), services.generations.current_id()
        assert found(services) == {f"p{n}" for n in range(N)}
        run(services, feed(tmp_path, without=2, better=5))
        assert found(services) == {f"p{n}" for n in range(2, N)}
        assert collection_of(services) == first  # seven rows changed; the others are shared
        services.generations.rollback(before)
        assert found(services) >= {f"p{n}" for n in range(2, N)}
        assert len(index_of(services)) == N
        assert not [what for what in remarks(services) if "missing" in what]
        services.indexer.reindex()
        second = collection_of(services)
        assert second != first
        assert found(services) == {f"p{n}" for n in range(2, N)}
        services.indexer.reindex()  # two generations are kept, and the last one of the day
        services.indexer.reindex()
        assert remarks(services) == []
        connection = index_of(services).rows.connection  # type: ignore[union-attr]
        there = connection.read(lambda client, s: client.list_collections(timeout=s))
        assert first not in there


def test_rows_of_a_run_that_was_killed_are_seen_by_nobody_and_swept_out_by_the_next(
    home: Path, tmp_path: Path, milvus_uri: str
) -> None:
    prefix = f"t{time.time_ns()}"
    with opened(home, milvus_uri, milvus_collection=prefix) as services:
        run(services, feed(tmp_path))
        draft = index_of(services)
        keys = np.arange(1, N + 1, dtype=np.int64) + 1000
        vectors = draft.fetch(draft.fields.matching(EVERYTHING))
        draft.upsert(keys, vectors, [{"color": ("red",)}] * N)
        assert draft.rows is not None
        assert draft.rows.count() == 2 * N  # what a killed run leaves: written, never published
        assert found(services) == {f"p{n}" for n in range(N)}
        assert len(index_of(services).search(vectors[:1], 3 * N).keys[0]) == N
    with opened(home, milvus_uri, milvus_collection=prefix) as services:
        run(services, feed(tmp_path, better=1))
        assert draft.rows.count() == N + 1  # of two generations
        assert found(services) == {f"p{n}" for n in range(N)}


def test_a_process_that_publishes_often_asks_for_what_can_go_once_in_a_while(
    home: Path, tmp_path: Path, milvus_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    own_collections = milvus_upkeep.MilvusUpkeep._own_collections
    monkeypatch.setattr(
        milvus_upkeep.MilvusUpkeep,
        "_own_collections",
        lambda upkeep: asked.append(1) or own_collections(upkeep),
    )
    with opened(home, milvus_uri, milvus_collection=f"t{time.time_ns()}") as services:
        for better in range(3):
            run(services, feed(tmp_path, better=better))
        assert len(asked) == 1
        monkeypatch.setattr(milvus_upkeep, "GRACE_S", 0.0)
        run(services, feed(tmp_path, better=4))
        assert len(asked) == 2


def test_a_reindex_and_its_swap_of_the_alias_under_load_drop_no_request(
    home: Path, tmp_path: Path, milvus_uri: str
) -> None:
    with opened(home, milvus_uri, milvus_collection=f"t{time.time_ns()}") as services:
        run(services, feed(tmp_path))
        found(services)
        readers, first = Readers(services), services.generations.current_id()
        with readers.reading():
            wait_until(lambda: len(readers.pages) > 4, 60.0)
            with opened(home, milvus_uri, milvus_collection=_prefix_of(services)) as indexer:
                indexer.indexer.reindex()
            second = services.generations.current_id()
            wait_until(lambda: readers.pages[-1][0].generation == second, 60.0)
        assert readers.errors == []
        assert {page.generation for page, _ in readers.pages} == {first, second}
        assert all(page.hits and not page.degraded for page, _ in readers.pages)
        assert remarks(services) == []


def test_a_killed_server_leaves_words_and_comes_back_with_all_that_it_has_taken(
    home: Path, tmp_path: Path, milvus_server: MilvusServer
) -> None:
    further = {"milvus_collection": f"t{time.time_ns()}", "milvus_timeout_s": 2.0}
    with opened(home, milvus_server.uri, milvus_patience_s=1.0, **further) as services:
        run(services, feed(tmp_path))
        all_products = found(services)
        readers = Readers(services)
        with readers.reading():
            wait_until(lambda: len(readers.pages) > 4, 60.0)
            milvus_server.kill()
            try:
                wait_until(lambda: bool(readers.pages[-1][0].degraded), 30.0)
                with pytest.raises(IndexUnavailable, match="cannot be reached"):
                    services.search.similar("p1")
                with pytest.raises(IndexUnavailable, match="cannot be reached"):
                    run(services, feed(tmp_path, better=3))
                assert services.outside is not None
                assert "cannot be reached" in services.outside.trouble
                down = len(readers.pages)
                wait_until(lambda: len(readers.pages) > down + 10, 30.0)
            finally:
                milvus_server.start()
            wait_until(lambda: not readers.pages[-1][0].degraded, RECOVERS_WITHIN_S)
        assert readers.errors == []
        assert all(page.hits for page, _ in readers.pages)
        degraded = [took for page, took in readers.pages if page.degraded]
        assert np.median(degraded) < 1.0  # most of them do not even try
        assert found(services) == all_products
        assert not [what for what in remarks(services) if "missing" in what]
        run(services, feed(tmp_path, better=3))
        assert found(services) == all_products


def _prefix_of(services: Services) -> str:
    return services.settings.milvus_collection
