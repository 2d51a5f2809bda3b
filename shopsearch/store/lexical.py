"""The words of the products in the same database: FTS5 in SQLite, a tsvector in PostgreSQL.

What only one of them understands is in `sqlite_words.py` and `postgresql_words.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Dialect

from shopsearch.domain import Product, WordMatches
from shopsearch.store import postgresql_words, sqlite_words
from shopsearch.store.database import Database
from shopsearch.store.words import askable_terms, columns_of


class SqlLexicalIndex:
    """The `LexicalIndex` on SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def search(
        self, terms: Sequence[str], k: int, among: NDArray[np.int64] | None = None
    ) -> WordMatches:
        """See `LexicalIndex.search`."""
        asked = askable_terms(terms)
        if not asked or k < 1 or (among is not None and among.size == 0):
            return _matches([])
        keys = None if among is None else among.tolist()
        with self._database.reading() as connection:
            return _matches(words_sql(connection.dialect).search_words(connection, asked, k, keys))

    def frequencies(self, terms: Sequence[str]) -> Mapping[str, int]:
        """See `LexicalIndex.frequencies`."""
        found = dict.fromkeys(terms, 0)
        with self._database.reading() as connection:
            for term in askable_terms(terms):
                if term in found:
                    found[term] = words_sql(connection.dialect).count_words(connection, term)
        return found

    def count(self) -> int:
        """See `LexicalIndex.count`."""
        with self._database.reading() as connection:
            return words_sql(connection.dialect).count_words(connection)

    def holding(self, wanted: Sequence[Sequence[str]]) -> NDArray[np.int64]:
        """See `LexicalIndex.holding`."""
        groups = [askable_terms(terms) for terms in wanted]
        if not all(groups):
            return np.empty(0, dtype=np.int64)
        with self._database.reading() as connection:
            keys = words_sql(connection.dialect).keys_holding(connection, groups)
        return np.array(sorted(keys), dtype=np.int64)


def write_words(connection: Connection, products: Mapping[int, Product]) -> None:
    """Replace the words of products, in the transaction that writes the products."""
    rows = [{"key": key, **columns_of(product)} for key, product in products.items()]
    words_sql(connection.dialect).write_words(connection, rows)


def forget_words(connection: Connection, keys: Sequence[int]) -> None:
    """Forget the words of products, in the transaction that removes the products."""
    words_sql(connection.dialect).forget_words(connection, keys)


class WordsSql(Protocol):
    """What each database spells in its own way."""

    MAKE_TABLE: tuple[str, ...]  # statements, for a migration

    def write_words(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Put in rows of `key` and the columns of `words.COLUMNS`, instead of those of the key."""

    def forget_words(self, connection: Connection, keys: Sequence[int]) -> None:
        """Take rows out."""

    def search_words(
        self, connection: Connection, terms: Sequence[str], k: int, among: Sequence[int] | None
    ) -> Sequence[tuple[int, float]]:
        """The best k rows, best first: key and score."""

    def count_words(self, connection: Connection, term: str | None = None) -> int:
        """How many rows there are, or hold a term."""

    def keys_holding(
        self, connection: Connection, groups: Sequence[Sequence[str]]
    ) -> Sequence[int]:
        """The keys of the rows that hold a term of each group; without a group, all."""


def words_sql(dialect: Dialect) -> WordsSql:
    """The spelling for a database."""
    return sqlite_words if dialect.name == "sqlite" else postgresql_words


def _matches(found: Sequence[tuple[int, float]]) -> WordMatches:
    return WordMatches(
        keys=np.array([key for key, _ in found], dtype=np.int64),
        scores=np.array([score for _, score in found], dtype=np.float32),
    )
