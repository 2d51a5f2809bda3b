"""The search log in SQL."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import date, datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select

from shopsearch.domain import (
    WITHHELD,
    AskedText,
    ClickedSearch,
    LoggedClick,
    LoggedSearch,
    SearchKind,
)
from shopsearch.store.database import Database
from shopsearch.store.statements import askable, chunks, insert_into, insert_or_skip
from shopsearch.store.tables import LOGGED_CLICKS, LOGGED_SEARCHES, SESSION_SALT

SALT_BYTES = 32
PRUNED_AT_ONCE = 5_000  # searches; so that no other writer waits for long
READ_AT_ONCE = 1_000


class SqlSearchLog:
    """The `SearchLog` on SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def salt(self, day: date) -> bytes | None:
        """See `SearchLog.salt`. The new salt is written over the old one."""
        with self._database.reading() as connection:
            kept = _kept_salt(connection)
        if kept is None or kept[0] < day:
            with self._database.writing() as connection:
                _replace_salt(connection, day)
                kept = _kept_salt(connection)
        return kept[1] if kept is not None and kept[0] == day else None

    def write(self, searches: Sequence[LoggedSearch], clicks: Sequence[LoggedClick]) -> int:
        """See `SearchLog.write`."""
        with self._database.writing() as connection:
            if searches:
                statement = insert_or_skip(connection, LOGGED_SEARCHES)
                connection.execute(statement, [_row(search) for search in searches])
            return _write_clicks(connection, clicks)

    def read(self, since: datetime, until: datetime) -> Iterator[ClickedSearch]:
        """See `SearchLog.read`."""
        order = (LOGGED_SEARCHES.c.at, LOGGED_SEARCHES.c.search_id)
        asked = (
            select(
                LOGGED_SEARCHES,
                LOGGED_CLICKS.c.product_id,
                LOGGED_CLICKS.c.rank,
                LOGGED_CLICKS.c.at.label("clicked_at"),
            )
            .outerjoin(LOGGED_CLICKS, LOGGED_SEARCHES.c.search_id == LOGGED_CLICKS.c.search_id)
            .where(LOGGED_SEARCHES.c.at >= since, LOGGED_SEARCHES.c.at < until)
            .order_by(*order, LOGGED_CLICKS.c.rank)
            .execution_options(yield_per=READ_AT_ONCE)
        )
        with self._database.reading() as connection:
            found = connection.execute(asked)
            for _, rows in groupby(found, key=lambda row: str(row.search_id)):
                yield _clicked(list(rows))

    def asked(self, since: datetime, *, min_sessions: int, limit: int) -> Sequence[AskedText]:
        """See `SearchLog.asked`."""
        column = LOGGED_SEARCHES.c
        n_sessions = func.count(column.session.distinct())
        found = (
            select(func.max(column.text).label("text"), n_sessions.label("n_sessions"))
            .where(column.at >= since, column.kind == SearchKind.WORDS, column.page == 1)
            .where(column.total > 0, ~column.is_filtered, ~column.is_corrected, ~column.is_relaxed)
            .where(column.text != WITHHELD)
            .group_by(column.folded)
            .having(n_sessions >= max(min_sessions, 1))
            .order_by(n_sessions.desc(), column.folded)
            .limit(limit)
        )
        with self._database.reading() as connection:
            return [AskedText(row.text, row.n_sessions) for row in connection.execute(found)]

    def prune(self, before: datetime) -> int:
        """See `SearchLog.prune`. Clicks go with their search, by the foreign key."""
        old = select(LOGGED_SEARCHES.c.search_id).where(LOGGED_SEARCHES.c.at < before)
        some = delete(LOGGED_SEARCHES).where(
            LOGGED_SEARCHES.c.search_id.in_(old.limit(PRUNED_AT_ONCE))
        )
        n_gone, n_last = 0, PRUNED_AT_ONCE
        while n_last == PRUNED_AT_ONCE:
            with self._database.writing() as connection:
                n_last = connection.execute(some).rowcount
            n_gone += n_last
        return n_gone


def _kept_salt(connection: Connection) -> tuple[date, bytes] | None:
    kept = connection.execute(select(SESSION_SALT.c.day, SESSION_SALT.c.salt)).one_or_none()
    return None if kept is None else (kept.day, bytes(kept.salt))


def _replace_salt(connection: Connection, day: date) -> None:
    """Put a new salt in the place of an older day's; whoever was faster has made it already."""
    statement = insert_into(connection, SESSION_SALT)
    replaced = statement.on_conflict_do_update(
        index_elements=["id"],
        set_={"day": statement.excluded.day, "salt": statement.excluded.salt},
        where=SESSION_SALT.c.day < statement.excluded.day,
    )
    connection.execute(replaced, {"id": 1, "day": day, "salt": secrets.token_bytes(SALT_BYTES)})


def _write_clicks(connection: Connection, clicks: Sequence[LoggedClick]) -> int:
    shown = _shown(connection, askable(click.search_id for click in clicks))
    rows = {
        (click.search_id, click.product_id): asdict(click)
        for click in reversed(clicks)  # of repeated ones, the first stays
        if shown.get(click.search_id, {}).get(click.product_id) == click.rank
    }
    before = _n_clicks(connection, list(shown)) if rows else 0
    if rows:
        connection.execute(insert_or_skip(connection, LOGGED_CLICKS), list(rows.values()))
    return _n_clicks(connection, list(shown)) - before if rows else 0


def _shown(connection: Connection, search_ids: Sequence[str]) -> dict[str, dict[str, int]]:
    """The rank of each product that searches have shown, by search."""
    shown: dict[str, dict[str, int]] = defaultdict(dict)
    column = LOGGED_SEARCHES.c
    asked = select(column.search_id, column.first_rank, column.product_ids)
    for some in chunks(search_ids):
        for row in connection.execute(asked.where(column.search_id.in_(some))):
            ranks = enumerate(row.product_ids, start=row.first_rank)
            shown[row.search_id] = {product_id: rank for rank, product_id in ranks}
    return shown


def _n_clicks(connection: Connection, search_ids: Sequence[str]) -> int:
    count = select(func.count()).select_from(LOGGED_CLICKS)
    return sum(
        connection.execute(count.where(LOGGED_CLICKS.c.search_id.in_(some))).scalar_one()
        for some in chunks(search_ids)
    )


def _row(search: LoggedSearch) -> dict[str, Any]:
    return {
        **asdict(search),
        "kind": search.kind.value,
        "folded": search.folded,
        "product_ids": list(search.product_ids),
    }


def _clicked(rows: Sequence[Row[Any]]) -> ClickedSearch:
    first = rows[0]
    search = LoggedSearch(
        search_id=first.search_id,
        at=first.at,
        session=first.session,
        text=first.text,
        kind=SearchKind(first.kind),
        is_filtered=first.is_filtered,
        is_sorted=first.is_sorted,
        is_corrected=first.is_corrected,
        is_relaxed=first.is_relaxed,
        page=first.page,
        total=first.total,
        first_rank=first.first_rank,
        product_ids=tuple(first.product_ids),
        took_ms=first.took_ms,
        generation=first.generation,
    )
    clicks = tuple(
        LoggedClick(search.search_id, row.product_id, row.rank, row.clicked_at)
        for row in rows
        if row.product_id is not None
    )
    return ClickedSearch(search, clicks)
