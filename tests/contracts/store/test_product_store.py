"""What every `ProductStore` promises, against dictionaries."""

from __future__ import annotations

import threading
from collections.abc import Callable
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from shopsearch.domain import Price, Product, ProductRecord
from shopsearch.errors import StoreError
from shopsearch.store import ProductStore
from shopsearch.store.sql import Database, SqlProductStore


@pytest.fixture
def store(database: Database) -> ProductStore:
    return SqlProductStore(database)


def record(product_id: str, title: str = "", **fields: object) -> ProductRecord:
    product = Product(product_id=product_id, title=title, **fields)  # type: ignore[arg-type]
    return ProductRecord(product, fingerprint=f"print of {product_id} {title}", image_hash=None)


FULL = ProductRecord(
    Product(
        product_id="sku-1",
        title="Größe 42: “blue” mug 🫖",
        description="Two\nlines, 100 % 'quoted'",
        brand="Ö",
        product_type="home > kitchen > mugs",
        images=("/pictures/2.jpg", "https://example.org/1.jpg?a=b", "/pictures/2.jpg"),
        link="https://example.org/mug",
        price=Price.of(Decimal("1234567890.99"), "eur"),
        availability="in stock",
        color="blue",
        size="L",
        material="clay",
        gender="unisex",
        item_group_id="g",
        gtin="0123456789012",
        attributes={"zeta": "1", "alpha": "ü", "mid": ""},
    ),
    fingerprint="f" * 64,
    image_hash="a" * 64,
    further_hashes=(None, "b" * 64),  # a first one that is not kept
)


def test_a_product_comes_back_as_it_went_in(store: ProductStore) -> None:
    (key,) = store.upsert([FULL]).tolist()
    by_id, by_key = store.find(["sku-1"]), store.fetch([key])
    assert by_id["sku-1"] == by_key[key]
    assert by_id["sku-1"].record == FULL
    assert list(by_id["sku-1"].product.attributes) == ["zeta", "alpha", "mid"]
    assert by_id["sku-1"].product is by_id["sku-1"].record.product


def test_a_product_of_nothing_but_an_id_comes_back_too(store: ProductStore) -> None:
    store.upsert([record("bare"), record("free", price=Price(0, "JPY"))])
    found = store.find(["bare", "free"])
    assert found["bare"].record == record("bare")
    assert found["free"].product.price == Price(0, "JPY")


def test_an_upsert_replaces_every_part_and_keeps_the_key(store: ProductStore) -> None:
    (first,) = store.upsert([FULL]).tolist()
    (second,) = store.upsert([record("sku-1", "plain", attributes={"alpha": "new"})]).tolist()
    assert first == second
    assert store.find(["sku-1"])["sku-1"].record == record(
        "sku-1", "plain", attributes={"alpha": "new"}
    )
    assert store.count() == 1


def test_keys_come_in_the_order_given_and_of_a_repeated_id_the_last_record_counts(
    store: ProductStore,
) -> None:
    (b,) = store.upsert([record("b")]).tolist()
    keys = store.upsert([record("c"), record("b", "1"), record("a"), record("b", "2")])
    assert keys.dtype == np.int64
    assert keys[1] == keys[3] == b
    found = store.fetch(keys.tolist())
    assert [found[key].product.product_id for key in keys.tolist()] == ["c", "b", "a", "b"]
    assert found[b].product.title == "2"
    assert store.count() == 3


def test_ids_differ_by_case_and_may_hold_anything(store: ProductStore) -> None:
    ids = ["A", "a", "ä", " a", "x" * 128, "'; DROP TABLE products; --", "%", "日本"]
    store.upsert([record(id_, id_) for id_ in ids])
    assert {id_: stored.product.title for id_, stored in store.find(ids).items()} == dict(
        zip(ids, ids, strict=True)
    )


def test_what_is_not_there_is_absent(store: ProductStore) -> None:
    (key,) = store.upsert([record("a")]).tolist()
    assert set(store.find(["a", "b"])) == {"a"}
    assert set(store.fetch([key, key + 1])) == {key}
    assert store.fingerprints(["a", "b"]) == {"a": "print of a "}
    assert store.keys(["a", "b"]) == {"a": key}


@pytest.mark.parametrize("id_", ["a\x00b", "half \ud83d", "\udcff", "", "x" * 10_000])
def test_an_id_that_no_product_can_have_is_absent_too(store: ProductStore, id_: str) -> None:
    store.upsert([record("a")])
    assert set(store.find(["a", id_])) == {"a"}
    assert set(store.fingerprints(["a", id_])) == {"a"}
    assert set(store.keys(["a", id_])) == {"a"}
    assert store.remove([id_, "a"]) == ("a",)


def test_half_a_character_is_refused_by_a_named_error(store: ProductStore) -> None:
    with pytest.raises(StoreError, match="refuses what should be written"):
        store.upsert([record("a"), record("b", "\ud83d")])
    assert store.count() == 0


def test_nothing_asked_is_nothing_done(store: ProductStore) -> None:
    assert store.upsert([]).tolist() == []
    assert store.upsert([]).dtype == np.int64
    assert store.remove([]) == ()
    assert store.find([]) == {}
    assert store.fetch([]) == {}
    assert store.fingerprints([]) == {}
    assert store.keys([]) == {}
    assert store.count() == 0
    assert store.revision() == 0


def test_numpy_keys_are_understood(store: ProductStore) -> None:
    keys = store.upsert([record("a"), record("b")])
    assert set(store.fetch(keys)) == set(keys.tolist())  # type: ignore[arg-type]


def test_remove_names_what_was_there_in_the_order_given(store: ProductStore) -> None:
    store.upsert([record("a", images=("x",), attributes={"n": "v"}), record("b"), record("c")])
    assert store.remove(["c", "nobody", "a", "c"]) == ("c", "a")
    assert store.remove(["a"]) == ()
    assert set(store.find(["a", "b", "c"])) == {"b"}
    assert store.count() == 1


def test_a_product_that_returns_gets_a_new_key_that_was_never_given(store: ProductStore) -> None:
    old = store.upsert([record("a"), record("b")]).tolist()
    store.remove(["a", "b"])  # the highest keys of the table
    (new,) = store.upsert([record("b", attributes={"n": "v"})]).tolist()
    assert new > max(old)
    changes = store.changes_since(0, 10)
    assert sorted(changes.removed.tolist()) == sorted(old)
    assert [one.key for one in changes.upserted] == [new]


def test_every_write_raises_the_revision(store: ProductStore) -> None:
    seen = [store.revision()]
    for write in (
        lambda: store.upsert([record("a"), record("b")]),
        lambda: store.upsert([record("a")]),
        lambda: store.remove(["b"]),
    ):
        write()
        seen.append(store.revision())
    assert seen == sorted(set(seen))
    assert store.find(["a"])["a"].revision <= seen[-1]
    store.remove(["nobody"])
    store.upsert([])
    assert store.revision() == seen[-1] == store.changes_since(0, 10).revision


def test_what_was_removed_since_is_told_by_key(store: ProductStore) -> None:
    a, b, _ = store.upsert([record("a"), record("b"), record("c")]).tolist()
    store.remove(["a"])
    between = store.revision()
    store.upsert([record("a")])  # as another product
    store.remove(["b"])
    assert sorted(store.removed_since(0).tolist()) == [a, b]
    assert store.removed_since(between).tolist() == [b]
    assert store.removed_since(store.revision()).tolist() == []


def test_changes_come_oldest_first_and_end_where_nothing_is_left(store: ProductStore) -> None:
    a, b, c = store.upsert([record("a"), record("b"), record("c")]).tolist()
    store.upsert([record("a", "again")])
    store.remove(["b"])
    changes = store.changes_since(0, 100)
    assert [one.key for one in changes.upserted] == [c, a]
    assert changes.removed.tolist() == [b]
    assert changes.removed.dtype == np.int64
    assert changes.revision == store.revision()
    rest = store.changes_since(changes.revision, 100)
    assert (list(rest.upserted), rest.removed.tolist()) == ([], [])
    assert rest.revision == changes.revision


WRITES = st.lists(
    st.tuples(
        st.sampled_from(["upsert", "upsert", "remove", "read"]),
        st.lists(st.sampled_from("abcdef"), min_size=1, max_size=5),
        st.integers(1, 4),
    ),
    max_size=12,
)


@settings(
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(writes=WRITES)
def test_whoever_follows_the_changes_in_batches_of_any_size_ends_with_the_same_products(
    new_database: Callable[[], Database], writes: list[tuple[str, list[str], int]]
) -> None:
    store = SqlProductStore(new_database())
    truth: dict[str, str] = {}
    followed: dict[int, tuple[str, str]] = {}
    revision = 0

    def follow(limit: int) -> bool:
        nonlocal revision
        changes = store.changes_since(revision, limit)
        assert len(changes.upserted) + len(changes.removed) <= limit
        for one in changes.upserted:
            assert revision < one.revision <= changes.revision
            followed[one.key] = (one.product.product_id, one.product.title)
        for key in changes.removed.tolist():
            followed.pop(key, None)
        moved, revision = changes.revision != revision, changes.revision
        return moved

    for place, (verb, ids, limit) in enumerate(writes):
        if verb == "upsert":
            store.upsert([record(id_, f"{place}") for id_ in ids])
            truth |= dict.fromkeys(ids, f"{place}")
        elif verb == "remove":
            assert set(store.remove(ids)) == set(ids) & set(truth)
            truth = {id_: title for id_, title in truth.items() if id_ not in ids}
        else:
            follow(limit)
    while follow(2):
        pass
    assert sorted(followed.values()) == sorted(truth.items())
    assert store.count() == len(truth)


def test_two_writers_at_once_never_share_a_revision_nor_hide_one(
    database_url: Callable[[], str],
) -> None:
    url = database_url()
    errors: list[BaseException] = []
    done = threading.Event()

    def write(name: str) -> None:
        database = Database(url)
        try:
            for n in range(15):
                SqlProductStore(database).upsert(
                    [record(f"{name}{n}"), record("shared", f"{name}{n}")]
                )
                if n % 5 == 4:
                    SqlProductStore(database).remove([f"{name}{n}"])
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            errors.append(error)
        finally:
            database.close()

    writers = [threading.Thread(target=write, args=(name,)) for name in "pq"]
    for writer in writers:
        writer.start()
    reader = Database(url)
    store, revision = SqlProductStore(reader), 0
    followed: dict[int, str] = {}
    revisions: list[int] = []
    while True:
        finished = done.is_set()
        changes = store.changes_since(revision, 3)
        revisions += [one.revision for one in changes.upserted]
        followed |= {one.key: one.product.product_id for one in changes.upserted}
        for key in changes.removed.tolist():
            followed.pop(key, None)
        if finished and changes.revision == revision:
            break
        revision = changes.revision
        if not any(writer.is_alive() for writer in writers):
            done.set()
    kept = [f"{name}{n}" for name in "pq" for n in range(15) if n % 5 != 4]
    assert errors == []
    assert sorted(followed.values()) == sorted([*kept, "shared"])
    assert len(revisions) == len(set(revisions))
    assert store.revision() == 2 * (15 * 2 + 3)
    reader.close()


def test_a_batch_is_written_as_a_whole_or_not_at_all(
    store: ProductStore, database: Database
) -> None:
    store.upsert([record("a", "before")])
    half = [record("a", "after"), record("b"), record("c", attributes={None: "v"})]  # type: ignore[dict-item]
    with pytest.raises(Exception, match=r"(?i)null"):
        store.upsert(half)
    assert store.count() == 1
    assert store.find(["a"])["a"].product.title == "before"
    assert store.revision() == 1


def test_thousands_of_products_cost_a_few_statements(
    store: ProductStore, database: Database
) -> None:
    n = 3000
    records = [
        record(f"id-{place}", images=("a", "b"), attributes={"x": "1", "y": "2"})
        for place in range(n)
    ]
    statements: list[str] = []

    @event.listens_for(database._engine, "before_cursor_execute")
    def count(_c: object, _u: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    keys = store.upsert(records).tolist()
    ids = [f"id-{place}" for place in range(n)]
    assert [stored.record for stored in store.fetch(keys).values()] == records
    assert set(store.find(ids)) == set(ids)
    assert len(store.changes_since(0, n).upserted) == n
    assert len(store.remove(ids)) == n
    assert len(statements) < 120


def test_both_databases_are_held_to_these_contracts(
    database: Database, request: pytest.FixtureRequest
) -> None:
    with database.reading() as connection:
        assert connection.dialect.name == request.node.callspec.params["database_url"]
