"""Search by words as only PostgreSQL spells it: tsvector and ts_rank."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, text

from shopsearch.languages import Language
from shopsearch.store.postgresql import unbound_statements
from shopsearch.store.words import COLUMNS, WEIGHTS

TABLE = "product_words"
MAKE_TABLE = (
    f"CREATE TABLE {TABLE} (product_key BIGINT CONSTRAINT pk_{TABLE} PRIMARY KEY "
    f"CONSTRAINT fk_{TABLE}_product_key_products REFERENCES products ON DELETE CASCADE, "
    "document TSVECTOR NOT NULL)",
    f"CREATE INDEX ix_{TABLE}_document ON {TABLE} USING gin (document)",
)

_COUNT = f"SELECT count(*) FROM {TABLE}"  # noqa: S608
_GAP = "0gap0"  # in every language a word without an ending
_LABELS = dict(zip(COLUMNS, "ABCCD", strict=True))  # PostgreSQL knows four weights
_BY_LABEL = dict(zip("ABCCD", WEIGHTS, strict=True))
_WEIGHTS = "{" + ", ".join(f"{_BY_LABEL[label] / max(WEIGHTS)}" for label in "DCBA") + "}"


def remake_table(connection: Connection, language: Language) -> None:  # noqa: ARG001 - the port's
    """See `WordsSql.remake_table`: there is a table for all languages."""
    unbound_statements(connection)
    connection.execute(text(f"DELETE FROM {TABLE}"))  # noqa: S608


def write_words(
    connection: Connection, rows: Sequence[Mapping[str, Any]], language: Language
) -> None:
    """See `WordsSql.write_words`."""
    columns = " || ".join(
        f"setweight(to_tsvector('{_configuration(language)}', :{name}), '{label}')"
        for name, label in _LABELS.items()
    )
    document = f"ts_delete({columns}, '{_GAP}')"
    statement = text(
        f"INSERT INTO {TABLE} (product_key, document) VALUES (:key, {document}) "  # noqa: S608
        "ON CONFLICT (product_key) DO UPDATE SET document = excluded.document"
    )
    connection.execute(statement, [{**row, **_prepared(row, language)} for row in rows])


def forget_words(connection: Connection, keys: Sequence[int]) -> None:
    """See `WordsSql.forget_words`."""
    statement = text(f"DELETE FROM {TABLE} WHERE product_key = ANY(:keys)")  # noqa: S608
    connection.execute(statement, {"keys": list(keys)})


def search_words(
    connection: Connection,
    terms: Sequence[str],
    k: int,
    among: Sequence[int] | None,
    language: Language,
) -> Sequence[tuple[int, float]]:
    """See `WordsSql.search_words`; the score is the sum of idf * ts_rank of the terms."""
    n_products = count_rows(connection)
    values: dict[str, Any] = {"k": k, "keys": among}
    ranks, queries = [], []
    for n, term in enumerate(terms):
        rarity = math.log(1 + n_products / (0.5 + count_words(connection, term, language)))
        values |= {f"t{n}": _without_accents(term, language), f"idf{n}": rarity}
        queries.append(_query(f":t{n}", language))
        ranks.append(f":idf{n} * ts_rank('{_WEIGHTS}', document, {queries[-1]}, 1)")
    only = "" if among is None else "AND product_key = ANY(:keys)"
    statement = text(
        f"SELECT product_key, {' + '.join(ranks)} AS score FROM {TABLE} "  # noqa: S608
        f"WHERE document @@ ({' || '.join(queries)}) {only} "
        "ORDER BY score DESC, product_key LIMIT :k"
    )
    return [(row.product_key, row.score) for row in connection.execute(statement, values)]


def count_words(connection: Connection, term: str, language: Language) -> int:
    """See `WordsSql.count_words`."""
    matching = text(f"{_COUNT} WHERE document @@ {_query(':term', language)}")
    found = connection.execute(matching, {"term": _without_accents(term, language)})
    return int(found.scalar_one())


def keys_holding(
    connection: Connection, groups: Sequence[Sequence[str]], language: Language
) -> Sequence[int]:
    """See `WordsSql.keys_holding`."""
    values: dict[str, str] = {}
    wanted: list[str] = []
    for group in groups:
        names = [f"t{len(values) + n}" for n in range(len(group))]
        told = (_without_accents(term, language) for term in group)
        values |= dict(zip(names, told, strict=True))
        wanted.append(" || ".join(_query(f":{name}", language) for name in names))
    where = " AND ".join(f"document @@ ({one})" for one in wanted) or "true"
    statement = text(f"SELECT product_key FROM {TABLE} WHERE {where}")  # noqa: S608
    return connection.execute(statement, values).scalars().all()


def count_rows(connection: Connection) -> int:
    """See `WordsSql.count_rows`."""
    return int(connection.execute(text(_COUNT)).scalar_one())


def _query(parameter: str, language: Language) -> str:
    return f"phraseto_tsquery('{_configuration(language)}', {parameter})"


def _configuration(language: Language) -> str:
    """The text search configuration of a language; its name is one of `languages.NAMES`."""
    return "simple" if language.name == "none" else language.name


def _prepared(row: Mapping[str, Any], language: Language) -> dict[str, str]:
    """A word before each column, to be deleted again, keeps the last word of one from standing
    beside the first of the next.
    """
    return {name: f"{_GAP} {_without_accents(row[name], language)}" for name in COLUMNS}


def _without_accents(words: str, language: Language) -> str:
    parts = re.split(f"([{language.letters}])", words) if language.letters else [words]
    return "".join(
        part if part and part in language.letters else _without_marks(part) for part in parts
    )


def _without_marks(words: str) -> str:
    apart = unicodedata.normalize("NFKD", words)
    return "".join(character for character in apart if not unicodedata.combining(character))
