"""Many rows in one go, by the road that is quickest in each database.

PostgreSQL takes them by COPY: decision 48 has the figures, also of the tables for which it is not
worth it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Table

from shopsearch.store import postgresql_bulk
from shopsearch.store.statements import insert_or_replace

COPY_FROM = 32  # rows; for fewer, one statement is quicker than the way through a second table


def add_rows(connection: Connection, target: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows, all of the same columns."""
    if _by_copy(connection, rows):
        postgresql_bulk.copy_into(connection, target.name, rows)
    elif rows:
        connection.execute(target.insert(), list(rows))


def replace_rows(
    connection: Connection,
    target: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    unique: Sequence[str],
    keep: Sequence[str],
    returning: Sequence[str],
) -> Sequence[Row[Any]]:
    """Add rows, or replace those with the same `unique` columns but for what `keep` names.

    No two rows have the same `unique` columns. Gives the columns `returning` of all, in any order.
    """
    if _by_copy(connection, rows):
        return postgresql_bulk.replace_by_copy(
            connection, target, rows, unique=unique, keep=keep, returning=returning
        )
    statement = insert_or_replace(connection, target, unique=unique, keep=keep)
    given = statement.returning(*(target.c[name] for name in returning))
    return connection.execute(given, list(rows)).all()


def _by_copy(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> bool:
    return len(rows) >= COPY_FROM and connection.dialect.name == "postgresql"
