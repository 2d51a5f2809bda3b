"""One database: its connections, its transactions, its tables."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from weakref import WeakMethod

import structlog
from sqlalchemy import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from shopsearch.errors import SchemaOutdated, StoreError, StoreUnavailable
from shopsearch.store import postgresql, postgresql_listening, sqlite
from shopsearch.store.database_url import shown_url
from shopsearch.store.limits import LIMITS, Limits
from shopsearch.store.schema import (
    SchemaState,
    SchemaStatus,
    read_status,
    refuse_newer,
    upgrade,
)

log = structlog.get_logger(__name__)

# as SQLite and as PostgreSQL put it
_TABLES_MISSING = re.compile(r'no such (table|column)|(relation|column) "?\S+"? does not exist')


class Database:
    """A SQLite file or a PostgreSQL, by URL. Opens no connection before the first use.

    May be shared by threads; after a fork, the child makes connections of its own. `limits` are for
    a server: a file has none.
    """

    def __init__(self, url: str, limits: Limits = LIMITS) -> None:
        self._url = _parsed(url)
        self._limits = limits
        self._engine = self._make_engine()
        # a connection that parent and child both use would corrupt the conversation
        forget = WeakMethod(self._forget_connections)
        os.register_at_fork(after_in_child=lambda: (call := forget()) and call())

    def __str__(self) -> str:
        return shown_url(self._url)

    @property
    def limits(self) -> Limits:
        """How much of a server it asks for."""
        return self._limits

    @property
    def path(self) -> Path | None:
        """The file of a SQLite database; None for PostgreSQL."""
        return sqlite.database_path(self._url) if self._is_sqlite else None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one state of the database until the end of the block.

        Raises `StoreUnavailable` and `SchemaOutdated`, as does `writing`.
        """
        with self.translated(), self._engine.connect() as connection:
            reader = connection if self._is_sqlite else postgresql.snapshot(connection)
            with reader.begin():
                yield reader

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection whose writes are kept durably at the end of the block, or not at all."""
        with self.translated(), self._engine.connect() as connection:
            writer = connection.execution_options(**{sqlite.WRITES: True})
            with writer.begin():
                yield writer

    @contextmanager
    def apart(self) -> Iterator[Connection]:
        """A connection to a PostgreSQL that is none of the pool and commits each statement: what
        it keeps, such as a lock, ends with it. Its statements need `translated`.
        """
        with self.translated():
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            connection.detach()
        with connection:
            yield connection

    def schema_status(self) -> SchemaStatus:
        """Which tables there are; looks without making a database file."""
        if self.path is not None and not self.path.exists():
            return SchemaStatus(None)
        with self.reading() as connection:
            return read_status(connection)

    def migrate(self) -> None:
        """Make or update the tables; nothing happens where they are up to date.

        Several processes may call it at once. Raises `SchemaOutdated` where the database was
        written by a newer version.
        """
        before = self.schema_status()
        refuse_newer(before, str(self))
        if before.state is SchemaState.CURRENT:
            return
        with self.migrating() as connection:
            found = read_status(connection)  # another process may have been faster
            refuse_newer(found, str(self))
            if found.state is not SchemaState.CURRENT:
                log.info("migrating the database", database=str(self), from_schema=found.found)
                upgrade(connection)

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """A transaction for changing tables, held by one process at a time."""
        self._make_folder()
        engine = self._make_engine(migrating=True)
        try:
            with self.translated():
                if self._is_sqlite:
                    sqlite.use_wal(engine)
                with engine.connect() as connection:
                    writer = connection.execution_options(**{sqlite.WRITES: True})
                    with writer.begin():
                        if not self._is_sqlite:
                            postgresql.lock_migrations(writer)
                        yield writer
        finally:
            engine.dispose()

    def notify(self, connection: Connection, channel: str) -> None:
        """Tell those who `listen`, with the commit of a transaction of `writing`."""
        if not self._is_sqlite:
            postgresql_listening.notify(connection, channel)

    def listen(self, channel: str, heard: Callable[[], None], ended: threading.Event) -> None:
        """Call `heard` at each notice, and whenever some may have been missed, until `ended` is
        set. Returns at once on SQLite, which tells nobody anything.
        """
        if not self._is_sqlite:
            postgresql_listening.listen(self._engine, channel, heard, ended)

    @contextmanager
    def translated(self) -> Iterator[None]:
        """What the driver raises becomes a `StoreError`."""
        try:
            yield
        except (DataError, IntegrityError) as error:
            cause = " ".join(str(error.orig).split())
            raise StoreError(f"{self} refuses what should be written: {cause}") from error
        except DBAPIError as error:
            raise self._explained(error.orig or error) from error
        except PoolTimeout as error:
            raise self._explained(error) from error
        except UnicodeEncodeError as error:
            raise StoreError(f"{self} refuses what should be written: {error}") from error
        except sqlite.DriverError as error:
            raise self._explained(error) from error

    def close(self) -> None:
        """Give all connections back; the next use opens new ones."""
        self._engine.dispose()

    @property
    def is_shared(self) -> bool:
        """Whether other machines may use it too: a server, not a file."""
        return not self._is_sqlite

    @property
    def _is_sqlite(self) -> bool:
        return self._url.get_backend_name() == "sqlite"

    def _make_engine(self, *, migrating: bool = False) -> Engine:
        if self._is_sqlite:
            return sqlite.make_engine(self._url, migrating=migrating)
        return postgresql.make_engine(self._url, self._limits, migrating=migrating)

    def _forget_connections(self) -> None:
        self._engine.dispose(close=False)

    def _make_folder(self) -> None:
        if self.path is None:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnavailable(
                f"the folder {self.path.parent} of the product database cannot be made: "
                f"{error.strerror}; name another one by SHOPSEARCH_HOME or SHOPSEARCH_DATABASE_URL"
            ) from error

    def _explained(self, error: BaseException) -> StoreError:
        cause = " ".join(str(error).split())
        if _TABLES_MISSING.search(cause):
            return SchemaOutdated(
                f"the tables in {self} are missing or older than this version of shopsearch "
                f"({cause}): run `shopsearch index FEED`, which makes them"
            )
        if self.path is not None:
            return StoreUnavailable(sqlite.explain(error, self.path))
        return StoreUnavailable(postgresql.explain(cause, str(self), self._limits))


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise StoreUnavailable(  # the URL is not shown: it may hold a password
            "the database URL (SHOPSEARCH_DATABASE_URL) cannot be read: write "
            "sqlite:////absolute/path/catalog.db or postgresql://user:password@host/database"
        ) from None
    backend = parsed.get_backend_name()
    if backend == "sqlite" and sqlite.database_path(parsed) is None:
        raise StoreUnavailable(
            f"{shown_url(parsed)!r} names no file, and a database in memory is gone with its "
            "connection: write sqlite:////absolute/path/catalog.db"
        )
    if backend not in {"sqlite", "postgresql", "postgres"}:
        raise StoreUnavailable(
            f"shopsearch keeps products in SQLite or PostgreSQL, not in {backend!r}: write "
            "sqlite:////absolute/path/catalog.db or postgresql://user:password@host/database"
        )
    return parsed
