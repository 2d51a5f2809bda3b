"""The book of events: nothing is lost that can still be written, and nobody waits."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsearch.domain import Event, EventKind, is_pseudonym, looks_personal
from shopsearch.errors import EventsBusy, StoreUnavailable
from shopsearch.logbook import EventBook
from shopsearch.store.sql import Database, SqlEventStore
from tests.waiting import wait_until

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)


class StubbornStore(SqlEventStore):
    """A store whose database can be made to wait, or to fail."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.may_write = threading.Event()
        self.may_write.set()
        self.failures: list[Exception] = []
        self.sizes: list[int] = []

    def write(self, events: Sequence[Event]) -> int:
        self.may_write.wait(20)
        if self.failures:
            raise self.failures.pop()
        self.sizes.append(len(events))
        return super().write(events)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StubbornStore]:
    database = Database(f"sqlite:///{tmp_path}/catalog.db")
    database.migrate()
    yield StubbornStore(database)
    database.close()


@pytest.fixture
def book(store: StubbornStore) -> Iterator[Callable[..., EventBook]]:
    books: list[EventBook] = []

    def opened(**options: object) -> EventBook:
        quick = {"keep_days": 365, "write_every_s": 0.01, "now": lambda: NOON}
        books.append(EventBook(store, **{**quick, **options}))  # type: ignore[arg-type]
        return books[-1]

    yield opened
    store.may_write.set()
    for one in books:
        one.close()


def events(n: int, first: int = 0, at: datetime = NOON) -> list[Event]:
    return [
        Event(event_id=str(k), kind=EventKind.VIEW, product_id="a", at=at, visitor="v")
        for k in range(first, first + n)
    ]


def n_written(store: SqlEventStore) -> int:
    return len(store.of_visitor("v", limit=100_000))


def test_what_is_noted_is_written_soon(store: StubbornStore, book) -> None:
    assert book().note(events(3)) == 3
    wait_until(lambda: n_written(store) == 3)


def test_closing_writes_what_waits_and_takes_nothing_more(store: StubbornStore, book) -> None:
    noted = book(write_every_s=3600.0)
    noted.note(events(5))
    noted.close()
    assert n_written(store) == 5
    with pytest.raises(EventsBusy):
        noted.note(events(1, first=9))


def test_a_queue_that_is_half_full_is_written_at_once(store: StubbornStore, book) -> None:
    noted = book(write_every_s=3600.0, capacity=10)
    noted.note(events(4))
    time.sleep(0.05)
    assert n_written(store) == 0
    noted.note(events(1, first=4))
    wait_until(lambda: n_written(store) == 5)


def test_many_events_are_written_in_several_transactions(store: StubbornStore, book) -> None:
    noted = book(write_every_s=3600.0, capacity=10_001)
    noted.note(events(4_500))
    noted.close()
    assert store.sizes == [2_000, 2_000, 500]


def test_nobody_waits_and_whoever_finds_no_room_is_told(store: StubbornStore, book) -> None:
    noted = book(capacity=20)
    store.may_write.clear()
    noted.note(events(1))
    time.sleep(0.1)  # the thread holds that one now
    started = time.monotonic()
    noted.note(events(15, first=1))
    with pytest.raises(EventsBusy, match="no room for 6 events now, as up to 20 wait"):
        noted.note(events(6, first=50))
    assert noted.note(events(5, first=16)) == 5
    assert time.monotonic() - started < 1.0
    store.may_write.set()
    wait_until(lambda: n_written(store) == 21)


def test_what_the_database_cannot_take_now_is_tried_again(store: StubbornStore, book) -> None:
    store.failures += [StoreUnavailable("gone")] * 3
    noted = book()
    noted.note(events(2))
    noted.note(events(2, first=2))
    wait_until(lambda: n_written(store) == 4)
    assert noted.n_lost == 0


def test_what_waits_for_the_database_takes_room(store: StubbornStore, book) -> None:
    store.failures += [StoreUnavailable("gone")] * 100_000
    noted = book(capacity=10)
    noted.note(events(10))
    wait_until(lambda: len(store.failures) < 99_998)
    with pytest.raises(EventsBusy):
        noted.note(events(1, first=10))
    store.failures.clear()
    wait_until(lambda: n_written(store) == 10)


def test_a_defect_costs_its_batch_and_nothing_after_it(store: StubbornStore, book) -> None:
    store.failures.append(RuntimeError("a defect"))
    noted = book()
    noted.note(events(2))
    wait_until(lambda: noted.n_lost == 2)
    noted.note(events(1, first=7))
    wait_until(lambda: n_written(store) == 1)


def test_old_events_go_also_where_none_are_kept_any_more(store: StubbornStore, book) -> None:
    store.write(events(2, at=NOON - timedelta(days=366)) + events(1, first=5))
    noted = book(keeps=False)
    assert noted.note(events(1, first=9)) == 0
    noted.begin()
    wait_until(lambda: n_written(store) == 1)


def in_child(noted: EventBook) -> None:
    noted.note(events(1, first=100))
    noted.close()


def test_a_process_that_is_forked_off_writes_its_own(store: StubbornStore, book) -> None:
    noted = book(write_every_s=3600.0)
    noted.note(events(1))
    child = multiprocessing.get_context("fork").Process(target=in_child, args=(noted,))
    child.start()
    child.join(20)
    assert child.exitcode == 0
    assert [one.event_id for one in store.of_visitor("v", limit=9)] == ["100"]
    noted.close()
    assert n_written(store) == 2


@given(st.text("0123456789abfxzAF._~:-", min_size=1, max_size=15))
def test_short_pseudonyms_are_what_the_search_log_would_not_withhold(text: str) -> None:
    assert is_pseudonym(text) is not looks_personal(text)


@given(st.uuids(), st.sampled_from(["", "anon_", "visitor:"]))
def test_a_random_id_is_a_pseudonym_whatever_its_digits(random: object, prefix: str) -> None:
    assert is_pseudonym(f"{prefix}{random}")
