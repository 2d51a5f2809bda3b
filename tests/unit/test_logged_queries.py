"""What many have searched for: read now and then, beside the requests."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shopsearch.bootstrap import Services
from shopsearch.domain import AskedText, LoggedSearch, Product, SearchKind
from shopsearch.errors import StoreUnavailable
from shopsearch.logged_queries import LoggedQueries
from shopsearch.settings import Settings
from shopsearch.store.sql import SqlSearchLog

from .conftest import listed

NOW = datetime.now(UTC)
SEARCH = LoggedSearch(
    search_id="",
    at=NOW - timedelta(hours=1),
    session="",
    text="",
    kind=SearchKind.WORDS,
    total=2,
    product_ids=("mug",),
    took_ms=1.0,
    generation="g",
)


@pytest.fixture
def shop(services: Services) -> Services:
    mugs = [
        Product(product_id="mug", title="Blue mugs", brand="Kiln"),
        Product(product_id="lamp", title="Desk lamp 40 W"),
    ]
    services.indexer.run(listed(*mugs), feed_name="test")
    return services


def ask(services: Services, text: str, sessions: Sequence[str | None], **changes: object) -> None:
    made = [
        replace(SEARCH, search_id=f"{text}-{n}", text=text, session=session, **changes)  # type: ignore[arg-type]
        for n, session in enumerate(sessions)
    ]
    services.search_log.write(made, [])


def texts(services: Services) -> list[str]:
    assert services.logged_queries is not None
    services.logged_queries.renew()
    return list(services.logged_queries.texts())


def test_only_what_three_sessions_asked_in_words_of_the_catalog_is_remembered(
    shop: Services,
) -> None:
    ask(shop, "blue mug", ["a", "b", "c"])
    ask(shop, "lamp 40", ["a", "b", "c", "d"])
    ask(shop, "mug", ["a", "a", "b", "b", None])
    ask(shop, "blue anna", ["a", "b", "c"])
    ask(shop, "lamp 4711", ["a", "b", "c"])
    ask(shop, "☕", ["a", "b", "c"])
    assert texts(shop) == ["lamp 40", "blue mug"]


def test_what_is_older_than_the_log_is_kept_does_not_count(shop: Services) -> None:
    ask(shop, "blue mug", ["a", "b", "c"], at=NOW - timedelta(days=91))
    assert texts(shop) == []


def test_words_of_products_that_are_gone_are_gone_at_the_next_reading(shop: Services) -> None:
    ask(shop, "blue mug", ["a", "b", "c"])
    assert texts(shop) == ["blue mug"]
    shop.store.remove(["mug"])
    assert texts(shop) == []


class CountingLog(SqlSearchLog):
    """Counts the readings, and may fail them."""

    fails = False

    def __init__(self, services: Services) -> None:
        super().__init__(services.database)
        self.n_read = 0
        self.threads: set[int] = set()
        self.may_read = threading.Event()
        self.may_read.set()

    def asked(self, since: datetime, *, min_sessions: int, limit: int) -> Sequence[AskedText]:
        self.n_read += 1
        self.threads.add(threading.get_ident())
        self.may_read.wait(30.0)
        if self.fails:
            raise StoreUnavailable("gone")
        return super().asked(since, min_sessions=min_sessions, limit=limit)


def test_they_are_read_in_another_thread_and_only_now_and_then(shop: Services) -> None:
    log, clock = CountingLog(shop), [0.0]
    ask(shop, "blue mug", ["a", "b", "c"])
    logged = LoggedQueries(log, shop.lexical, days=90, clock=lambda: clock[0])
    log.may_read.clear()
    assert logged.texts() == ()
    log.may_read.set()
    logged.close()
    for _ in range(20):
        assert logged.texts() == ("blue mug",)
    assert log.n_read == 1
    assert threading.get_ident() not in log.threads
    clock[0] = 299.0
    logged.texts()
    clock[0] = 301.0
    logged.texts()
    logged.close()
    assert log.n_read == 2


def test_a_failure_leaves_what_was_known_and_is_not_tried_at_once(shop: Services) -> None:
    log, clock = CountingLog(shop), [0.0]
    ask(shop, "blue mug", ["a", "b", "c"])
    logged = LoggedQueries(log, shop.lexical, days=90, clock=lambda: clock[0])
    logged.renew()
    log.fails, clock[0] = True, 1000.0
    for _ in range(5):
        assert logged.texts() == ("blue mug",)
        logged.close()
    assert log.n_read == 2


def test_nothing_is_remembered_where_nothing_is_logged(settings: Settings) -> None:
    with Services.open(settings.model_copy(update={"search_log": "off"})) as services:
        assert services.logged_queries is None
