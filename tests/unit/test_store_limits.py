"""A database server that is away, full or slow is told clearly, and within a time."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import text

from shopsearch.bootstrap import Services
from shopsearch.errors import StoreUnavailable
from shopsearch.settings import Settings
from shopsearch.store.limits import Limits
from shopsearch.store.postgresql import explain
from shopsearch.store.sql import Database
from tests.postgresql import hang_up_others

TIGHT = Limits(n_connections=2, wait_s=0.2, connect_s=2, statement_s=0.3)


@pytest.fixture
def postgres(empty_postgres: Callable[[], str]) -> Iterator[Database]:
    database = Database(empty_postgres(), TIGHT)
    yield database
    database.close()


def test_who_finds_no_free_connection_is_told_so_in_time(postgres: Database) -> None:
    with postgres.reading(), postgres.reading():
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match=r"all 2 connections.*SHOPSEARCH_DATABASE_POOL"):
            postgres.reading().__enter__()
        assert time.monotonic() - began < 5
    with postgres.reading() as connection:
        assert connection.scalar(text("SELECT 1")) == 1


def test_a_statement_that_takes_too_long_is_ended(postgres: Database) -> None:
    with (
        pytest.raises(StoreUnavailable, match=r"longer than 0\.3 s.*SHOPSEARCH_DATABASE_STATEMENT"),
        postgres.reading() as connection,
    ):
        connection.execute(text("SELECT pg_sleep(20)"))


def test_a_server_that_does_not_take_the_connection_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        database = Database(f"postgresql://shop@127.0.0.1:{port}/shop", TIGHT)
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match="check that the server runs"):
            database.reading().__enter__()
        assert time.monotonic() - began < 15


def test_dropped_connections_are_replaced_unnoticed(postgres: Database, postgres_url: str) -> None:
    with postgres.reading(), postgres.reading():
        pass
    other = Database(postgres_url)
    hang_up_others(other)
    other.close()
    with postgres.reading() as connection:
        assert connection.scalar(text("SELECT 1")) == 1


def test_connections_of_its_own_are_none_of_the_pool(postgres: Database) -> None:
    with postgres.apart() as one, postgres.apart() as two, postgres.reading(), postgres.reading():
        assert one.scalar(text("SELECT pg_backend_pid()")) != two.scalar(
            text("SELECT pg_backend_pid()")
        )


def test_what_the_url_says_of_connecting_counts_first(postgres_url: str) -> None:
    database = Database(f"{postgres_url}&application_name=mine", TIGHT)
    with database.reading() as connection:
        assert connection.scalar(text("SHOW application_name")) == "mine"
        assert connection.scalar(text("SHOW statement_timeout")) == "300ms"
    database.close()


@pytest.mark.parametrize(
    ("cause", "remedy"),
    [
        ("FATAL: sorry, too many clients already", "max_connections"),
        ("FATAL: remaining connection slots are reserved", "SHOPSEARCH_DATABASE_POOL"),
        ("FATAL: the database system is starting up", "answers in a moment"),
        ("FATAL: password authentication failed for user", "SHOPSEARCH_DATABASE_URL"),
        ("something else", "check that the server runs"),
    ],
)
def test_each_trouble_has_its_remedy(cause: str, remedy: str) -> None:
    told = explain(cause, "postgresql://host/shop", TIGHT)
    assert remedy in told
    assert cause in told


def test_a_process_has_connections_for_all_its_threads(settings: Settings) -> None:
    url = "postgresql://shop@127.0.0.1/shop"
    many = settings.model_copy(update={"worker_threads": 20, "database_url": url})
    assert Services(many).database.limits.n_connections > 20
    few = many.model_copy(update={"database_pool": 3})
    assert Services(few).database.limits.n_connections == 3
