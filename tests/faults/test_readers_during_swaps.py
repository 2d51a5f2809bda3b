"""Searches while runs publish: none fails, and none mixes two generations.

What can be asked of one answer: its matches, total and facets are those of the generation that it
names, all of them. The words and prices that are shown with a hit come from the store, which has
no versions: they are as they were at that generation or later, never earlier.
"""

from __future__ import annotations

import csv
import http.client
import json
import random
import re
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from shopsearch.bootstrap import Services
from shopsearch.catalog import open_feed
from shopsearch.domain import AnyOf, ProductFilter, Query, SearchPage
from shopsearch.errors import HomeBusy

from .driver import Fault
from .launcher import Child, Launcher
from .shop import Homes, opened

N = 24
RELEASES = 6
NOTICED_WITHIN_S = 2.0


@pytest.fixture
def home(homes: Homes, scratch: Path) -> Iterator[Path]:
    copy = homes.copy(homes.empty, scratch / "swapped")
    yield copy
    shutil.rmtree(copy)


def release(folder: Path, number: int) -> Path:
    """A feed of which each product says to which release it belongs."""
    path = folder / f"release-{number}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "title", "release"])
        writer.writerows([f"p{n}", f"mug number {n}", f"r{number}"] for n in range(N))
    return path


@dataclass(slots=True)
class Readers:
    """Threads that search for one release or another until they are told to stop."""

    services: Services
    seen: list[list[tuple[str, SearchPage]]] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def read(self, pages: list[tuple[str, SearchPage]], chance: random.Random) -> None:
        try:
            while not self.stopped.is_set():
                wanted = f"r{chance.randint(1, RELEASES)}"
                where = ProductFilter((AnyOf("release", (wanted,)),))
                query = Query(text="mug", where=where, k=2 * N, facets=("release",))
                pages.append((wanted, self.services.search.search(query)))
        except Exception as error:  # noqa: BLE001 - it is raised in the thread of the test
            self.errors.append(error)

    @contextmanager
    def reading(self, n_threads: int = 3) -> Iterator[None]:
        self.seen = [[] for _ in range(n_threads)]
        threads = [
            threading.Thread(target=self.read, args=(pages, random.Random(n)))
            for n, pages in enumerate(self.seen)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.stopped.set()
            for thread in threads:
                thread.join()
        assert not self.errors, self.errors

    def check(self, release_of: dict[str, str]) -> None:
        """Each answer is whole, and of the generation that it names."""
        for wanted, page in (one for pages in self.seen for one in pages):
            there = release_of[page.generation]
            n = N if wanted == there else 0
            assert (page.total, len(page.hits)) == (n, n)
            counts = {one.value: one.count for one in page.facets[0].values if one.count}
            assert counts == {there: N}
            assert all(hit.product.attributes["release"] >= there for hit in page.hits)


def test_every_answer_is_of_one_generation_while_runs_publish(home: Path, tmp_path: Path) -> None:
    with opened(home) as services, opened(home) as writer:
        release_of: dict[str, str] = {}
        readers = Readers(services)

        def publish(number: int) -> None:
            feed = open_feed(release(tmp_path, number))
            report = writer.indexer.run(feed, feed_name="release")
            assert report.generation is not None
            release_of[report.generation] = f"r{number}"

        publish(1)
        with readers.reading():
            for number in range(2, RELEASES + 1):
                publish(number)
                again = writer.indexer.reindex().generation
                assert again is not None
                release_of[again] = f"r{number}"
        readers.check(release_of)
        for pages in readers.seen:
            generations = [page.generation for _, page in pages]
            assert generations == sorted(generations), "a reader went back to an older generation"
        assert len({page.generation for pages in readers.seen for _, page in pages}) > 3


def test_every_answer_is_of_one_generation_in_a_storm_of_swaps(home: Path, tmp_path: Path) -> None:
    with opened(home) as services, opened(home) as writer:
        release_of: dict[str, str] = {}
        for number in (1, 2):
            feed = open_feed(release(tmp_path, number))
            report = writer.indexer.run(feed, feed_name="release")
            release_of[report.generation or ""] = f"r{number}"
        readers, n_swaps = Readers(services), 0
        older, newer = sorted(release_of)
        end = time.monotonic() + 1.5
        with readers.reading():
            while time.monotonic() < end:
                writer.generations.rollback((older, newer)[n_swaps % 2])
                n_swaps += 1
        assert n_swaps >= 10
        # the store is at the newer release all the time: of the older one, only the index tells
        readers.check(release_of)


def test_no_run_prunes_a_generation_that_is_being_rolled_back_to(
    homes: Homes, scratch: Path, launcher: Launcher
) -> None:
    home = homes.copy(homes.today, scratch / "pruned")
    with opened(home) as services:
        oldest = services.generations.ids()[-1]
        waiting = Fault("open CURRENT.new", "stop")
        child = launcher.start("rollback", oldest, home=home, fault=waiting)
        child.wait_until_stopped()
        with pytest.raises(HomeBusy):
            services.indexer.reindex()
        child.send(signal.SIGCONT)
        assert child.wait() == 0, child.stderr
        assert services.generations.load().manifest.generation_id == oldest


@dataclass(frozen=True, slots=True)
class Server:
    """`shopsearch serve` in a process of its own."""

    child: Child

    @property
    def address(self) -> tuple[str, int]:
        found = re.search(r"http://([\d.]+):(\d+)", self.child.stdout)
        assert found, self.child.stderr
        return found[1], int(found[2])

    def generation(self) -> str:
        """Search, and say which generation answered."""
        connection = http.client.HTTPConnection(*self.address, timeout=10)
        connection.request("GET", "/api/v1/search?q=mug&size=50")
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        assert answer.status == 200, body
        page = json.loads(body)
        assert len(page["hits"]) == page["total"] == N
        return str(page["generation"])


@contextmanager
def serving(launcher: Launcher, home: Path) -> Iterator[Server]:
    child = launcher.start("serve", "--port", "0", home=home, traced=False)
    child.wait_until(lambda: "http://" in child.stdout)
    try:
        yield Server(child)
    finally:
        child.send(signal.SIGTERM)
        assert child.wait() == 0, child.stderr


@contextmanager
def asking(ask: Callable[[], str]) -> Iterator[list[str]]:
    """Two threads that ask all the time; what they were told."""
    told: list[str] = []
    errors: list[BaseException] = []
    stopped = threading.Event()

    def go_on() -> None:
        try:
            while not stopped.is_set():
                told.append(ask())
        except (AssertionError, OSError, http.client.HTTPException) as error:
            errors.append(error)

    threads = [threading.Thread(target=go_on) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield told
    finally:
        stopped.set()
        for thread in threads:
            thread.join()
    assert not errors, errors


def test_a_server_answers_through_all_runs_and_notices_each_within_two_seconds(
    home: Path, launcher: Launcher, tmp_path: Path
) -> None:
    assert launcher.start("index", release(tmp_path, 1), home=home).wait() == 0
    runs = (
        ["index", release(tmp_path, 2)],
        ["reindex"],
        ["rollback"],
        ["index", release(tmp_path, 3)],
    )
    with serving(launcher, home) as server, asking(server.generation) as told:
        for arguments in runs:
            child = launcher.start(*arguments, home=home, traced=False)
            assert child.wait() == 0, child.stderr
            live = (home / "CURRENT").read_text().strip()
            noticed_by = time.monotonic() + NOTICED_WITHIN_S
            while server.generation() != live:
                assert time.monotonic() < noticed_by, f"{arguments[0]} was not noticed in time"
    assert len(told) >= len(runs)
