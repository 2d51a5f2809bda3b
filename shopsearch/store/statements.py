"""SQL that both databases understand, but that SQLAlchemy spells for each of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

T = TypeVar("T")
Insert = postgresql.Insert | sqlite.Insert

# under the 999 variables that the oldest SQLite allows in one statement
IDS_PER_STATEMENT = 900

# no database keeps these: the null character, and halves of a character pair
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def insert_into(connection: Connection, target: Table) -> Insert:
    """An insert that knows ON CONFLICT; the databases spell it alike."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(target)
    return postgresql.insert(target)


def insert_or_replace(
    connection: Connection, target: Table, *, unique: Sequence[str], keep: Sequence[str] = ()
) -> Insert:
    """An insert that replaces the row with the same `unique` columns, but for what `keep` names."""
    statement = insert_into(connection, target)
    replaced = {
        column.name: statement.excluded[column.name]
        for column in target.columns
        if column.name not in {*unique, *keep}
    }
    return statement.on_conflict_do_update(index_elements=list(unique), set_=replaced)


def insert_or_skip(connection: Connection, target: Table) -> Insert:
    """An insert that leaves rows alone that are there already."""
    return insert_into(connection, target).on_conflict_do_nothing()


def chunks(values: Sequence[T], size: int = IDS_PER_STATEMENT) -> Iterator[list[T]]:
    """The values in runs that fit into one statement."""
    iterator = iter(values)
    while chunk := list(islice(iterator, size)):
        yield chunk


def askable(ids: Iterable[str]) -> list[str]:
    """Each id once, without those that no product can have and a database would stumble over."""
    return [id_ for id_ in dict.fromkeys(ids) if not _UNSTORABLE.search(id_)]
