"""How Alembic reaches the database: by a caller's connection, or by a URL.

The settings live in a layer above, so the one variable that matters here is read directly.
"""

from __future__ import annotations

import os

from alembic import context
from sqlalchemy import Connection

from shopsearch.store.database import Database
from shopsearch.store.tables import Base

DEFAULT_URL = "sqlite:///.shopsearch/catalog.db"


def database_url() -> str:
    given = context.get_x_argument(as_dictionary=True).get("url")
    return given or os.environ.get("SHOPSEARCH_DATABASE_URL") or DEFAULT_URL


def migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        # SQLite cannot alter most of a table in place: Alembic makes it anew ("batch")
        render_as_batch=True,
        include_name=has_model,
    )
    with context.begin_transaction():
        context.run_migrations()


def has_model(name: str | None, kind: str, _parents: object) -> bool:
    """The words, and the tables that FTS5 keeps them in, have no model: see migration 0002."""
    return kind != "table" or name is None or not name.startswith("product_words")


def write_script() -> None:
    context.configure(url=database_url(), target_metadata=Base.metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


callers_connection = context.config.attributes.get("connection")
if callers_connection is not None:
    migrate(callers_connection)
elif context.is_offline_mode():
    write_script()
else:
    database = Database(database_url())
    with database.migrating() as own_connection:
        migrate(own_connection)
    database.close()
