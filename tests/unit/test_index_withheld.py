"""What a filter withholds, no index shows, finds or counts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from shopsearch.domain import AnyOf, Between, ProductFilter, Withheld
from shopsearch.index import VectorIndex
from shopsearch.index.exact import ExactIndex
from shopsearch.index.faiss import FaissIndex

N = 400
DIMENSION = 8
INDEXES: dict[str, Callable[[], VectorIndex]] = {
    "exact": lambda: ExactIndex(DIMENSION),
    "flat": lambda: FaissIndex(DIMENSION, kind="flat"),
    "hnsw": lambda: FaissIndex(DIMENSION, kind="hnsw"),
}
OAK_AND_DEAR = ProductFilter((AnyOf("brand", ("oak",)), Between("price", low=200.0)))
RED = ProductFilter((AnyOf("color", ("red",)),))


@pytest.fixture(params=INDEXES)
def index(request: pytest.FixtureRequest) -> VectorIndex:
    made = INDEXES[request.param]()
    vectors = np.random.default_rng(0).normal(size=(N, DIMENSION)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = [
        {
            "brand": (("oak", "fern")[n % 2],),
            "color": (("red", "blue", "teal")[n % 3],),
            "price": float(n),
        }
        for n in range(N)
    ]
    made.upsert(np.arange(N, dtype=np.int64), vectors, rows)
    return made


@pytest.mark.parametrize(
    ("withheld", "gone"),
    [
        (Withheld(keys=(1, 7, 7, 9999)), {1, 7}),
        (Withheld(filters=(OAK_AND_DEAR,)), set(range(200, N, 2))),
        (Withheld(filters=(OAK_AND_DEAR, RED)), {*range(200, N, 2), *range(0, N, 3)}),
        (Withheld(keys=(2,), filters=(RED,)), {2, *range(0, N, 3)}),
        (Withheld(), set()),
    ],
)
def test_what_is_withheld_is_neither_listed_nor_found_nor_counted(
    index: VectorIndex, withheld: Withheld, gone: set[int]
) -> None:
    shown = sorted(set(range(N)) - gone)
    where = ProductFilter((withheld,))
    assert index.fields.matching(where).tolist() == shown
    query = index.fetch(np.array([5], dtype=np.int64))
    assert sorted(index.search(query, N, where).keys[0].tolist())[-len(shown) :] == shown
    counts = index.fields.counts("brand", where, limit=5)
    assert dict(zip(counts.words, counts.counts.tolist(), strict=True)) == {
        brand: sum((n % 2 == 0) is (brand == "oak") for n in shown) for brand in ("oak", "fern")
    }


def test_a_filter_still_holds_beside_what_is_withheld(index: VectorIndex) -> None:
    where = ProductFilter((*OAK_AND_DEAR.conditions, Withheld((200,), (RED,))))
    assert index.fields.matching(where).tolist() == [n for n in range(202, N, 2) if n % 3]
    assert index.fields.matching(OAK_AND_DEAR).tolist() == list(range(200, N, 2))
