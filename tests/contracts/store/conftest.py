"""The databases that every contract of the store room is held to."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shopsearch.languages import ENGLISH, Language
from shopsearch.lexical.word_index import WordIndex
from shopsearch.store import LexicalIndex, ProductStore
from shopsearch.store.sql import Database, SqlLexicalIndex, SqlProductStore


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


class InStep(WordIndex):
    """The words in memory, brought in step with a store before each question, as at indexing."""

    def __init__(self, store: ProductStore, language: Language) -> None:
        super().__init__(language)
        self._store = store
        self._revision = 0

    def _settle(self) -> None:
        while (changes := self._store.changes_since(self._revision, 100)).revision > self._revision:
            self.delete(changes.removed)
            keys = [stored.key for stored in changes.upserted]
            self.upsert(keys, [stored.product for stored in changes.upserted])
            self._revision = changes.revision
        super()._settle()


def in_database(database: Database, language: Language = ENGLISH) -> LexicalIndex:
    words = SqlLexicalIndex(database, language)
    words.renew()
    return words


def in_memory(database: Database, language: Language = ENGLISH) -> LexicalIndex:
    SqlLexicalIndex(database, language).renew()
    return InStep(SqlProductStore(database, language), language)


@pytest.fixture(params=[in_database, in_memory])
def open_words(request: pytest.FixtureRequest) -> Callable[..., LexicalIndex]:
    """Opens the words of a database, in a language where one is given."""
    return request.param
