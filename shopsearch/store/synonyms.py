"""The synonyms of a shop in SQL."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, select

from shopsearch.store.database import Database
from shopsearch.store.statements import insert_into, insert_or_skip
from shopsearch.store.tables import LIST_REVISIONS, SYNONYMS

_LIST = "synonyms"


class SqlSynonymStore:
    """The `SynonymStore` on SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, rule: str) -> bool:
        """See `SynonymStore.add`."""
        with self._database.writing() as connection:
            new = insert_or_skip(connection, SYNONYMS).values(rule=rule).returning(SYNONYMS.c.id)
            return _noted(connection, len(connection.execute(new).all()))

    def remove(self, rule: str) -> bool:
        """See `SynonymStore.remove`."""
        with self._database.writing() as connection:
            taken = connection.execute(delete(SYNONYMS).where(SYNONYMS.c.rule == rule))
            return _noted(connection, taken.rowcount)

    def rules(self) -> Sequence[str]:
        """See `SynonymStore.rules`."""
        with self._database.reading() as connection:
            return connection.scalars(select(SYNONYMS.c.rule).order_by(SYNONYMS.c.id)).all()

    def revision(self) -> int:
        """See `SynonymStore.revision`."""
        asked = select(LIST_REVISIONS.c.revision).where(LIST_REVISIONS.c.name == _LIST)
        with self._database.reading() as connection:
            return int(connection.execute(asked).scalar() or 0)


def _noted(connection: Connection, n_changed: int) -> bool:
    """Whether anything changed; if so, the list has another revision from here on."""
    if n_changed:
        first = insert_into(connection, LIST_REVISIONS).values(name=_LIST, revision=1)
        raised = first.on_conflict_do_update(
            index_elements=["name"], set_={"revision": LIST_REVISIONS.c.revision + 1}
        )
        connection.execute(raised)
    return bool(n_changed)
