"""What every `WriteTimes` promises, beside a `ProductStore` that writes."""

from __future__ import annotations

import time

from shopsearch.domain import Product, ProductRecord
from shopsearch.store.sql import Database, SqlProductStore, SqlWriteTimes


def record(product_id: str, title: str = "x") -> ProductRecord:
    product = Product(product_id=product_id, title=title)
    return ProductRecord(product, fingerprint=f"{product_id} {title}", image_hash=None)


def test_an_empty_store_tells_of_no_writes(database: Database) -> None:
    writes = SqlWriteTimes(database).written_after(0)
    assert (len(writes.keys), len(writes.revisions), len(writes.created_s)) == (0, 0, 0)


def test_the_latest_write_counts_and_the_first_tells_when_a_product_came(
    database: Database,
) -> None:
    store, times = SqlProductStore(database), SqlWriteTimes(database)
    before = time.time()
    a, b, c = store.upsert([record("a"), record("b"), record("c")]).tolist()
    first = times.written_after(0)
    assert first.keys.tolist() == [a, b, c]
    assert all(before - 1 <= at <= time.time() + 1 for at in first.created_s)

    revision = store.revision()
    store.upsert([record("a", "anew"), record("d")])
    store.remove(["b"])
    later = times.written_after(revision)
    (d,) = store.upsert([record("d")]).tolist()
    assert later.keys.tolist() == [a, d]
    assert later.created_s[0] == first.created_s[0]
    assert later.created_s[1] > first.created_s[0]

    whole = times.written_after(0)
    assert whole.keys.tolist() == [c, a, d]
    stored = store.fetch(whole.keys.tolist())
    assert whole.revisions.tolist() == [stored[key].revision for key in whole.keys.tolist()]
    assert times.written_after(store.revision()).keys.tolist() == []
