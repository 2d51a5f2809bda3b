"""What every `SearchLog` promises."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shopsearch.domain import (
    WITHHELD,
    AskedText,
    ClickedSearch,
    LoggedClick,
    LoggedSearch,
    SearchKind,
)
from shopsearch.store import SearchLog
from shopsearch.store.sql import Database, SqlSearchLog

NOON = datetime(2026, 3, 5, 12, 0, 0, 250_000, tzinfo=UTC)
EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))

SEARCH = LoggedSearch(
    search_id="a",
    at=NOON,
    session="0123456789abcdef",
    text="Red mug",
    kind=SearchKind.WORDS,
    total=40,
    product_ids=("A1", "größe 😀", "A//3'; DROP TABLE products; --"),
    took_ms=12.5,
    generation="20260305-1",
)
EVERYTHING_SAID = LoggedSearch(
    search_id="-_Zz09",
    at=NOON + timedelta(microseconds=1),
    session=None,
    text="ein 'Größen\"-Test; --",
    kind=SearchKind.BOTH,
    is_filtered=True,
    is_sorted=True,
    is_corrected=True,
    is_relaxed=True,
    page=3,
    total=3_000_000_000,
    first_rank=49,
    product_ids=(),
    took_ms=0.125,
    generation="",
)


@pytest.fixture
def log(database: Database) -> SearchLog:
    return SqlSearchLog(database)


def everything(log: SearchLog) -> list[ClickedSearch]:
    return list(log.read(*EVER))


def asked(log: SearchLog, min_sessions: int = 1, limit: int = 10) -> list[AskedText]:
    return list(log.asked(EVER[0], min_sessions=min_sessions, limit=limit))


def click(product_id: str = "A1", rank: int = 1, search_id: str = "a") -> LoggedClick:
    return LoggedClick(search_id, product_id, rank, NOON + timedelta(seconds=5))


def test_nothing_is_remembered_at_first(log: SearchLog) -> None:
    assert (everything(log), asked(log), log.prune(EVER[1])) == ([], [], 0)


def test_searches_come_back_as_they_were_written_and_in_their_order(log: SearchLog) -> None:
    log.write([EVERYTHING_SAID, SEARCH], [])
    assert everything(log) == [ClickedSearch(SEARCH, ()), ClickedSearch(EVERYTHING_SAID, ())]


def test_a_stretch_of_time_has_its_beginning_and_not_its_end(log: SearchLog) -> None:
    later = replace(SEARCH, search_id="b", at=NOON + timedelta(hours=1))
    log.write([SEARCH, later], [])
    assert [one.search.search_id for one in log.read(NOON, later.at)] == ["a"]
    assert [one.search.search_id for one in log.read(later.at, EVER[1])] == ["b"]


def test_clicks_come_back_with_their_search_by_rank(log: SearchLog) -> None:
    second, first = click("größe 😀", 2), click("A1", 1)
    assert log.write([SEARCH], [second]) == 1  # in the very call that writes the search
    assert log.write([], [first]) == 1
    assert everything(log) == [ClickedSearch(SEARCH, (first, second))]


def test_a_repeated_click_counts_once_and_the_first_stays(log: SearchLog) -> None:
    again = replace(click(), at=NOON + timedelta(seconds=9))
    assert log.write([SEARCH], [click(), again]) == 1
    assert log.write([], [again]) == 0
    assert everything(log)[0].clicks == (click(),)


@pytest.mark.parametrize(
    "stray",
    [
        click(search_id="no such search"),
        click(search_id="\x00"),
        click(search_id="\ud800"),
        click("A9"),
        click("A1", 2),
        click("A1", 0),
    ],
)
def test_a_click_on_what_was_not_shown_is_passed_over(log: SearchLog, stray: LoggedClick) -> None:
    assert log.write([SEARCH], [stray, click()]) == 1
    assert everything(log)[0].clicks == (click(),)


def test_a_search_that_is_written_twice_is_there_once(log: SearchLog) -> None:
    log.write([SEARCH], [click()])
    log.write([SEARCH, replace(SEARCH, search_id="b")], [])
    assert [len(one.clicks) for one in everything(log)] == [1, 0]


def test_many_can_be_written_at_once(log: SearchLog) -> None:
    searches = [replace(SEARCH, search_id=f"s{n}") for n in range(2_500)]
    assert log.write(searches, [click(search_id=f"s{n}") for n in range(2_500)]) == 2_500
    assert len(everything(log)) == 2_500


@given(ages_h=st.lists(st.integers(0, 400), max_size=12), kept_h=st.integers(0, 400))
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_is_older_than_a_moment_is_forgotten_and_nothing_else(
    new_database: Callable[[], Database], ages_h: list[int], kept_h: int
) -> None:
    log = SqlSearchLog(new_database())
    searches = [
        replace(SEARCH, search_id=str(n), at=NOON - timedelta(hours=age))
        for n, age in enumerate(ages_h)
    ]
    log.write(searches, [click(search_id=one.search_id) for one in searches])
    gone = log.prune(NOON - timedelta(hours=kept_h))
    left = everything(log)
    assert {one.search.search_id for one in left} == {
        str(n) for n, age in enumerate(ages_h) if age <= kept_h
    }
    assert gone + len(left) == len(searches)
    assert all(len(one.clicks) == 1 for one in left)


def test_clicks_are_forgotten_with_their_search(log: SearchLog, database: Database) -> None:
    log.write([SEARCH], [click()])
    assert log.prune(NOON + timedelta(seconds=1)) == 1
    log.write([SEARCH], [])  # the same id again: no click of the forgotten one may come back
    assert everything(log) == [ClickedSearch(SEARCH, ())]


def test_more_than_are_pruned_in_one_go_are_all_forgotten(
    log: SearchLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shopsearch.store.search_log.PRUNED_AT_ONCE", 7)
    log.write([replace(SEARCH, search_id=str(n)) for n in range(21)], [])
    assert log.prune(EVER[1]) == 21
    assert everything(log) == []


def test_a_day_has_one_salt_for_all_who_ask(log: SearchLog, database: Database) -> None:
    day = date(2026, 3, 5)
    salt = log.salt(day)
    assert salt is not None
    assert len(salt) == 32
    assert SqlSearchLog(database).salt(day) == salt


@given(days=st.lists(st.integers(0, 6), min_size=1, max_size=10))
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_new_day_has_a_new_salt_and_the_old_one_is_gone(
    new_database: Callable[[], Database], days: list[int]
) -> None:
    log = SqlSearchLog(new_database())
    salts: dict[int, bytes] = {}
    newest = -1
    for day in days:
        salt = log.salt(date(2026, 3, 1) + timedelta(days=day))
        if day < newest:
            assert salt is None
            continue
        newest = day
        assert salt is not None
        assert salts.setdefault(day, salt) == salt
    assert len(set(salts.values())) == len(salts)


def test_those_who_ask_at_once_get_the_same_salt(database: Database) -> None:
    gate = threading.Barrier(6)
    salts: list[bytes | None] = []

    def ask() -> None:
        gate.wait(20)
        salts.append(SqlSearchLog(database).salt(date(2026, 3, 5)))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    assert len(salts) == 6
    assert len(set(salts)) == 1
    assert salts[0] is not None


def of_session(n: int, words: str, **changes: object) -> LoggedSearch:
    base = replace(SEARCH, search_id=f"{words}-{n}-{changes}", session=f"s{n}", text=words)
    return replace(base, **changes)  # type: ignore[arg-type]


def test_words_count_by_sessions_however_they_are_cased(log: SearchLog) -> None:
    log.write([of_session(n, "red MUG" if n else "Red mug") for n in range(3)], [])
    log.write([of_session(1, "lamp", at=NOON + timedelta(seconds=n)) for n in range(5)], [])
    log.write([of_session(n, "'; DROP \"x") for n in range(2)], [])
    found = asked(log)
    assert [(one.text.casefold(), one.n_sessions) for one in found] == [
        ("red mug", 3),
        ("'; drop \"x", 2),
        ("lamp", 1),
    ]
    assert [one.n_sessions for one in asked(log, min_sessions=2)] == [3, 2]
    assert [one.n_sessions for one in asked(log, limit=1)] == [3]


@pytest.mark.parametrize(
    "changes",
    [
        {"session": None},
        {"total": 0},
        {"kind": SearchKind.BOTH},
        {"is_filtered": True},
        {"is_corrected": True},
        {"is_relaxed": True},
        {"page": 2},
        {"text": WITHHELD},
        {"at": NOON - timedelta(days=1)},
    ],
    ids=str,
)
def test_what_nobody_can_be_led_to_is_not_among_what_was_asked(
    log: SearchLog, changes: dict[str, object]
) -> None:
    log.write([of_session(n, "mug", **changes) for n in range(4)], [])
    assert list(log.asked(NOON, min_sessions=1, limit=9)) == []
    log.write([of_session(5, "mug")], [])
    assert list(log.asked(NOON, min_sessions=1, limit=9)) == [AskedText("mug", 1)]
