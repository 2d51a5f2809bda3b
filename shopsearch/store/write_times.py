"""When products came and were written last, in SQL."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from sqlalchemy import DateTime, select, type_coerce

from shopsearch.domain import Writes
from shopsearch.store.database import Database
from shopsearch.store.tables import PRODUCTS


class SqlWriteTimes:
    """The `WriteTimes` on SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def written_after(self, revision: int) -> Writes:
        """See `WriteTimes.written_after`."""
        created_at = type_coerce(PRODUCTS.c.created_at, DateTime(timezone=True))
        asked = (
            select(PRODUCTS.c.key, PRODUCTS.c.revision, created_at)
            .where(PRODUCTS.c.revision > revision)
            .order_by(PRODUCTS.c.revision)
        )
        with self._database.reading() as connection:
            rows = connection.execute(asked).all()
        # products of one batch came at one moment: a few moments are converted, not every row's
        seconds = {moment: _seconds(moment) for moment in {row[2] for row in rows}}
        return Writes(
            keys=np.array([row[0] for row in rows], dtype=np.int64),
            revisions=np.array([row[1] for row in rows], dtype=np.int64),
            created_s=np.array([seconds[row[2]] for row in rows], dtype=np.float64),
        )


def _seconds(moment: datetime) -> float:
    """Since 1970; SQLite keeps no time zone, but all moments are in UTC."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
