"""What comes of a Milvus that finds less than there is: a server that is still indexing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from shopsearch.index import milvus_rows
from shopsearch.index.milvus_rows import (
    FLUSHED_FROM,
    LOOKED_EVERY_S,
    STUCK_AFTER_S,
    Hits,
    MilvusRows,
)
from shopsearch.index.milvus_search import NARROW, MilvusSearch

DIMENSION = 8


class Forgetful:
    """Rows of which a search sees every other one, as an index does that looks into a part, or all,
    as milvus-lite does.
    """

    kind = "hnsw"

    def __init__(self, vectors: NDArray[np.float32], *, finds_all: bool) -> None:
        self.vectors = vectors
        self.finds_all = finds_all
        self.asked: list[int] = []

    def search(
        self, queries: NDArray[np.float32], limit: int, expression: str, *, strongly: bool = False
    ) -> list[Hits]:
        self.asked.append(limit)
        seen = np.arange(0, len(self.vectors), 1 if self.finds_all else 2)
        found = []
        for query in queries:
            scores = self.vectors[seen] @ query
            order = np.argsort(-scores)[:limit]
            found.append(Hits(seen[order], scores[order]))
        return found


class Known:
    """The vectors at positions."""

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        self.vectors = vectors

    def vectors_at(self, positions: NDArray[np.int64]) -> NDArray[np.float32]:
        return self.vectors[positions]


def unit(n: int) -> NDArray[np.float32]:
    vectors = np.random.default_rng(3).normal(size=(n, DIMENSION)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def nearest(
    n: int, k: int, *, finds_all: bool = False
) -> tuple[NDArray[np.int64], NDArray[np.int64], Forgetful]:
    """Keys found, keys that should be, and who was asked."""
    vectors = unit(n)
    rows = Forgetful(vectors, finds_all=finds_all)
    keys = np.arange(n, dtype=np.int64) + 100
    search = MilvusSearch(
        Known(vectors),
        cast("MilvusRows", rows),
        keys=keys,
        numbers=np.arange(n, dtype=np.int64),
        mask=np.ones(n, dtype=np.bool_),
        expression="",
    )
    query = unit(n + 1)[-1:]
    found = next(search.nearest(query, k))[0]
    return found, keys[np.argsort(-(vectors @ query[0]), kind="stable")[:k]], rows


@pytest.mark.parametrize("n", [11, 300, NARROW])
def test_where_few_match_all_are_asked_for_and_what_is_not_found_is_compared(n: int) -> None:
    found, right, rows = nearest(n, 10)
    assert found.tolist() == right.tolist()
    assert min(rows.asked) >= n


def test_where_many_match_no_more_are_asked_for_than_are_wanted() -> None:
    _, _, rows = nearest(NARROW + 1, 10)
    assert rows.asked == [26]


def test_where_none_is_missed_no_more_are_asked_for_than_are_wanted_of_few_either() -> None:
    found, right, rows = nearest(300, 10, finds_all=True)
    assert found.tolist() == right.tolist()
    assert rows.asked == [26]


class Indexing:
    """A server that has so much left to index each time it is asked."""

    def __init__(self, left: Iterator[int]) -> None:
        self.left = left
        self.calls: list[str] = []

    def write(self, call: Any, collection: str = "") -> Any:
        return call(self, 3.0)

    def flush(self, collection: str, timeout: float) -> None:
        self.calls.append("flush")

    def describe_index(self, collection: str, name: str, timeout: float) -> dict[str, int]:
        self.calls.append("describe")
        n_left = next(self.left)
        told = {"pending_index_rows": 75_000, "total_rows": 100_000}
        return {**told, "indexed_rows": 100_000 - n_left}


class Clock:
    """Time that passes while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def settled(left: Iterator[int], n_written: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(milvus_rows, "time", Clock())
    server = Indexing(left)
    rows = MilvusRows(cast("Any", server), "c", "hnsw")
    rows._n_written = n_written
    rows.settle()
    return server.calls


def test_a_large_run_ends_once_all_of_it_is_indexed(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = settled(iter([70_000, 20_000, 0]), FLUSHED_FROM, monkeypatch)
    assert calls == ["flush", "describe", "describe", "describe"]


def test_a_small_run_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settled(iter([5]), FLUSHED_FROM - 1, monkeypatch) == []


def test_it_waits_while_some_is_indexed_now_and_then_and_not_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks = int(STUCK_AFTER_S / LOOKED_EVERY_S)
    now_and_then = [left for left in range(9, 5, -1) for _ in range(looks // 2)]
    calls = settled(iter(now_and_then + [5] * 2 * looks), FLUSHED_FROM, monkeypatch)
    assert calls.count("describe") == len(now_and_then) + looks + 2
