"""Many rows at once by COPY, as only PostgreSQL and psycopg spell it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Table, text
from sqlalchemy.exc import DBAPIError

INCOMING = "incoming_"  # temporary tables, one a session


def copy_into(connection: Connection, target: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows to a table, inside the transaction of the connection. All have the same columns."""
    import psycopg

    columns = list(rows[0])
    statement = f"COPY {target} ({', '.join(columns)}) FROM STDIN"
    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row([row[name] for name in columns])
    except psycopg.Error as error:  # SQLAlchemy translates what goes through it alone
        raise DBAPIError.instance(statement, None, error, psycopg.Error) from error


def replace_by_copy(
    connection: Connection,
    target: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    unique: Sequence[str],
    keep: Sequence[str],
    returning: Sequence[str],
) -> Sequence[Row[Any]]:
    """See `bulk.replace_rows`; the rows travel through a temporary table, which COPY can fill."""
    columns = list(rows[0])
    listed, incoming = ", ".join(columns), INCOMING + target.name
    made = (
        f"CREATE TEMPORARY TABLE IF NOT EXISTS {incoming} ON COMMIT DELETE ROWS AS "  # noqa: S608
        f"SELECT {listed} FROM {target.name} WITH NO DATA"
    )
    connection.execute(text(made))
    copy_into(connection, incoming, rows)
    replaced = (name for name in columns if name not in {*unique, *keep})
    moved = (
        f"INSERT INTO {target.name} ({listed}) SELECT {listed} FROM {incoming} "  # noqa: S608
        f"ON CONFLICT ({', '.join(unique)}) DO UPDATE SET "
        f"{', '.join(f'{name} = excluded.{name}' for name in replaced)} "
        f"RETURNING {', '.join(returning)}"
    )
    return connection.execute(text(moved)).all()
