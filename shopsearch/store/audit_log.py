"""The log of writes in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import delete, insert, select

from shopsearch.domain import AuditEntry
from shopsearch.store.database import Database
from shopsearch.store.tables import AUDIT_LOG

PRUNED_AT_ONCE = 5_000  # so that no other writer waits for long


class SqlAuditLog:
    """The `AuditLog` on SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(self, entries: Sequence[AuditEntry]) -> None:
        """See `AuditLog.write`."""
        if entries:
            with self._database.writing() as connection:
                connection.execute(insert(AUDIT_LOG), [asdict(entry) for entry in entries])

    def read(self, since: datetime, *, limit: int) -> Sequence[AuditEntry]:
        """See `AuditLog.read`."""
        column = AUDIT_LOG.c
        latest = (
            select(*(kept for kept in column if kept.name != "id"))
            .where(column.at >= since)
            .order_by(column.at.desc(), column.id.desc())
            .limit(limit)
        )
        with self._database.reading() as connection:
            return [AuditEntry(**row) for row in connection.execute(latest).mappings()]

    def prune(self, before: datetime) -> int:
        """See `AuditLog.prune`."""
        old = select(AUDIT_LOG.c.id).where(AUDIT_LOG.c.at < before).limit(PRUNED_AT_ONCE)
        n_gone, n_last = 0, PRUNED_AT_ONCE
        while n_last == PRUNED_AT_ONCE:
            with self._database.writing() as connection:
                n_last = connection.execute(
                    delete(AUDIT_LOG).where(AUDIT_LOG.c.id.in_(old))
                ).rowcount
            n_gone += n_last
        return n_gone
