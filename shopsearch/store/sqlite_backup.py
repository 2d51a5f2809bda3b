"""A whole SQLite database copied out, and back in, while others use it: SQLite's backup API.

Putting a database back is one transaction on the file that is there: connections that are open see
the old rows or the new ones. A file that was swapped under them would leave them on the old one,
and mix its journal with the new one.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from shopsearch.errors import StoreUnavailable
from shopsearch.storage.synced import fsync
from shopsearch.store import sqlite

_COUNTED_ROWS = ("products", "feed_runs")  # tables whose numbers are never given twice
_WORDS_IN = "words in "  # rows of list_revisions that are no counters


def copy_out(database: Path, target: Path) -> None:
    """A consistent copy in a file of its own, synced to disk. Raises `StoreUnavailable`."""
    try:
        with closing(_connect(database)) as source, closing(_connect(target)) as copy:
            source.backup(copy)  # in one step: writers go on, and cannot make it begin again
            copy.execute("PRAGMA journal_mode = DELETE")  # all of it in one file
    except sqlite3.Error as error:
        raise StoreUnavailable(sqlite.explain(error, database)) from error
    fsync(target)


def copy_in(source: Path, database: Path) -> None:
    """Replace all that a database holds by what another file holds, at once for all who use it.

    Raises `StoreUnavailable`; the database is as before then.
    """
    try:
        with closing(_connect(source)) as copy, closing(_connect(database)) as target:
            target.execute("PRAGMA synchronous = FULL")
            copy.backup(target)
    except sqlite3.Error as error:
        raise StoreUnavailable(sqlite.explain(error, database)) from error


def raise_counters(restored: Path, over: Path) -> None:
    """Bring the counters of one database above those of another that it will replace.

    Whoever follows revisions sees that all may have changed, and a key that was given is never
    given to another product. What cannot be read of the other database counts as never given.
    """
    above = _counters(over)
    with closing(_connect(restored)) as database, database:
        for name, value in above.items():
            kind, _, row = name.partition(":")
            _RAISE[kind](database, row, value)


def _counters(path: Path) -> dict[str, int]:
    found: dict[str, int] = {}
    questions = {
        "catalog": "SELECT '', revision FROM catalog_revision",
        "list": "SELECT name, revision FROM list_revisions",
        "sequence": "SELECT name, seq FROM sqlite_sequence",
    }
    for kind, question in questions.items():
        try:
            with closing(_connect(path)) as database:
                rows = database.execute(question).fetchall()
        except sqlite3.Error:
            continue
        found.update({f"{kind}:{name}": int(value) for name, value in rows})
    return found


def _raise_catalog(database: sqlite3.Connection, _row: str, value: int) -> None:
    database.execute("UPDATE catalog_revision SET revision = max(revision, ?)", (value + 1,))


def _raise_list(database: sqlite3.Connection, name: str, value: int) -> None:
    if not name.startswith(_WORDS_IN):
        database.execute(
            "INSERT INTO list_revisions (name, revision) VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET revision = max(revision, excluded.revision)",
            (name, value + 1),
        )


def _raise_sequence(database: sqlite3.Connection, name: str, value: int) -> None:
    if name not in _COUNTED_ROWS:
        return
    raised = database.execute(
        "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (value, name)
    )
    if not raised.rowcount:
        database.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (name, value))


_RAISE = {"catalog": _raise_catalog, "list": _raise_list, "sequence": _raise_sequence}


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=sqlite.BUSY_TIMEOUT_S)
