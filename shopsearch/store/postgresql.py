"""Everything that only PostgreSQL understands."""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.pool import NullPool

from shopsearch.errors import StoreUnavailable
from shopsearch.store.database_url import shown_url
from shopsearch.store.limits import LIMITS, Limits

DRIVER = "postgresql+psycopg"
MIGRATION_LOCK = 0x73686F70  # any number that is ours ("shop")
# when a server that is silent is given up, over TCP: libpq waits for hours by itself
SILENCE = {
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # milliseconds
}
NAME = "shopsearch"  # of our sessions in pg_stat_activity


def make_engine(url: URL, limits: Limits = LIMITS, *, migrating: bool = False) -> Engine:
    """An engine on psycopg; a connection that the server has dropped is replaced unnoticed.

    What the URL itself says of connecting counts first.
    """
    url = url.set(drivername=DRIVER)
    ours = {"connect_timeout": limits.connect_s, "application_name": NAME, **SILENCE}
    connect_args = {name: value for name, value in ours.items() if name not in url.query}
    try:
        if migrating:
            return create_engine(url, connect_args=connect_args, poolclass=NullPool)
        engine = create_engine(
            url,
            connect_args=connect_args,
            pool_pre_ping=True,
            pool_size=limits.n_connections,
            max_overflow=0,
            pool_timeout=limits.wait_s,
        )
    except ModuleNotFoundError as error:
        raise StoreUnavailable(
            f"the database {shown_url(url)} needs the package psycopg: "
            "pip install 'shopsearch[postgres]'"
        ) from error
    if limits.statement_s:
        _bound_statements(engine, limits.statement_s)
    return engine


def _bound_statements(engine: Engine, limit_s: float) -> None:
    @event.listens_for(engine, "connect")
    def bound(connection: Any, _record: Any) -> None:
        # not by an option of the connection: poolers between refuse those
        connection.execute(f"SET statement_timeout = {round(limit_s * 1000)}")
        connection.commit()


def snapshot(connection: Connection) -> Connection:
    """The connection set to read one state of the database, however many statements it takes."""
    return connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def lock_migrations(connection: Connection) -> None:
    """Wait until no other process migrates; the lock ends with the transaction."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": MIGRATION_LOCK})


def unbound_statements(connection: Connection) -> None:
    """Let the statements of this transaction take as long as a whole catalog needs."""
    connection.execute(text("SET LOCAL statement_timeout = 0"))


def explain(cause: str, database: str, limits: Limits) -> str:
    """What went wrong with a server, and what to do."""
    is_full = (
        "it has no connection left: let it have more (max_connections), or each process fewer by "
        "SHOPSEARCH_DATABASE_POOL"
    )
    known = {
        "too many clients": is_full,
        "connection slots": is_full,
        "QueuePool limit": f"all {limits.n_connections} connections of this process were in use "
        f"for {limits.wait_s:g} s: let it have more by SHOPSEARCH_DATABASE_POOL",
        "statement timeout": f"a statement took longer than {limits.statement_s:g} s: see what "
        "keeps the server busy, or give it longer by SHOPSEARCH_DATABASE_STATEMENT_S",
        "starting up": "the server is starting, and answers in a moment",
        "shutting down": "the server is being shut down: start it again",
        "authentication failed": "user or password in SHOPSEARCH_DATABASE_URL are not right",
    }
    for sign, remedy in known.items():
        if sign in cause:
            return f"the database {database} cannot be used: {remedy} ({cause})"
    return (
        f"the database {database} cannot be used: {cause}; check that the server runs and "
        "that SHOPSEARCH_DATABASE_URL names it"
    )
