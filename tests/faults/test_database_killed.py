"""PostgreSQL dies and comes back while a server answers and writes.

Answers are clear 503 within a time, nobody has to help the server afterwards, and nothing that it
has acknowledged is lost.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import func, select

from shopsearch.access.issuing import KeyIssuer
from shopsearch.bootstrap import Services
from shopsearch.catalog import open_feed
from shopsearch.domain import EVERYTHING, Scope
from shopsearch.settings import Settings
from shopsearch.store.tables import EVENTS
from tests.postgresql import CannotStart, Cluster, mortal_server

ANSWERS_WITHIN_S = 10.0
AWAY_S = 1.5
BACK_WITHIN_S = 20.0
PROGRAM = """
import sys
import structlog
from shopsearch.server.serving import serve
from shopsearch.settings import Settings

structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
serve(Settings.model_validate_json(sys.argv[1]), announce=lambda url: print(url, flush=True))
"""


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    try:
        with mortal_server() as made:
            made.start()
            yield made
    except CannotStart as reason:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(reason))


@dataclass
class Asker:
    """Sends one request after another in a thread, and keeps what was answered."""

    place: tuple[str, int]
    key: str
    request: Callable[[int], tuple[str, str, object]]  # method, path and body of the nth
    answers: list[tuple[int, int, float, str]] = field(default_factory=list)  # n, status, s, type
    is_over: bool = False

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._ask)
        self.thread.start()

    def _ask(self) -> None:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.key}"}
        n = 0
        while not self.is_over:
            n += 1
            method, path, body = self.request(n)
            began = time.monotonic()
            connection = http.client.HTTPConnection(*self.place, timeout=60)
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            answer.read()
            connection.close()
            kind = answer.headers["Content-Type"]
            self.answers.append((n, answer.status, time.monotonic() - began, kind))
            time.sleep(0.02)

    def statuses(self, start: int = 0) -> list[int]:
        return [status for _, status, _, _ in self.answers[start:]]

    def end(self) -> None:
        self.is_over = True
        self.thread.join(60)
        assert not self.thread.is_alive()


def searches(n: int) -> tuple[str, str, object]:
    return "GET", f"/api/v1/search?q=thing+{n % 7}", None


def writes(n: int) -> tuple[str, str, object]:
    return "PUT", f"/api/v1/products/new-{n}", {"title": f"A new thing {n}"}


def tells(n: int) -> tuple[str, str, object]:
    return "POST", "/api/v1/events", {"events": [_event(n)]}


def _event(n: int) -> dict[str, object]:
    return {"type": "view", "product_id": "p1", "visitor_id": f"v{n}", "event_id": f"event-{n}"}


@pytest.fixture
def settings(tmp_path: Path, cluster: Cluster) -> Settings:
    return Settings(
        home=tmp_path / "home",
        encoder="hashing",
        index="exact",
        port=0,
        rate_limit="off",
        rate_limit_write="off",
        database_url=cluster.url,
        current="database",
    )


@pytest.fixture
def key(settings: Settings, tmp_path: Path) -> str:
    """The key to a shop of twenty things."""
    feed = tmp_path / "feed.csv"
    rows = "".join(f"p{n},thing {n}\n" for n in range(20))
    feed.write_text(f"id,title\n{rows}", encoding="utf-8")
    with Services.open(settings) as services:
        services.indexer.run(open_feed(feed), feed_name="things")
        issuer: KeyIssuer = services.key_issuer
        return str(issuer.make("tests", [Scope.ADMIN]).spelt)


@pytest.fixture
def place(settings: Settings, key: str) -> Iterator[tuple[str, int]]:
    """Where a server of its own process answers."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, settings.model_dump_json()],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        address = urlsplit(process.stdout.readline().strip())
        assert address.hostname
        assert address.port
        yield address.hostname, address.port
    finally:
        process.terminate()  # events that wait are written
        process.communicate(timeout=30)


def wait_for(condition: Callable[[], bool], within_s: float) -> bool:
    until = time.monotonic() + within_s
    while not condition() and time.monotonic() < until:
        time.sleep(0.05)
    return condition()


@pytest.mark.slow
def test_a_database_that_dies_and_comes_back_costs_answers_but_nothing_acknowledged(
    cluster: Cluster, settings: Settings, key: str, place: tuple[str, int]
) -> None:
    asking = [Asker(place, key, request) for request in (searches, writes, tells)]
    searching, writing, telling = asking
    try:
        assert wait_for(lambda: all(one.statuses().count(200) > 2 for one in asking[:2]), 30)
        cluster.kill()
        time.sleep(AWAY_S)
        marks = [len(one.answers) for one in asking]
        cluster.start()
        assert wait_for(
            lambda: all(
                200 in one.statuses(mark) for one, mark in zip(asking[:2], marks, strict=False)
            ),
            BACK_WITHIN_S,
        ), [one.statuses() for one in asking]
    finally:
        for one in asking:
            one.end()

    for one in (searching, writing):
        assert set(one.statuses()) == {200, 503}, one.statuses()
        assert {kind for _, status, _, kind in one.answers if status == 503} == {
            "application/problem+json"
        }
    assert set(telling.statuses()) <= {202, 503}
    assert max(took for one in asking for _, _, took, _ in one.answers) < ANSWERS_WITHIN_S
    written = [f"new-{n}" for n, status, _, _ in writing.answers if status == 200]
    told = {f"event-{n}" for n, status, _, _ in telling.answers if status == 202}
    with Services.open(settings) as services:
        stored = services.store.find(written)
        assert set(stored) == set(written)
        held = services.generations.load().index.fields.matching(EVERYTHING).tolist()
        assert {one.key for one in stored.values()} <= set(held)
        assert wait_for(lambda: _count_events(services) >= len(told), 15)
        with services.database.reading() as connection:
            assert told <= set(connection.scalars(select(EVENTS.c.event_id)))


def _count_events(services: Services) -> int:
    with services.database.reading() as connection:
        return int(connection.scalar(select(func.count()).select_from(EVENTS)) or 0)
