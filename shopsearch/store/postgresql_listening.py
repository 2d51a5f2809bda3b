"""What a PostgreSQL tells by NOTIFY, heard on a connection of its own that comes back by itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing
from typing import Any, cast

import structlog
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

log = structlog.get_logger(__name__)

LOOK_UP_EVERY_S = 0.2  # how long whoever ends the listening may wait for it
RECONNECT_EVERY_S = 1.0


def notify(connection: Connection, channel: str) -> None:
    """Tell all who listen, with the commit of the transaction."""
    connection.execute(text("SELECT pg_notify(:channel, '')"), {"channel": channel})


def listen(engine: Engine, channel: str, heard: Callable[[], None], ended: threading.Event) -> None:
    """Call `heard` at each notice, and after each connecting, until `ended` is set.

    What is told while there is no connection is lost: hence the call after each connecting, and
    hence whoever listens also looks now and then.
    """
    is_told = False
    while not ended.is_set():
        try:
            _hear(engine, channel, heard, ended)
        except (DBAPIError, _driver_error()) as error:
            if not is_told:
                cause = " ".join(str(error).split())
                log.warning("nothing is heard of changes; they are looked for", error=cause)
            is_told = True
            ended.wait(RECONNECT_EVERY_S)
        else:
            is_told = False


def _hear(engine: Engine, channel: str, heard: Callable[[], None], ended: threading.Event) -> None:
    pooled = engine.raw_connection()
    driver_connection = cast(Any, pooled.driver_connection)
    pooled.detach()  # it is no pool's any more: whoever else asks for one is not kept waiting
    with closing(driver_connection) as connection:
        connection.rollback()
        connection.autocommit = True
        connection.execute(f'LISTEN "{channel}"')
        heard()
        while not ended.is_set():
            for _ in connection.notifies(timeout=LOOK_UP_EVERY_S, stop_after=1):
                heard()


def _driver_error() -> type[Exception]:
    import psycopg

    return psycopg.Error
