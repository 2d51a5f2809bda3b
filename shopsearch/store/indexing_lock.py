"""One indexer at a time over all machines that share a PostgreSQL: an advisory lock of a session.

The session is a connection of its own. The server frees the lock at the moment at which it ends,
however it ends; a machine that fell silent keeps it for half a minute.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, delete, select, text
from sqlalchemy.exc import SQLAlchemyError

from shopsearch.errors import IndexingLockLost
from shopsearch.store.database import Database
from shopsearch.store.statements import insert_or_replace
from shopsearch.store.tables import INDEXING_OWNER

NUMBER = 0x73686F71  # any number that is ours, and not that of the migrations
POLL_S = 0.1
# when the server gives up a machine that is silent, over TCP; a Unix socket passes over these
_SILENCE = {"tcp_keepalives_idle": 15, "tcp_keepalives_interval": 5, "tcp_keepalives_count": 3}

_TRY = text("SELECT pg_try_advisory_lock(:number)")
_GIVE_BACK = text("SELECT pg_advisory_unlock(:number)")
_IS_HELD = text(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = :number AND granted "
    "AND pid = pg_backend_pid()"
)


class SqlIndexingLock:
    """The `SharedLock` of the index room on PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __str__(self) -> str:
        return str(self._database)

    @contextmanager
    def held(self, owner: str, patience_s: float) -> Iterator[Callable[[], None] | None]:
        """See `SharedLock.held`."""
        with self._database.apart() as connection:
            with self._database.translated():
                is_given = _is_given(connection, patience_s)
                if is_given:
                    _sign(connection, owner)
            if not is_given:
                yield None
                return
            try:
                yield lambda: self._check(connection)
            finally:
                with suppress(SQLAlchemyError):  # a session that is gone has left both behind
                    connection.execute(delete(INDEXING_OWNER))
                    connection.execute(_GIVE_BACK, {"number": NUMBER})

    def holder(self) -> str | None:
        """See `SharedLock.holder`."""
        with self._database.reading() as connection:
            return connection.scalar(select(INDEXING_OWNER.c.document))

    def _check(self, connection: Connection) -> None:
        try:
            is_held, cause = bool(connection.scalar(_IS_HELD, {"number": NUMBER})), "it is not held"
        except SQLAlchemyError as error:
            is_held, cause = False, " ".join(str(error.__cause__ or error).split())
        if not is_held:
            raise IndexingLockLost(
                f"the lock that keeps other machines from indexing over {self} was lost ({cause}): "
                "this run stops and makes nothing live. What it wrote to the database stays, and "
                "the next run indexes it: run the command again"
            )


def _is_given(connection: Connection, patience_s: float) -> bool:
    for name, value in _SILENCE.items():
        connection.execute(text(f"SET {name} = {value}"))
    until = time.monotonic() + patience_s
    while not connection.scalar(_TRY, {"number": NUMBER}):
        if time.monotonic() >= until:
            return False
        time.sleep(POLL_S)
    return True


def _sign(connection: Connection, owner: str) -> None:
    signed = insert_or_replace(connection, INDEXING_OWNER, unique=["id"])
    connection.execute(signed, {"id": 1, "document": owner})
