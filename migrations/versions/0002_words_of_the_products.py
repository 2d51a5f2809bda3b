"""The words of the products, to be searched: FTS5 in SQLite, a tsvector in PostgreSQL.

The table is derived from the products, so it is filled by the code that keeps it from now on. A
later change of its columns drops it, makes it anew and fills it again in a migration of its own.

Revision: 0002, after 0001.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import sqlalchemy as sa
from alembic import context, op

from shopsearch.domain import Product
from shopsearch.store.word_rows import words_sql, write_words

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BATCH_SIZE = 500
FIELDS = ("product_id", "title", "description", "brand", "product_type", "gtin")
FIELDS += ("color", "size", "material", "gender")


def upgrade() -> None:
    for statement in words_sql(op.get_context().dialect).MAKE_TABLE:
        op.execute(statement)
    if context.is_offline_mode():
        return  # a script for new databases: there is no product yet
    for batch in products(op.get_bind()):
        write_words(op.get_bind(), batch)


def downgrade() -> None:
    op.execute("DROP TABLE product_words")


def products(connection: sa.Connection) -> Iterator[dict[int, Product]]:
    """What 0001 holds of the products, in batches by key; later columns are not looked at."""
    rows = sa.text(
        f"SELECT key, {', '.join(FIELDS)} FROM products "  # noqa: S608
        "WHERE key > :last ORDER BY key LIMIT :n"
    )
    last = -1
    while found := connection.execute(rows, {"last": last, "n": BATCH_SIZE}).all():
        attributes = attributes_between(connection, found[0].key, found[-1].key)
        yield {
            row.key: Product(
                **{name: getattr(row, name) for name in FIELDS}, attributes=attributes[row.key]
            )
            for row in found
        }
        last = found[-1].key


def attributes_between(
    connection: sa.Connection, first: int, last: int
) -> defaultdict[int, dict[str, str]]:
    found: defaultdict[int, dict[str, str]] = defaultdict(dict)
    statement = sa.text(
        "SELECT product_key, name, value FROM product_attributes "
        "WHERE product_key BETWEEN :first AND :last ORDER BY product_key, position"
    )
    for row in connection.execute(statement, {"first": first, "last": last}):
        found[row.product_key][row.name] = row.value
    return found
