"""Many rows at once by COPY, as only PostgreSQL and psycopg spell it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, text

INCOMING = "incoming_"


def copy_into(connection: Connection, target: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows to a table, inside the transaction of the connection. All have the same columns."""
    if not rows:
        return
    columns = list(rows[0])
    driver: Any = connection.connection.driver_connection
    with (
        driver.cursor() as cursor,
        cursor.copy(f"COPY {target} ({', '.join(columns)}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row([row[name] for name in columns])


def replace_into(
    connection: Connection,
    target: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    unique: Sequence[str],
    keep: Sequence[str] = (),
    returning: Sequence[str] = (),
) -> Sequence[Any]:
    """Add rows, and replace those with the same `unique` columns, but for what `keep` names."""
    columns = list(rows[0])
    listed = ", ".join(columns)
    incoming = INCOMING + target.name
    connection.execute(
        text(
            f"CREATE TEMP TABLE IF NOT EXISTS {incoming} ON COMMIT DELETE ROWS AS "  # noqa: S608 - names of the tables of this program
            f"SELECT {listed} FROM {target.name} WITH NO DATA"
        )
    )
    copy_into(connection, incoming, rows)
    replaced = [name for name in columns if name not in {*unique, *keep}]
    inserted = text(
        f"INSERT INTO {target.name} ({listed}) SELECT {listed} FROM {incoming} "  # noqa: S608 - as above
        f"ON CONFLICT ({', '.join(unique)}) DO UPDATE SET "
        + ", ".join(f"{name} = excluded.{name}" for name in replaced)
        + (f" RETURNING {', '.join(returning)}" if returning else "")
    )
    result = connection.execute(inserted)
    return result.all() if returning else ()
