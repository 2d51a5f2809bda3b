"""The business signals of a shop in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, delete, select

from shopsearch.domain import Signal
from shopsearch.store.database import Database
from shopsearch.store.statements import askable, chunks, insert_into, insert_or_replace
from shopsearch.store.tables import LIST_REVISIONS, SIGNALS

_LIST = "signals"


class SqlSignalStore:
    """The `SignalStore` on SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, signals: Sequence[Signal]) -> None:
        """See `SignalStore.put`."""
        by_name = {one.name: one for one in signals}
        with self._database.writing() as connection:
            kept = {one.name: one for one in _kept(connection)}
            changed = [one for name, one in by_name.items() if kept.get(name) != one]
            if changed:
                _raise_revision(connection)
                statement = insert_or_replace(connection, SIGNALS, unique=["name"])
                now = datetime.now(UTC)
                connection.execute(statement, [_row(one, now) for one in changed])

    def remove(self, names: Sequence[str]) -> Sequence[str]:
        """See `SignalStore.remove`."""
        with self._database.writing() as connection:
            kept = {one.name for one in _kept(connection)}
            gone = [name for name in askable(names) if name in kept]
            if gone:
                _raise_revision(connection)
            for some in chunks(gone):
                connection.execute(delete(SIGNALS).where(SIGNALS.c.name.in_(some)))
        return gone

    def signals(self) -> Sequence[Signal]:
        """See `SignalStore.signals`."""
        with self._database.reading() as connection:
            return _kept(connection)

    def revision(self) -> int:
        """See `SignalStore.revision`."""
        asked = select(LIST_REVISIONS.c.revision).where(LIST_REVISIONS.c.name == _LIST)
        with self._database.reading() as connection:
            return int(connection.execute(asked).scalar() or 0)


def _kept(connection: Connection) -> list[Signal]:
    rows = connection.execute(select(SIGNALS)).all()
    kept = [Signal(row.name, row.weight, row.half_life_days) for row in rows]
    return sorted(kept, key=lambda one: one.name)  # databases sort letters each in their own way


def _row(signal: Signal, now: datetime) -> dict[str, Any]:
    return {
        "name": signal.name,
        "weight": signal.weight,
        "half_life_days": signal.half_life_days,
        "changed_at": now,
    }


def _raise_revision(connection: Connection) -> None:
    """From here to its end, no other transaction writes signals."""
    first = insert_into(connection, LIST_REVISIONS).values(name=_LIST, revision=1)
    raised = first.on_conflict_do_update(
        index_elements=["name"], set_={"revision": LIST_REVISIONS.c.revision + 1}
    )
    connection.execute(raised)
