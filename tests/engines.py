"""On which engines tests of commands and pages run: by default SQLite and files, as users begin.

    SHOPSEARCH_TEST_DATABASE=postgresql pytest tests/cli tests/browser

Each shop of a test gets a database of its own, made from a template and dropped afterwards. What
fixtures hand to `Settings`, or to commands by the environment, comes from `Engines.settings`:
another engine is added there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count

import pytest
from sqlalchemy import make_url, text

from shopsearch.store.sql import Database

DATABASE = "SHOPSEARCH_TEST_DATABASE"
DATABASES = ("sqlite", "postgresql")
TEMPLATE = "shopsearch_template"


class Engines:
    """Makes settings for shops, until it is closed. `postgres_url` starts a server when called."""

    def __init__(self, database: str, postgres_url: Callable[[], str]) -> None:
        if database not in DATABASES:
            raise ValueError(f"{DATABASE}={database}: write {' or '.join(DATABASES)}")
        self._is_postgres = database == "postgresql"
        self._postgres_url = postgres_url
        self._numbers = count()
        self._has_template = False

    @property
    def are_default(self) -> bool:
        """Whether everything is in the home folder."""
        return not self._is_postgres

    @contextmanager
    def settings(self) -> Iterator[Mapping[str, str]]:
        """What one shop needs of settings, so that it is over these engines."""
        if not self._is_postgres:
            yield {}
            return
        with self._database() as url:
            yield {"database_url": url, "current": "database"}

    @contextmanager
    def environment(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """The same for commands, which read their settings from the environment."""
        with self.settings() as settings:
            for name, value in settings.items():
                monkeypatch.setenv(f"SHOPSEARCH_{name.upper()}", value)
            yield

    @contextmanager
    def _database(self) -> Iterator[str]:
        server = Database(self._postgres_url())
        self._make_template(server)
        name = f"shop_{os.getpid()}_{next(self._numbers)}"
        _run(server, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        try:
            yield _url_of(self._postgres_url(), name)
        finally:
            _run(server, f"DROP DATABASE {name} WITH (FORCE)")
            server.close()

    def _make_template(self, server: Database) -> None:
        if self._has_template:
            return
        _run(server, f"DROP DATABASE IF EXISTS {TEMPLATE}")
        _run(server, f"CREATE DATABASE {TEMPLATE}")
        template = Database(_url_of(self._postgres_url(), TEMPLATE))
        template.migrate()
        template.close()
        self._has_template = True


def _run(server: Database, statement: str) -> None:
    with server.apart() as connection:
        connection.execute(text(statement))


def _url_of(server_url: str, name: str) -> str:
    return make_url(server_url).set(database=name).render_as_string(hide_password=False)


def chosen(request: pytest.FixtureRequest, database: str) -> Engines:
    """Engines by name; the server is the one of all tests."""
    return Engines(database, lambda: request.getfixturevalue("postgres_url"))


@pytest.fixture(scope="session")
def engines(request: pytest.FixtureRequest) -> Engines:
    """The engines that the environment names."""
    return chosen(request, os.environ.get(DATABASE, "sqlite"))


@pytest.fixture
def default_engines(engines: Engines) -> None:
    """For a test of what is so in a home that has all its files: skipped on other engines."""
    if not engines.are_default:
        pytest.skip("it is about a home that has its own SQLite, or none yet")
