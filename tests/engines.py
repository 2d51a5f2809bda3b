"""On which engines tests of commands and pages run: by default SQLite and files, as users begin.

    SHOPSEARCH_TEST_DATABASE=postgresql SHOPSEARCH_TEST_INDEX=milvus pytest tests/cli tests/browser

Each shop of a test gets a database of its own, made from a template, and collections of its own;
both are dropped afterwards. What fixtures hand to `Settings`, or to commands by the environment,
comes from `Engines.settings`: another engine is added there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import count

import pytest
from sqlalchemy import make_url, text

from shopsearch.store.sql import Database
from tests.milvus import drop_collections

DATABASE, INDEX = "SHOPSEARCH_TEST_DATABASE", "SHOPSEARCH_TEST_INDEX"
CHOICES = {DATABASE: ("sqlite", "postgresql"), INDEX: ("files", "milvus")}
DEFAULTS = {name: choices[0] for name, choices in CHOICES.items()}
TEMPLATE = "shopsearch_template"
_NUMBERS = count()  # of the shops of this process, whoever made their engines
PATIENT_S = 60  # a server answers late where tests, shops and a browser share two cores


class Engines:
    """Makes settings for shops, until it is closed. The URLs start a server when called."""

    def __init__(
        self,
        names: Mapping[str, str],
        postgres_url: Callable[[], str],
        milvus_uri: Callable[[], str],
    ) -> None:
        for name, choices in CHOICES.items():
            if names[name] not in choices:
                raise ValueError(f"{name}={names[name]}: write {' or '.join(choices)}")
        self.on_postgresql = names[DATABASE] == "postgresql"
        self.on_milvus = names[INDEX] == "milvus"
        self._postgres_url = postgres_url
        self._milvus_uri = milvus_uri
        self._has_template = False

    @contextmanager
    def settings(self, **usual: str) -> Iterator[Mapping[str, str]]:
        """What one shop needs of settings, so that it is over these engines; `usual` ones are
        those that an engine of choice replaces.
        """
        told, name = dict(usual), f"shop_{os.getpid()}_{next(_NUMBERS)}"
        with ExitStack() as made:
            if self.on_postgresql:
                url = made.enter_context(self._database(name))
                told |= {"database_url": url, "current": "database"}
            if self.on_milvus:
                told |= {"index": "milvus", **made.enter_context(self._collections(name))}
            yield told

    @contextmanager
    def environment(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """The same for commands, which read their settings from the environment."""
        with self.settings() as settings:
            for name, value in settings.items():
                monkeypatch.setenv(f"SHOPSEARCH_{name.upper()}", value)
            yield

    @contextmanager
    def _database(self, name: str) -> Iterator[str]:
        server = Database(self._postgres_url())
        self._make_template(server)
        _run(server, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        try:
            yield _url_of(self._postgres_url(), name)
        finally:
            _run(server, f"DROP DATABASE {name} WITH (FORCE)")
            server.close()

    @contextmanager
    def _collections(self, name: str) -> Iterator[Mapping[str, str]]:
        uri = self._milvus_uri()
        try:
            yield {
                "milvus_uri": uri,
                "milvus_collection": name,
                "milvus_timeout_s": str(PATIENT_S),
            }
        finally:
            drop_collections(uri, name)

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


def chosen(request: pytest.FixtureRequest, database: str, index: str) -> Engines:
    """Engines by name; the servers are those of all tests, or of the file that asks."""
    milvus = "milvus_of_all" if request.scope == "session" else "milvus_server"
    return Engines(
        {DATABASE: database, INDEX: index},
        lambda: request.getfixturevalue("postgres_url"),
        lambda: request.getfixturevalue(milvus).uri,
    )


@pytest.fixture(scope="session")
def engines(request: pytest.FixtureRequest) -> Engines:
    """The engines that the environment names."""
    names = (os.environ.get(name, usual) for name, usual in DEFAULTS.items())
    return chosen(request, *names)


@pytest.fixture
def own_database(engines: Engines) -> None:
    """For a test of what is so in a home that has its own database: skipped on another one."""
    if engines.on_postgresql:
        pytest.skip("it is about a home that has its own SQLite, or none yet")
