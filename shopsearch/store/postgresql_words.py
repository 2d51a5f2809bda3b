"""Search by words as only PostgreSQL spells it: tsvector and ts_rank."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, text

from shopsearch.store.words import COLUMNS, WEIGHTS

TABLE = "product_words"
MAKE_TABLE = (
    f"CREATE TABLE {TABLE} (product_key BIGINT CONSTRAINT pk_{TABLE} PRIMARY KEY "
    f"CONSTRAINT fk_{TABLE}_product_key_products REFERENCES products ON DELETE CASCADE, "
    "document TSVECTOR NOT NULL)",
    f"CREATE INDEX ix_{TABLE}_document ON {TABLE} USING gin (document)",
)

_LABELS = dict(zip(COLUMNS, "ABCCD", strict=True))  # PostgreSQL knows four weights
_BY_LABEL = dict(zip("ABCCD", WEIGHTS, strict=True))
_WEIGHTS = "{" + ", ".join(f"{_BY_LABEL[label] / max(WEIGHTS)}" for label in "DCBA") + "}"


def write_words(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """See `WordsSql.write_words`."""
    document = " || ".join(
        f"setweight(to_tsvector('english', :{name}), '{label}')" for name, label in _LABELS.items()
    )
    statement = text(
        f"INSERT INTO {TABLE} (product_key, document) VALUES (:key, {document}) "  # noqa: S608
        "ON CONFLICT (product_key) DO UPDATE SET document = excluded.document"
    )
    connection.execute(statement, [{**row, **_prepared(row)} for row in rows])


def forget_words(connection: Connection, keys: Sequence[int]) -> None:
    """See `WordsSql.forget_words`."""
    statement = text(f"DELETE FROM {TABLE} WHERE product_key = ANY(:keys)")  # noqa: S608
    connection.execute(statement, {"keys": list(keys)})


def search_words(
    connection: Connection, terms: Sequence[str], k: int, among: Sequence[int] | None
) -> Sequence[tuple[int, float]]:
    """See `WordsSql.search_words`; the score is the sum of idf * ts_rank of the terms."""
    n_products = count_words(connection)
    values: dict[str, Any] = {"k": k, "keys": among}
    ranks, queries = [], []
    for n, term in enumerate(terms):
        rarity = math.log(1 + n_products / (0.5 + count_words(connection, term)))
        values |= {f"t{n}": _without_accents(term), f"idf{n}": rarity}
        queries.append(_QUERY.format(f":t{n}"))
        ranks.append(f":idf{n} * ts_rank('{_WEIGHTS}', document, {queries[-1]}, 1)")
    only = "" if among is None else "AND product_key = ANY(:keys)"
    statement = text(
        f"SELECT product_key, {' + '.join(ranks)} AS score FROM {TABLE} "  # noqa: S608
        f"WHERE document @@ ({' || '.join(queries)}) {only} "
        "ORDER BY score DESC, product_key LIMIT :k"
    )
    return [(row.product_key, row.score) for row in connection.execute(statement, values)]


def count_words(connection: Connection, term: str | None = None) -> int:
    """See `WordsSql.count_words`."""
    statement = f"SELECT count(*) FROM {TABLE}"  # noqa: S608
    if term is None:
        return int(connection.execute(text(statement)).scalar_one())
    matching = text(f"{statement} WHERE document @@ {_QUERY.format(':term')}")
    return int(connection.execute(matching, {"term": _without_accents(term)}).scalar_one())


def keys_holding(connection: Connection, groups: Sequence[Sequence[str]]) -> Sequence[int]:
    """See `WordsSql.keys_holding`."""
    values: dict[str, str] = {}
    wanted: list[str] = []
    for group in groups:
        names = [f"t{len(values) + n}" for n in range(len(group))]
        values |= {name: _without_accents(term) for name, term in zip(names, group, strict=True)}
        wanted.append(f"document @@ ({' || '.join(_QUERY.format(f':{name}') for name in names)})")
    where = " AND ".join(wanted) or "true"
    statement = text(f"SELECT product_key FROM {TABLE} WHERE {where}")  # noqa: S608
    return connection.execute(statement, values).scalars().all()


_QUERY = "phraseto_tsquery('english', {})"


def _prepared(row: Mapping[str, Any]) -> dict[str, str]:
    """A stop word before each column keeps the last word of one from standing beside the next."""
    return {name: f"the {_without_accents(row[name])}" for name in COLUMNS}


def _without_accents(words: str) -> str:
    apart = unicodedata.normalize("NFKD", words)
    return "".join(character for character in apart if not unicodedata.combining(character))
