"""Everything that only PostgreSQL understands."""

from __future__ import annotations

from sqlalchemy import URL, Connection, Engine, create_engine, text
from sqlalchemy.pool import NullPool

from shopsearch.errors import StoreUnavailable
from shopsearch.store.database_url import shown_url

DRIVER = "postgresql+psycopg"
MIGRATION_LOCK = 0x73686F70  # any number that is ours ("shop")


def make_engine(url: URL, *, migrating: bool = False) -> Engine:
    """An engine on psycopg; a connection that the server has dropped is replaced unnoticed."""
    url = url.set(drivername=DRIVER)
    try:
        if migrating:
            return create_engine(url, poolclass=NullPool)
        return create_engine(url, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        raise StoreUnavailable(
            f"the database {shown_url(url)} needs the package psycopg: "
            "pip install 'psycopg[binary]'"
        ) from error


def snapshot(connection: Connection) -> Connection:
    """The connection set to read one state of the database, however many statements it takes."""
    return connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def lock_migrations(connection: Connection) -> None:
    """Wait until no other process migrates; the lock ends with the transaction."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": MIGRATION_LOCK})
