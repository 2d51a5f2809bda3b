"""When products came and were written last, in SQL."""

from __future__ import annotations

import numpy as np
from sqlalchemy import select

from shopsearch.domain import Writes
from shopsearch.store.database import Database
from shopsearch.store.tables import PRODUCTS


class SqlWriteTimes:
    """The `WriteTimes` on SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def written_after(self, revision: int) -> Writes:
        """See `WriteTimes.written_after`."""
        asked = (
            select(PRODUCTS.c.key, PRODUCTS.c.revision, PRODUCTS.c.created_at)
            .where(PRODUCTS.c.revision > revision)
            .order_by(PRODUCTS.c.revision)
        )
        with self._database.reading() as connection:
            rows = connection.execute(asked).all()
        return Writes(
            keys=np.array([row[0] for row in rows], dtype=np.int64),
            revisions=np.array([row[1] for row in rows], dtype=np.int64),
            created_s=np.array([row[2].timestamp() for row in rows], dtype=np.float64),
        )
