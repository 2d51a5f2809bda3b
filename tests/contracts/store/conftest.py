"""The databases that every contract of the store room is held to."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shopsearch.store.sql import Database


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with all tables, to be copied: migrating takes longer than most tests."""
    path = tmp_path_factory.mktemp("migrated") / "catalog.db"
    database = Database(f"sqlite:///{path}")
    database.migrate()
    database.close()
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(
    request: pytest.FixtureRequest, tmp_path: Path, migrated_file: Path
) -> Callable[[], str]:
    """Gives the URL of an empty database with all tables, at each call anew."""
    if request.param == "sqlite":

        def copied() -> str:
            path = tmp_path / "catalog.db"
            for old in tmp_path.glob("catalog.db*"):
                old.unlink()
            shutil.copy(migrated_file, path)
            return f"sqlite:///{path}"

        return copied

    emptied: Callable[[], str] = request.getfixturevalue("empty_postgres")

    def migrated() -> str:
        url = emptied()
        database = Database(url)
        database.migrate()
        database.close()
        return url

    return migrated


@pytest.fixture
def new_database(database_url: Callable[[], str]) -> Iterator[Callable[[], Database]]:
    """Opens an empty database; the one before is closed."""
    opened: list[Database] = []

    def new() -> Database:
        while opened:
            opened.pop().close()
        opened.append(Database(database_url()))
        return opened[-1]

    yield new
    while opened:
        opened.pop().close()


@pytest.fixture
def database(new_database: Callable[[], Database]) -> Database:
    return new_database()
