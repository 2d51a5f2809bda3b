"""The words of products, as they are written in the transactions that write the products.

They are written in one language, and a row of `list_revisions` names it: words by other rules find
nothing in it. What only one database understands is in `sqlite_words.py` and `postgresql_words.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import Connection, Dialect, delete, select

from shopsearch.domain import Product
from shopsearch.errors import LanguageMismatch
from shopsearch.languages import ENGLISH, Language, in_another_language
from shopsearch.store import postgresql_words, sqlite_words
from shopsearch.store.tables import LIST_REVISIONS
from shopsearch.store.words import columns_of

_WORDS_IN = "words in "  # the name of the row goes on with that of the language


def write_words(
    connection: Connection, products: Mapping[int, Product], language: Language = ENGLISH
) -> None:
    """Replace the words of products, in the transaction that writes the products."""
    rows = [{"key": key, **columns_of(product)} for key, product in products.items()]
    words_sql(connection.dialect).write_words(connection, rows, language)


def forget_words(connection: Connection, keys: Sequence[int]) -> None:
    """Forget the words of products, in the transaction that removes the products."""
    words_sql(connection.dialect).forget_words(connection, keys)


def language_of_words(connection: Connection) -> str:
    """The name of the language in which the words are written; without a row, English."""
    named = select(LIST_REVISIONS.c.name).where(LIST_REVISIONS.c.name.startswith(_WORDS_IN))
    return (connection.scalar(named) or f"{_WORDS_IN}{ENGLISH.name}").removeprefix(_WORDS_IN)


def check_language(connection: Connection, language: Language) -> None:
    """Raise `LanguageMismatch` where the words are written in another language."""
    written = language_of_words(connection)
    if written != language.name:
        raise LanguageMismatch(
            f"the words of the products are {in_another_language(written, language)}"
        )


def empty_words(connection: Connection, language: Language) -> None:
    """Make a table without words, to be written in a language from now on."""
    words_sql(connection.dialect).remake_table(connection, language)
    connection.execute(delete(LIST_REVISIONS).where(LIST_REVISIONS.c.name.startswith(_WORDS_IN)))
    connection.execute(
        LIST_REVISIONS.insert().values(name=f"{_WORDS_IN}{language.name}", revision=1)
    )


class WordsSql(Protocol):
    """What each database spells in its own way."""

    MAKE_TABLE: tuple[str, ...]  # statements, for a migration; the words are English then

    def remake_table(self, connection: Connection, language: Language) -> None:
        """Leave no word, and be ready for those of a language. Readers see the old ones until the
        end of the transaction.
        """

    def write_words(
        self, connection: Connection, rows: Sequence[Mapping[str, Any]], language: Language
    ) -> None:
        """Put in rows of `key` and the columns of `words.COLUMNS`, instead of those of the key."""

    def forget_words(self, connection: Connection, keys: Sequence[int]) -> None:
        """Take rows out."""

    def search_words(
        self,
        connection: Connection,
        terms: Sequence[str],
        k: int,
        among: Sequence[int] | None,
        language: Language,
    ) -> Sequence[tuple[int, float]]:
        """The best k rows, best first: key and score."""

    def count_words(self, connection: Connection, term: str, language: Language) -> int:
        """How many rows hold a term."""

    def keys_holding(
        self, connection: Connection, groups: Sequence[Sequence[str]], language: Language
    ) -> Sequence[int]:
        """The keys of the rows that hold a term of each group; without a group, all."""

    def count_rows(self, connection: Connection) -> int:
        """How many rows there are."""


def words_sql(dialect: Dialect) -> WordsSql:
    """The spelling for a database."""
    return sqlite_words if dialect.name == "sqlite" else postgresql_words
