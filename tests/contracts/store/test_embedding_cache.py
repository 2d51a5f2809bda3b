"""What every `EmbeddingCache` promises."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from sqlalchemy import update

from shopsearch.store import EmbeddingCache
from shopsearch.store.sql import Database, SqlEmbeddingCache
from shopsearch.store.tables import EMBEDDINGS


@pytest.fixture
def cache(database: Database) -> EmbeddingCache:
    return SqlEmbeddingCache(database)


def embeddings(*names: str, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=5).astype(np.float32) for name in names}


def test_an_embedding_comes_back_bit_by_bit(cache: EmbeddingCache) -> None:
    put = embeddings("a", "b")
    put["a"][:3] = [np.float32(1e-45), -0.0, np.finfo(np.float32).max]
    cache.put("encoder", put)
    got = cache.get("encoder", ["b", "a", "missing", "a"])
    assert set(got) == {"a", "b"}
    for name, vector in got.items():
        assert vector.dtype == np.float32
        assert vector.shape == (5,)
        assert vector.tobytes() == put[name].tobytes()


def test_encoders_do_not_see_each_others_embeddings(cache: EmbeddingCache) -> None:
    cache.put("one", embeddings("a", seed=1))
    cache.put("two", embeddings("a", "b", seed=2))
    np.testing.assert_array_equal(cache.get("one", ["a"])["a"], embeddings("a", seed=1)["a"])
    assert cache.get("one", ["b"]) == {}
    assert cache.get("three", ["a"]) == {}


def test_a_later_put_counts(cache: EmbeddingCache) -> None:
    cache.put("encoder", embeddings("a", "b", seed=1))
    cache.put("encoder", embeddings("a", seed=2))
    got = cache.get("encoder", ["a", "b"])
    np.testing.assert_array_equal(got["a"], embeddings("a", seed=2)["a"])
    np.testing.assert_array_equal(got["b"], embeddings("a", "b", seed=1)["b"])


def test_nothing_asked_is_nothing_done(cache: EmbeddingCache) -> None:
    cache.put("encoder", {})
    assert cache.get("encoder", []) == {}


def test_arrays_of_another_layout_are_kept_as_float32(cache: EmbeddingCache) -> None:
    wide = np.arange(10, dtype=np.float64)[::2]
    cache.put("encoder", {"a": wide})  # type: ignore[dict-item]
    np.testing.assert_array_equal(cache.get("encoder", ["a"])["a"], wide.astype(np.float32))


def test_thousands_are_kept_and_found_at_once(cache: EmbeddingCache) -> None:
    many = embeddings(*(f"{n:064d}" for n in range(5000)))
    cache.put("encoder", many)
    got = cache.get("encoder", list(many))
    assert set(got) == set(many)
    assert all(np.array_equal(got[name], many[name]) for name in many)


def test_a_row_that_is_damaged_counts_as_absent_and_can_be_put_again(
    cache: EmbeddingCache, database: Database
) -> None:
    cache.put("encoder", embeddings("a", "b"))
    with database.writing() as connection:
        damaged = update(EMBEDDINGS).where(EMBEDDINGS.c.content_hash == "a")
        connection.execute(damaged.values(vector=b"short"))
    assert set(cache.get("encoder", ["a", "b"])) == {"b"}
    cache.put("encoder", embeddings("a"))
    np.testing.assert_array_equal(cache.get("encoder", ["a"])["a"], embeddings("a")["a"])


def test_two_writers_of_the_same_contents_do_not_stop_each_other(database: Database) -> None:
    names = [f"{n}" for n in range(50)]
    errors: list[BaseException] = []

    def write(order: list[str]) -> None:
        try:
            for _ in range(10):
                SqlEmbeddingCache(database).put("encoder", embeddings(*order))
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            errors.append(error)

    writers = [threading.Thread(target=write, args=(order,)) for order in (names, names[::-1])]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert errors == []
    assert set(SqlEmbeddingCache(database).get("encoder", names)) == set(names)
