"""The logbook: what is noted is written later, whatever happens, and says not who it was."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopsearch.domain import WITHHELD, LoggedClick, LoggedSearch, SearchKind, logged_text
from shopsearch.errors import StoreUnavailable
from shopsearch.logbook import Logbook, Visitor, new_search_id
from shopsearch.logbook.searches import SESSION_CHARS
from shopsearch.store.sql import Database, SqlSearchLog
from tests.waiting import wait_until

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
ANNA, BERT = Visitor("192.0.2.7", "Mozilla/5.0 Anna"), Visitor("192.0.2.8", "Mozilla/5.0 Bert")


def search(search_id: str = "a", at: datetime = NOON) -> LoggedSearch:
    return LoggedSearch(
        search_id=search_id,
        at=at,
        session=None,
        text="mug",
        kind=SearchKind.WORDS,
        total=3,
        product_ids=("p1", "p2"),
        took_ms=1.0,
        generation="g",
    )


class StubbornLog(SqlSearchLog):
    """A log whose database can be made to wait, or to fail."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.may_write = threading.Event()
        self.may_write.set()
        self.failures: list[Exception] = []
        self.n_writes = 0

    def write(self, searches: Sequence[LoggedSearch], clicks: Sequence[LoggedClick]) -> int:
        self.may_write.wait(20)
        self.n_writes += 1
        if self.failures:
            raise self.failures.pop()
        return super().write(searches, clicks)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[StubbornLog]:
    database = Database(f"sqlite:///{tmp_path}/catalog.db")
    database.migrate()
    yield StubbornLog(database)
    database.close()


@pytest.fixture
def book(log: StubbornLog) -> Iterator[Callable[..., Logbook]]:
    """Makes logbooks over the log."""
    books: list[Logbook] = []

    def opened(**options: object) -> Logbook:
        quick = {"keep_days": 90, "write_every_s": 0.01, "hold_clicks_s": 0.0, "now": lambda: NOON}
        books.append(Logbook(log, **{**quick, **options}))  # type: ignore[arg-type]
        return books[-1]

    yield opened
    log.may_write.set()
    for one in books:
        one.close()


def written(log: SqlSearchLog) -> list[LoggedSearch]:
    return [one.search for one in log.read(*EVER)]


def test_what_is_noted_is_written_soon_with_a_session(log: StubbornLog, book) -> None:
    logbook = book()
    assert logbook.note_search(search(), ANNA)
    wait_until(lambda: len(written(log)) == 1)
    (found,) = written(log)
    assert found.session is not None
    assert len(found.session) == SESSION_CHARS
    assert replace(found, session=None) == search()


def test_closing_writes_what_waits_and_takes_nothing_more(log: StubbornLog, book) -> None:
    logbook = book(write_every_s=3600.0, hold_clicks_s=3600.0)
    for n in range(50):
        logbook.note_search(search(str(n)), ANNA)
    assert logbook.note_clicks([LoggedClick("7", "p2", 2, NOON)]) == 1
    assert written(log) == []
    logbook.close()
    assert len(written(log)) == 50
    assert sum(len(one.clicks) for one in log.read(*EVER)) == 1
    assert not logbook.note_search(search("late"), ANNA)
    assert len(written(log)) == 50


def test_a_batch_is_one_transaction(log: StubbornLog, book) -> None:
    logbook = book(write_every_s=3600.0)
    for n in range(500):
        logbook.note_search(search(str(n)), ANNA)
    logbook.close()
    assert log.n_writes == 1


def test_a_click_waits_for_a_search_that_another_process_writes(log: StubbornLog, book) -> None:
    here, elsewhere = book(hold_clicks_s=0.5), book()
    here.note_clicks([LoggedClick("a", "p1", 1, NOON)])
    time.sleep(0.2)
    elsewhere.note_search(search(), ANNA)
    wait_until(lambda: any(one.clicks for one in log.read(*EVER)))


def test_nobody_waits_for_a_database_that_does_not_answer(log: StubbornLog, book) -> None:
    logbook = book(capacity=20)
    log.may_write.clear()
    logbook.note_search(search("first"), ANNA)
    time.sleep(0.1)  # the thread holds the first one now
    started = time.monotonic()
    noted = [logbook.note_search(search(str(n)), ANNA) for n in range(30)]
    assert time.monotonic() - started < 1.0
    assert (sum(noted), logbook.n_dropped) == (20, 10)
    log.may_write.set()
    wait_until(lambda: len(written(log)) == 21)


@pytest.mark.parametrize("failure", [StoreUnavailable("gone"), RuntimeError("a defect")])
def test_a_failure_costs_its_batch_and_nothing_after_it(
    log: StubbornLog, book, failure: Exception
) -> None:
    logbook = book()
    log.failures.append(failure)
    logbook.note_search(search("lost"), ANNA)
    wait_until(lambda: logbook.n_dropped == 1)
    logbook.note_search(search("kept"), ANNA)
    wait_until(lambda: [one.search_id for one in written(log)] == ["kept"])


def test_a_real_lock_of_another_writer_is_waited_for(log: StubbornLog, book) -> None:
    logbook = book()
    other = Database(str(log._database))
    with other.writing():  # an indexer at work
        started = time.monotonic()
        for n in range(100):
            logbook.note_search(search(str(n)), ANNA)
        assert time.monotonic() - started < 0.5
        time.sleep(0.2)
    wait_until(lambda: len(written(log)) == 100)
    assert logbook.n_dropped == 0
    other.close()


def test_closing_ends_though_the_database_does_not_answer(log: StubbornLog, book) -> None:
    logbook = book()
    log.may_write.clear()
    logbook.note_search(search(), ANNA)
    started = time.monotonic()
    logbook.close(within_s=0.2)
    assert time.monotonic() - started < 2.0


def test_where_nothing_is_kept_nothing_is_noted_and_old_searches_still_go(
    log: StubbornLog, book
) -> None:
    log.write([search("old", NOON - timedelta(days=8)), search("new")], [])
    logbook = book(keeps=False, keep_days=7)
    assert not logbook.note_search(search("more"), ANNA)
    assert logbook.note_clicks([LoggedClick("new", "p1", 1, NOON)]) == 0
    logbook.begin()
    wait_until(lambda: [one.search_id for one in written(log)] == ["new"])


def test_the_salt_of_yesterday_goes_though_nobody_searches(log: StubbornLog, book) -> None:
    yesterday = log.salt(date(2026, 3, 4))
    assert yesterday is not None
    book().begin()
    wait_until(lambda: log.salt(date(2026, 3, 4)) is None)


@settings(max_examples=25, deadline=None)
@given(hours=st.lists(st.integers(0, 100), min_size=1, max_size=8))
def test_sessions_hold_for_a_day_and_for_a_visitor(
    tmp_path_factory: pytest.TempPathFactory, hours: list[int]
) -> None:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('log')}/catalog.db")
    database.migrate()
    log = SqlSearchLog(database)
    logbook = Logbook(log, keep_days=90, write_every_s=3600.0, now=lambda: NOON)
    moments = [NOON + timedelta(hours=hour) for hour in sorted(hours)]
    for n, at in enumerate(moments):
        logbook.note_search(search(f"a{n}", at), ANNA)
        logbook.note_search(search(f"b{n}", at), BERT)
    logbook.close()
    by_id = {one.search_id: one for one in written(log)}
    days = {(at.date(), who): set[str | None]() for at in moments for who in "ab"}
    for search_id, one in by_id.items():
        days[one.at.date(), search_id[0]].add(one.session)
    assert all(len(sessions) == 1 for sessions in days.values())
    assert len(set().union(*days.values())) == len(days)  # no two days, and no two visitors
    database.close()


def test_a_straggler_of_yesterday_has_no_session(log: StubbornLog, book) -> None:
    logbook = book(write_every_s=3600.0)
    logbook.note_search(search("today"), ANNA)
    logbook.note_search(search("late", NOON - timedelta(days=1)), ANNA)
    logbook.note_search(search("again"), ANNA)
    logbook.close()
    sessions = {one.search_id: one.session for one in written(log)}
    assert sessions["late"] is None
    assert sessions["today"] == sessions["again"] is not None


def test_a_session_depends_on_salt_address_and_agent_alone() -> None:
    assert ANNA.session(b"1") == Visitor(ANNA.address, ANNA.user_agent).session(b"1")
    others = [
        ANNA.session(b"2"),
        BERT.session(b"1"),
        Visitor(ANNA.address, "curl").session(b"1"),
        Visitor("192.0.2.7Mozilla", "/5.0 Anna").session(b"1"),
        Visitor("\ud800", "\x00").session(b"1"),
    ]
    assert len({ANNA.session(b"1"), *others}) == 6


def in_child(path: str, logbook: Logbook) -> None:
    logbook.note_search(search("child"), ANNA)
    logbook.close()


def test_a_forked_process_has_a_thread_of_its_own(log: StubbornLog, book) -> None:
    logbook = book(write_every_s=3600.0)
    logbook.note_search(search("parent"), ANNA)
    child = multiprocessing.get_context("fork").Process(target=in_child, args=("", logbook))
    child.start()
    child.join(20)
    assert child.exitcode == 0
    assert [one.search_id for one in written(log)] == ["child"]
    logbook.close()
    assert {one.search_id for one in written(log)} == {"child", "parent"}


def test_search_ids_are_unlike_each_other() -> None:
    ids = {new_search_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert {len(one) for one in ids} == {16}


@pytest.mark.parametrize(
    "text",
    [
        "anna@example.com",
        "mug for anna @ example.com",
        "anna\uff20example",
        "+49 170 1234567",
        "call 0170/123 45 67",
        "(555) 123-4567",
        "4111 1111 1111 1111",
        "DE89370400440532013000",
        "order 1234567",
        "1\u200b2\u200b3\u200b4\u200b5\u200b6\u200b7",
        "\u0661\u0662\u0663\u0664\u0665\u0666\u0667",
        "555.123.4567",
    ],
)
def test_words_like_personal_data_are_withheld(text: str) -> None:
    assert logged_text(text) == WITHHELD


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("  red \t mug\n", "red mug"),
        ("iphone 13 pro 128gb", "iphone 13 pro 128gb"),
        ("KX-4711B", "KX-4711B"),
        ('tv 55" 120 hz 2024', 'tv 55" 120 hz 2024'),
        ("jeans 32/34 501", "jeans 32/34 501"),
        ("table 120 x 80 x 75", "table 120 x 80 x 75"),
        ("@home größe 42", "@home größe 42"),
        ("a\x00b", "a b"),
        ("", ""),
    ],
)
def test_words_of_shoppers_are_kept(text: str, kept: str) -> None:
    assert logged_text(text) == kept


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=400))
def test_what_is_kept_is_short_and_single_spaced(text: str) -> None:
    kept = logged_text(text)
    assert len(kept) <= 200
    assert kept == " ".join(kept.split())
    assert "\x00" not in kept
