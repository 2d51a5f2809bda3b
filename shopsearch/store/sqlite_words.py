"""Search by words as only SQLite spells it: its extension FTS5."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, text

from shopsearch.store.statements import chunks
from shopsearch.store.words import COLUMNS, WEIGHTS

TABLE = "product_words"
MAKE_TABLE = (
    f"CREATE VIRTUAL TABLE {TABLE} USING fts5({', '.join(COLUMNS)}, "
    "tokenize = 'porter unicode61 remove_diacritics 2')",
)

_SCORE = f"-bm25({TABLE}, {', '.join(map(str, WEIGHTS))})"  # FTS5 gives the best the least


def write_words(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """See `WordsSql.write_words`."""
    names, values = ", ".join(COLUMNS), ", ".join(f":{name}" for name in COLUMNS)
    statement = f"INSERT OR REPLACE INTO {TABLE} (rowid, {names}) VALUES (:key, {values})"  # noqa: S608
    connection.execute(text(statement), list(rows))


def forget_words(connection: Connection, keys: Sequence[int]) -> None:
    """See `WordsSql.forget_words`."""
    for some in chunks(keys):
        connection.execute(
            text(f"DELETE FROM {TABLE} WHERE rowid IN (SELECT value FROM json_each(:keys))"),  # noqa: S608
            {"keys": json.dumps(some)},
        )


def search_words(
    connection: Connection, terms: Sequence[str], k: int, among: Sequence[int] | None
) -> Sequence[tuple[int, float]]:
    """See `WordsSql.search_words`; the score is BM25 (Robertson, 1994) over weighted columns."""
    # the plus keeps SQLite from looking each key up in the full text by itself
    only = "" if among is None else "AND +rowid IN (SELECT value FROM json_each(:keys))"
    statement = text(
        f"SELECT rowid, {_SCORE} AS score FROM {TABLE} "  # noqa: S608
        f"WHERE {TABLE} MATCH :terms {only} ORDER BY score DESC, rowid LIMIT :k"
    )
    values = {"terms": _any_of(terms), "k": k, "keys": json.dumps(among)}
    return [(row.rowid, row.score) for row in connection.execute(statement, values)]


def count_words(connection: Connection, term: str | None = None) -> int:
    """See `WordsSql.count_words`."""
    statement = f"SELECT count(*) FROM {TABLE}"  # noqa: S608
    if term is None:
        return int(connection.execute(text(statement)).scalar_one())
    matching = text(f"{statement} WHERE {TABLE} MATCH :term")
    return int(connection.execute(matching, {"term": _any_of([term])}).scalar_one())


def keys_holding(connection: Connection, groups: Sequence[Sequence[str]]) -> Sequence[int]:
    """See `WordsSql.keys_holding`."""
    if not groups:
        return connection.execute(text(f"SELECT rowid FROM {TABLE}")).scalars().all()  # noqa: S608
    matching = text(f"SELECT rowid FROM {TABLE} WHERE {TABLE} MATCH :terms")  # noqa: S608
    terms = " AND ".join(f"({_any_of(group)})" for group in groups)
    return connection.execute(matching, {"terms": terms}).scalars().all()


def _any_of(terms: Sequence[str]) -> str:
    """An FTS5 expression in which every term is a string: nothing in it can be syntax."""
    return " OR ".join('"' + term.replace('"', '""') + '"' for term in terms)
