"""The products in SQL. A batch costs a handful of statements, however many products it has."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain, repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, Row, Table, delete, func, select, update

from shopsearch.domain import Changes, Price, Product, ProductRecord, StoredProduct
from shopsearch.languages import ENGLISH, Language
from shopsearch.store.bulk import add_rows, replace_rows
from shopsearch.store.database import Database
from shopsearch.store.statements import askable, chunks
from shopsearch.store.tables import (
    CATALOG_REVISION,
    PRODUCT_ATTRIBUTES,
    PRODUCT_IMAGES,
    PRODUCTS,
    REMOVALS,
)
from shopsearch.store.word_rows import check_language, forget_words, write_words

BATCH_SIZE = 500  # products read at once where all are wanted

# the fields that are the same in a `Product` and in its row
PLAIN_FIELDS = (
    "title",
    "description",
    "brand",
    "product_type",
    "link",
    "availability",
    "color",
    "size",
    "material",
    "gender",
    "item_group_id",
    "gtin",
)


class SqlProductStore:
    """The `ProductStore` on SQLite or PostgreSQL."""

    def __init__(self, database: Database, language: Language = ENGLISH) -> None:
        self._database = database
        self._language = language

    def upsert(self, records: Sequence[ProductRecord]) -> NDArray[np.int64]:
        """See `ProductStore.upsert`; of an id that repeats, the last record counts.

        Raises `LanguageMismatch`.
        """
        by_id = {record.product.product_id: record for record in records}
        if not by_id:
            return np.empty(0, dtype=np.int64)
        with self._database.writing() as connection:
            keys = _write_products(connection, list(by_id.values()))
            _replace_parts(connection, {keys[id_]: record for id_, record in by_id.items()})
            check_language(connection, self._language)
            words = {keys[id_]: one.product for id_, one in by_id.items()}
            write_words(connection, words, self._language)
        return np.array([keys[record.product.product_id] for record in records], dtype=np.int64)

    def remove(self, product_ids: Sequence[str]) -> tuple[str, ...]:
        """See `ProductStore.remove`."""
        wanted = askable(product_ids)
        with self._database.writing() as connection:
            keys: dict[str, int] = {}
            for ids in chunks(wanted):
                found = select(PRODUCTS.c.product_id, PRODUCTS.c.key).where(
                    PRODUCTS.c.product_id.in_(ids)
                )
                keys.update((row.product_id, row.key) for row in connection.execute(found))
            removed = [id_ for id_ in wanted if id_ in keys]
            if removed:
                _record_removals(connection, {id_: keys[id_] for id_ in removed})
                for some in chunks([keys[id_] for id_ in removed]):
                    connection.execute(delete(PRODUCTS).where(PRODUCTS.c.key.in_(some)))
                forget_words(connection, [keys[id_] for id_ in removed])
        return tuple(removed)

    def fingerprints(self, product_ids: Sequence[str]) -> Mapping[str, str]:
        """See `ProductStore.fingerprints`."""
        return dict(self._of(PRODUCTS.c.fingerprint, product_ids))

    def keys(self, product_ids: Sequence[str]) -> Mapping[str, int]:
        """See `ProductStore.keys`."""
        return dict(self._of(PRODUCTS.c.key, product_ids))

    def _of(
        self, column: ColumnElement[Any], product_ids: Sequence[str]
    ) -> Iterator[tuple[str, Any]]:
        """What products have in one column, by their ids."""
        asked = select(PRODUCTS.c.product_id, column)
        with self._database.reading() as connection:
            for ids in chunks(askable(product_ids)):
                rows = connection.execute(asked.where(PRODUCTS.c.product_id.in_(ids)))
                yield from ((row[0], row[1]) for row in rows)

    def find(self, product_ids: Sequence[str]) -> Mapping[str, StoredProduct]:
        """See `ProductStore.find`."""
        wanted = askable(product_ids)
        with self._database.reading() as connection:
            found = _load(connection, (PRODUCTS.c.product_id.in_(ids) for ids in chunks(wanted)))
        return {stored.product.product_id: stored for stored in found}

    def fetch(self, keys: Sequence[int]) -> Mapping[int, StoredProduct]:
        """See `ProductStore.fetch`."""
        wanted = [int(key) for key in dict.fromkeys(keys)]
        with self._database.reading() as connection:
            found = _load(connection, (PRODUCTS.c.key.in_(some) for some in chunks(wanted)))
        return {stored.key: stored for stored in found}

    def changes_since(self, revision: int, limit: int) -> Changes:
        """See `ProductStore.changes_since`; each write has a revision of its own."""
        with self._database.reading() as connection:
            upserts = _next_writes(connection, PRODUCTS, revision, limit)
            removals = _next_writes(connection, REMOVALS, revision, limit)
            batch = sorted([*upserts, *removals])[:limit]
            last = batch[-1] if batch else revision
            keys = [key for at, key in upserts.items() if at <= last]
            products = _load(connection, (PRODUCTS.c.key.in_(some) for some in chunks(keys)))
        return Changes(
            upserted=sorted(products, key=lambda stored: stored.revision),
            removed=np.array([key for at, key in removals.items() if at <= last], dtype=np.int64),
            revision=last,
        )

    def removed_since(self, revision: int) -> NDArray[np.int64]:
        """See `ProductStore.removed_since`."""
        removed = select(REMOVALS.c.key).where(REMOVALS.c.revision > revision)
        with self._database.reading() as connection:
            return np.array(connection.scalars(removed).all(), dtype=np.int64)

    def revision(self) -> int:
        """See `ProductStore.revision`."""
        with self._database.reading() as connection:
            return int(connection.execute(select(CATALOG_REVISION.c.revision)).scalar_one())

    def count(self) -> int:
        """See `ProductStore.count`."""
        with self._database.reading() as connection:
            return connection.execute(select(func.count()).select_from(PRODUCTS)).scalar_one()


def lock_catalog(connection: Connection) -> None:
    """From here to its end, no other transaction writes to the catalog."""
    _reserve_revisions(connection, 0)


def all_stored(connection: Connection) -> Iterator[list[StoredProduct]]:
    """All products as they are stored, by key, in batches."""
    last = -1
    while True:
        following = select(PRODUCTS.c.key).where(PRODUCTS.c.key > last)
        keys = connection.scalars(following.order_by(PRODUCTS.c.key).limit(BATCH_SIZE)).all()
        if not keys:
            return
        loaded = _load(connection, [PRODUCTS.c.key.in_(keys)])
        yield sorted(loaded, key=lambda stored: stored.key)
        last = keys[-1]


def all_products(connection: Connection) -> Iterator[dict[int, Product]]:
    """All products by key, in batches."""
    for batch in all_stored(connection):
        yield {stored.key: stored.product for stored in batch}


def _reserve_revisions(connection: Connection, n: int) -> Iterator[int]:
    """The next n revisions. From here to its end, no other transaction writes to the catalog."""
    raised = (
        update(CATALOG_REVISION)
        .values(revision=CATALOG_REVISION.c.revision + n)
        .returning(CATALOG_REVISION.c.revision)
    )
    last: int = connection.execute(raised).scalar_one()
    return iter(range(last - n + 1, last + 1))


def _write_products(connection: Connection, records: Sequence[ProductRecord]) -> dict[str, int]:
    revisions = _reserve_revisions(connection, len(records))
    now = datetime.now(UTC)
    rows = [
        {**_product_row(record), "revision": revision, "created_at": now, "updated_at": now}
        for record, revision in zip(records, revisions, strict=True)
    ]
    written = replace_rows(
        connection,
        PRODUCTS,
        rows,
        unique=["product_id"],
        keep=["key", "created_at"],
        returning=["product_id", "key"],
    )
    return {row.product_id: row.key for row in written}


def _product_row(record: ProductRecord) -> dict[str, Any]:
    product = record.product
    row: dict[str, Any] = {name: getattr(product, name) for name in PLAIN_FIELDS}
    row["product_id"] = product.product_id
    row["fingerprint"] = record.fingerprint
    row["image_hash"] = record.image_hash
    row["price_minor"] = product.price.amount_minor if product.price else None
    row["currency"] = product.price.currency if product.price else None
    return row


def _replace_parts(connection: Connection, records: Mapping[int, ProductRecord]) -> None:
    for parts in (PRODUCT_IMAGES, PRODUCT_ATTRIBUTES):
        for keys in chunks(list(records)):
            connection.execute(delete(parts).where(parts.c.product_key.in_(keys)))
    images = [
        {"product_key": key, "position": position, "source": source, "content_hash": kept}
        for key, record in records.items()
        for position, (source, kept) in enumerate(_further(record))
    ]
    attributes = [
        {"product_key": key, "position": position, "name": name, "value": value}
        for key, record in records.items()
        for position, (name, value) in enumerate(record.product.attributes.items())
    ]
    add_rows(connection, PRODUCT_IMAGES, images)
    add_rows(connection, PRODUCT_ATTRIBUTES, attributes)


def _further(record: ProductRecord) -> Iterator[tuple[str, str | None]]:
    """Where each picture came from, and what a further one that is kept hashes to."""
    hashes = chain((None,), record.further_hashes, repeat(None))
    return zip(record.product.images, hashes, strict=False)


def _record_removals(connection: Connection, keys: Mapping[str, int]) -> None:
    revisions = _reserve_revisions(connection, len(keys))
    now = datetime.now(UTC)
    rows = [
        {"key": key, "product_id": id_, "revision": revision, "removed_at": now}
        for (id_, key), revision in zip(keys.items(), revisions, strict=True)
    ]
    connection.execute(REMOVALS.insert(), rows)


def _next_writes(
    connection: Connection, written: Table, revision: int, limit: int
) -> dict[int, int]:
    """Revision -> key of the next writes, oldest first."""
    statement = (
        select(written.c.revision, written.c.key)
        .where(written.c.revision > revision)
        .order_by(written.c.revision)
        .limit(limit)
    )
    return {row.revision: row.key for row in connection.execute(statement)}


def _load(connection: Connection, conditions: Iterable[ColumnElement[bool]]) -> list[StoredProduct]:
    loaded: list[StoredProduct] = []
    for condition in conditions:
        rows = connection.execute(select(PRODUCTS).where(condition)).all()
        keys = [row.key for row in rows]
        images: dict[int, list[str]] = defaultdict(list)
        further: dict[int, list[str | None]] = defaultdict(list)
        for part in _parts(connection, PRODUCT_IMAGES, keys):
            images[part.product_key].append(part.source)
            if part.position > 0:
                further[part.product_key].append(part.content_hash)
        attributes: dict[int, dict[str, str]] = defaultdict(dict)
        for part in _parts(connection, PRODUCT_ATTRIBUTES, keys):
            attributes[part.product_key][part.name] = part.value
        loaded += [
            _stored(
                row,
                tuple(images.get(row.key, ())),
                tuple(further.get(row.key, ())),
                attributes.get(row.key, {}),
            )
            for row in rows
        ]
    return loaded


def _parts(connection: Connection, parts: Table, keys: Sequence[int]) -> Sequence[Row[Any]]:
    if not keys:
        return ()
    statement = (
        select(parts)
        .where(parts.c.product_key.in_(keys))
        .order_by(parts.c.product_key, parts.c.position)
    )
    return connection.execute(statement).all()


def _stored(
    row: Row[Any],
    images: tuple[str, ...],
    further: tuple[str | None, ...],
    attributes: Mapping[str, str],
) -> StoredProduct:
    columns = row._mapping
    has_price = row.price_minor is not None and row.currency is not None
    product = Product(
        product_id=row.product_id,
        images=images,
        price=Price(row.price_minor, row.currency) if has_price else None,
        attributes=attributes,
        **{name: columns[name] for name in PLAIN_FIELDS},
    )
    while further and further[-1] is None:  # beyond the last one that is kept
        further = further[:-1]
    record = ProductRecord(product, row.fingerprint, row.image_hash, further)
    return StoredProduct(key=row.key, revision=row.revision, record=record)
