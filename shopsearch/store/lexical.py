"""The words of the products in the same database: FTS5 in SQLite, a tsvector in PostgreSQL."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import structlog
from numpy.typing import NDArray
from sqlalchemy import Connection

from shopsearch.domain import WordMatches
from shopsearch.languages import ENGLISH, Language
from shopsearch.store.database import Database
from shopsearch.store.products import all_products, lock_catalog
from shopsearch.store.word_rows import (
    check_language,
    empty_words,
    language_of_words,
    words_sql,
    write_words,
)
from shopsearch.store.words import askable_terms

CHECK_EVERY_S = 1.0  # how long another process may have written other words unnoticed
_log = structlog.get_logger(__name__)


class SqlLexicalIndex:
    """The `LexicalIndex` on SQLite or PostgreSQL."""

    def __init__(
        self,
        database: Database,
        language: Language = ENGLISH,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._language = language
        self._clock = clock
        self._next_check = -math.inf

    def search(
        self, terms: Sequence[str], k: int, among: NDArray[np.int64] | None = None
    ) -> WordMatches:
        """See `LexicalIndex.search`."""
        asked = askable_terms(terms)
        if not asked or k < 1 or (among is not None and among.size == 0):
            return _matches([])
        keys = None if among is None else among.tolist()
        with self._reading() as connection:
            sql = words_sql(connection.dialect)
            return _matches(sql.search_words(connection, asked, k, keys, self._language))

    def frequencies(self, terms: Sequence[str]) -> Mapping[str, int]:
        """See `LexicalIndex.frequencies`."""
        found = dict.fromkeys(terms, 0)
        with self._reading() as connection:
            sql = words_sql(connection.dialect)
            for term in askable_terms(terms):
                if term in found:
                    found[term] = sql.count_words(connection, term, self._language)
        return found

    def count(self) -> int:
        """See `LexicalIndex.count`."""
        with self._reading() as connection:
            return words_sql(connection.dialect).count_rows(connection)

    def holding(self, wanted: Sequence[Sequence[str]]) -> NDArray[np.int64]:
        """See `LexicalIndex.holding`."""
        groups = [askable_terms(terms) for terms in wanted]
        if not all(groups):
            return np.empty(0, dtype=np.int64)
        with self._reading() as connection:
            sql = words_sql(connection.dialect)
            keys = sql.keys_holding(connection, groups, self._language)
        return np.array(sorted(keys), dtype=np.int64)

    def check(self) -> None:
        """Raise `LanguageMismatch` where the words are kept in another language."""
        with self._reading():
            pass

    def renew(self) -> int:
        """See `LexicalIndex.renew`."""
        with self._database.reading() as connection:
            written = language_of_words(connection)
        if written == self._language.name:
            return 0
        with self._database.writing() as connection:
            lock_catalog(connection)  # another process may be writing products, or renewing
            if language_of_words(connection) == self._language.name:
                return 0
            if words_sql(connection.dialect).count_rows(connection):
                _log.warning("writing the words anew", language=self._language.name, was=written)
            return self._write_all(connection)

    def _write_all(self, connection: Connection) -> int:
        empty_words(connection, self._language)
        n_written = 0
        for products in all_products(connection):
            write_words(connection, products, self._language)
            n_written += len(products)
            _log.info("writing the words anew", language=self._language.name, products=n_written)
        return n_written

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        """A connection to words in this language. Raises `LanguageMismatch`."""
        with self._database.reading() as connection:
            if self._clock() >= self._next_check:
                check_language(connection, self._language)
                self._next_check = self._clock() + CHECK_EVERY_S
            yield connection


def _matches(found: Sequence[tuple[int, float]]) -> WordMatches:
    return WordMatches(
        keys=np.array([key for key, _ in found], dtype=np.int64),
        scores=np.array([score for _, score in found], dtype=np.float32),
    )
