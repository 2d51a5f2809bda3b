"""Which tables a database has, and how it gets the ones that this version needs.

Alembic is imported only where there is something to migrate: a start that finds everything in
place pays for one small query.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from shopsearch.errors import SchemaOutdated

SCHEMA_HEAD = "0011"  # the newest migration; migrations are numbered, one after the other
VERSION_TABLE = "alembic_version"


class SchemaState(StrEnum):
    """How the tables of a database stand to this version of shopsearch."""

    EMPTY = "empty"
    CURRENT = "current"
    OLDER = "older"
    NEWER = "newer"  # or of another program altogether


@dataclass(frozen=True, slots=True)
class SchemaStatus:
    """The number of the last migration that a database has seen, and the one that is expected."""

    found: str | None
    expected: str = SCHEMA_HEAD

    @property
    def state(self) -> SchemaState:
        """Where the database stands."""
        if self.found is None:
            return SchemaState.EMPTY
        if self.found == self.expected:
            return SchemaState.CURRENT
        is_older = len(self.found) == len(self.expected) and self.found < self.expected
        return SchemaState.OLDER if is_older else SchemaState.NEWER


def read_status(connection: Connection) -> SchemaStatus:
    """The status of the database behind a connection."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return SchemaStatus(None)
    return SchemaStatus(
        connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608
    )


def refuse_newer(status: SchemaStatus, database: str) -> None:
    """Raise `SchemaOutdated` where the tables are not ours to touch."""
    if status.state is SchemaState.NEWER:
        raise SchemaOutdated(
            f"the tables in {database} have schema {status.found!r}, but this version of "
            f"shopsearch knows none after {status.expected!r}: upgrade shopsearch, or name another "
            "database by SHOPSEARCH_DATABASE_URL"
        )


def upgrade(connection: Connection) -> None:
    """Bring the tables up to date, inside the transaction of the connection."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def migrations_folder() -> Path:
    """Where the migrations lie: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "_migrations"
    return installed if installed.is_dir() else package.parent / "migrations"
