"""Which index generation is live, as a row that all machines over one database read."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import delete, select

from shopsearch.store.database import Database
from shopsearch.store.statements import insert_or_replace
from shopsearch.store.tables import LIVE_GENERATION

CHANNEL = "shopsearch_live_generation"


class SqlCurrentGeneration:
    """The `CurrentGeneration` of the index room on SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __str__(self) -> str:
        return f"the row of the table live_generation in {self._database}"

    def read(self) -> str | None:
        """See `CurrentGeneration.read`."""
        with self._database.reading() as connection:
            return connection.scalar(select(LIVE_GENERATION.c.generation_id))

    def make_live(self, generation_id: str) -> None:
        """See `CurrentGeneration.make_live`; whoever listens hears of it with the commit."""
        row = {"id": 1, "generation_id": generation_id, "since": datetime.now(UTC)}
        with self._database.writing() as connection:
            connection.execute(insert_or_replace(connection, LIVE_GENERATION, unique=["id"]), row)
            self._database.notify(connection, CHANNEL)

    def clear(self) -> None:
        """See `CurrentGeneration.clear`."""
        with self._database.writing() as connection:
            connection.execute(delete(LIVE_GENERATION))
            self._database.notify(connection, CHANNEL)

    def listen(self, heard: Callable[[], None], ended: threading.Event) -> None:
        """Call `heard` at each change, and once for whatever changed before, until `ended` is set.

        Returns at once where the database cannot tell of changes: SQLite.
        """
        self._database.listen(CHANNEL, heard, ended)
