"""Many products at once travel to PostgreSQL by COPY, and mean the same as one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from shopsearch.domain import Price, Product, ProductRecord
from shopsearch.errors import StoreError
from shopsearch.store.bulk import COPY_FROM
from shopsearch.store.sql import Database, SqlProductStore

AWKWARD = "tab\t new\nline \\N back\\slash \\. 'quote' \"ünï\" ☕"


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path) -> Iterator[SqlProductStore]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/catalog.db"
    else:
        empty: Callable[[], str] = request.getfixturevalue("empty_postgres")
        url = empty()
    database = Database(url)
    database.migrate()
    yield SqlProductStore(database)
    database.close()


def record(n: int, title: str = AWKWARD, **fields: object) -> ProductRecord:
    product = Product(
        product_id=f"p{n} {AWKWARD}",
        title=title,
        images=(f"{n}.png", f"{n} {AWKWARD}.png"),
        attributes={f"name {AWKWARD}": AWKWARD, "empty": ""},
        price=Price(n, "EUR") if n % 2 else None,
        **fields,
    )
    return ProductRecord(product, f"fingerprint {n}", None if n % 3 else "a" * 64, ("b" * 64,))


def test_what_is_written_together_is_read_as_it_was(store: SqlProductStore) -> None:
    records = [record(n) for n in range(2 * COPY_FROM)]
    keys = store.upsert(records)
    stored = store.fetch(keys.tolist())
    assert [stored[key].record for key in keys.tolist()] == records


def test_what_is_written_again_keeps_its_keys_and_is_replaced(store: SqlProductStore) -> None:
    first = store.upsert([record(n) for n in range(COPY_FROM)])
    again = [record(n, title="another") for n in range(COPY_FROM + 5)]
    keys = store.upsert(again)
    assert keys[:COPY_FROM].tolist() == first.tolist()
    stored = store.fetch(keys.tolist())
    assert [stored[key].record for key in keys.tolist()] == again
    assert store.count() == COPY_FROM + 5


@pytest.mark.parametrize("unstorable", ["nul \x00", "half \ud800"])
def test_what_no_database_takes_is_refused_and_nothing_of_it_is_there(
    store: SqlProductStore, unstorable: str
) -> None:
    store.upsert([record(n) for n in range(COPY_FROM)])
    bad = [record(n, title="another") for n in range(COPY_FROM)]
    bad[-1] = record(COPY_FROM - 1, title=unstorable)
    try:
        store.upsert(bad)
    except StoreError:
        titles = {
            one.product.title for one in store.find([r.product.product_id for r in bad]).values()
        }
        assert titles == {AWKWARD}
        assert store.count() == COPY_FROM
    else:
        assert unstorable == "nul \x00"  # SQLite keeps it
