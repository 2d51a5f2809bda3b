"""The store as a whole, in SQL: what checks, repairs and exports ask of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, delete, func, select, text, tuple_

from shopsearch.domain import StoredProduct
from shopsearch.errors import SchemaOutdated, StoreUnavailable
from shopsearch.store.base import KeptEmbedding
from shopsearch.store.database import Database
from shopsearch.store.products import all_stored
from shopsearch.store.schema import SchemaState
from shopsearch.store.statements import chunks
from shopsearch.store.tables import EMBEDDINGS, PRODUCT_IMAGES, PRODUCTS

MAX_FAULTS = 100  # of one kind; a file that is broken everywhere would tell thousands
EMBEDDINGS_BATCH = 1000
REMEDY = (
    "restore a backup with `shopsearch restore FILE --force`, or move the file away and index the "
    "feeds again"
)
PICTURES_BATCH = 5000

# how many rows break what always holds, and what that means
_CONTRADICTIONS = (
    (
        "SELECT count(*) FROM products WHERE revision > (SELECT revision FROM catalog_revision)",
        "products have a revision that was never given",
    ),
    (
        "SELECT count(*) FROM removals WHERE revision > (SELECT revision FROM catalog_revision)",
        "removals have a revision that was never given",
    ),
    (
        "SELECT count(*) FROM products p JOIN removals r ON r.key = p.key",
        "products have the key of a removed one",
    ),
    (
        "SELECT count(*) FROM product_images i LEFT JOIN products p ON p.key = i.product_key "
        "WHERE p.key IS NULL",
        "pictures belong to no product",
    ),
    (
        "SELECT count(*) FROM product_attributes a LEFT JOIN products p ON p.key = a.product_key "
        "WHERE p.key IS NULL",
        "attributes belong to no product",
    ),
)


class SqlUpkeep:
    """The `StoreUpkeep` on SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def faults(self) -> Iterator[str]:
        """See `StoreUpkeep.faults`."""
        status = self._database.schema_status()
        if status.state is not SchemaState.CURRENT:
            raise SchemaOutdated(
                f"the tables in {self._database} have schema {status.found}, this version has "
                f"{status.expected}: run `shopsearch index FEED`, which makes or updates them"
            )
        with self._database.reading() as connection:
            if connection.dialect.name == "sqlite":
                yield from _sqlite_faults(connection, str(self._database))
            else:
                yield from _postgresql_faults(connection)
            for question, meaning in _CONTRADICTIONS:
                if n := connection.execute(text(question)).scalar_one():
                    yield f"{n} {meaning}"
            if connection.execute(text("SELECT count(*) FROM catalog_revision")).scalar_one() != 1:
                yield "the catalog's revision is not in one row"

    def products(self) -> Iterator[Sequence[StoredProduct]]:
        """See `StoreUpkeep.products`."""
        with self._database.reading() as connection:
            yield from all_stored(connection)

    def pictures(self) -> Iterator[tuple[str, str]]:
        """See `StoreUpkeep.pictures`."""
        main = select(PRODUCTS.c.image_hash.label("content_hash"), PRODUCTS.c.product_id)
        further = select(PRODUCT_IMAGES.c.content_hash, PRODUCTS.c.product_id).join_from(
            PRODUCT_IMAGES, PRODUCTS, PRODUCT_IMAGES.c.product_key == PRODUCTS.c.key
        )
        kept = main.union_all(further.where(PRODUCT_IMAGES.c.content_hash.is_not(None))).subquery()
        column = kept.c.content_hash
        asked = (
            select(column, func.min(kept.c.product_id))
            .where(column.is_not(None))
            .group_by(column)
            .order_by(column)
        )
        with self._database.reading() as connection:
            rows = connection.execute(asked, execution_options={"yield_per": PICTURES_BATCH})
            yield from ((row[0], row[1]) for row in rows)

    def embeddings(self) -> Iterator[Sequence[KeptEmbedding]]:
        """See `StoreUpkeep.embeddings`."""
        columns = EMBEDDINGS.c
        last = ("", "")
        while True:
            following = (
                select(columns.encoder_id, columns.content_hash, columns.dimension, columns.vector)
                .where(tuple_(columns.encoder_id, columns.content_hash) > last)
                .order_by(columns.encoder_id, columns.content_hash)
                .limit(EMBEDDINGS_BATCH)
            )
            with self._database.reading() as connection:
                rows = [KeptEmbedding(*row) for row in connection.execute(following)]
            if not rows:
                return
            yield rows
            last = (rows[-1].encoder_id, rows[-1].content_hash)

    def forget(self, encoder_id: str, content_hashes: Sequence[str]) -> int:
        """See `StoreUpkeep.forget`."""
        n = 0
        with self._database.writing() as connection:
            for hashes in chunks(list(dict.fromkeys(content_hashes))):
                forgotten = delete(EMBEDDINGS).where(
                    EMBEDDINGS.c.encoder_id == encoder_id, EMBEDDINGS.c.content_hash.in_(hashes)
                )
                n += connection.execute(forgotten).rowcount
        return n


def _sqlite_faults(connection: Connection, database: str) -> Iterator[str]:
    n_broken = 0
    for (told,) in connection.exec_driver_sql(f"PRAGMA integrity_check({MAX_FAULTS})"):
        if told != "ok":
            n_broken += 1
            yield f"SQLite: {' '.join(str(told).split())}"
    if n_broken:
        raise StoreUnavailable(f"the file of {database} is damaged: {REMEDY}")
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(MAX_FAULTS)
    for table, row, parent, _ in broken:
        yield f"row {row} of {table} refers to a row of {parent} that is not there"


def _postgresql_faults(connection: Connection) -> Iterator[str]:
    """PostgreSQL holds its constraints by itself, unless somebody took them away or let them be."""
    from shopsearch.store.tables import Base

    names = text("SELECT conname, convalidated FROM pg_constraint")
    validated = {row.conname: row.convalidated for row in connection.execute(names)}
    for table in Base.metadata.sorted_tables:
        for constraint in table.constraints:
            name = str(constraint.name)
            if name not in validated:  # one migration gave a name that was then given its prefix
                name = f"ck_{table.name}_{constraint.name}"
            if name not in validated:
                yield f"the constraint {constraint.name} of {table.name} is not there"
            elif not validated[name]:
                yield f"the constraint {name} of {table.name} was never checked"
