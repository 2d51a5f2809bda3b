"""Everything that only SQLite understands.

Journal: WAL, so that readers and the one writer do not wait for each other. synchronous=FULL: in
WAL mode, NORMAL does not fsync at a commit, and a power cut could take back what `upsert` had
reported as written, though an index generation built from it survived. FULL costs one fsync per
transaction, which is one per batch.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool

BUSY_TIMEOUT_S = 30
DriverError = sqlite3.Error
WRITES = "shopsearch_writes"  # execution option of a transaction that will write


def database_path(url: URL) -> Path | None:
    """The file of a database, or None for one in memory."""
    name = url.database
    if not name or name == ":memory:" or name.startswith("file:"):
        return None
    return Path(name)


def make_engine(url: URL, *, migrating: bool = False) -> Engine:
    """An engine whose transactions begin where SQLAlchemy says, not where the driver guesses.

    A migration may rebuild a table, and must not set off the cascades of the old one: it works
    without foreign keys.
    """
    connect_args = {"timeout": BUSY_TIMEOUT_S}
    if migrating:
        engine = create_engine(url, connect_args=connect_args, poolclass=NullPool)
    else:
        engine = create_engine(url, connect_args=connect_args)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself
        connection.execute(f"PRAGMA foreign_keys = {'OFF' if migrating else 'ON'}")
        connection.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # a transaction that reads first and writes later could meet a lock that waiting cannot open
        writes = connection.get_execution_options().get(WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def use_wal(engine: Engine) -> None:
    """Switch the file to WAL for good; waits for other processes that do the same."""
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            with closing(engine.raw_connection()) as raw:
                raw.cursor().execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            # SQLite does not apply its own busy timeout to this statement in every case
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def explain(error: BaseException, path: Path) -> str:
    """What went wrong with a database file, and what to do."""
    message = str(error)
    known = {
        "not a database": "it is no SQLite database: move it away, or name another one by "
        "SHOPSEARCH_DATABASE_URL",
        "malformed": "the file is damaged: restore it from a backup, or move it away and index "
        "the feeds again",
        "readonly": "it cannot be written: give this user write permission on the file and its "
        "folder",
        "unable to open": "it cannot be opened: check that the folder exists and that this user "
        "may write to it",
        "locked": f"another process has been writing to it for {BUSY_TIMEOUT_S} s: wait for it, "
        "or end it",
        "disk is full": "the disk is full: make room",
    }
    for sign, remedy in known.items():
        if sign in message:
            return f"the product database {path} cannot be used: {remedy} ({message})"
    return (
        f"the product database {path} cannot be used: {message}; check the file and its folder, or "
        "name another one by SHOPSEARCH_DATABASE_URL"
    )
