"""Milvus finds what the indexes of one process find, under whatever filter."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shopsearch import adapters
from shopsearch.domain import Among, AnyOf, Between, Exists, FilterRow, ProductFilter, Withheld
from shopsearch.errors import IndexFault, SettingsError
from shopsearch.index import VectorIndex
from shopsearch.index import milvus as milvus_room
from shopsearch.index.exact import ExactIndex
from shopsearch.index.faiss import FaissIndex
from shopsearch.index.kinds import MilvusKind
from shopsearch.index.milvus import MilvusIndex, MilvusOptions
from shopsearch.index.milvus_filters import from_to
from shopsearch.index.milvus_search import MilvusSearch
from shopsearch.settings import Settings
from tests.milvus import a_collection

N = 120
DIMENSION = 16
AWKWARD = ['" or 1==1', "back\\slash", "it's", "two\nlines", "ÄRGER 🫖", "{x}", "]) or row >= 0"]


def unit(seed: int, n: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(n, DIMENSION))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def some_rows() -> list[FilterRow]:
    chance = np.random.default_rng(5)
    rows: list[FilterRow] = []
    for place in range(N):
        row: dict[str, tuple[str, ...] | float] = {"word": (AWKWARD[chance.integers(7)], "all")}
        row[AWKWARD[chance.integers(7)]] = ("here",)
        if chance.random() < 0.6:
            row["price"] = float(chance.integers(-3, 9)) / 2
        if chance.random() < 0.5:
            row["size"] = (("42", "42.5", "-3", "10 cm", "1e3")[chance.integers(5)],)
        if place % 3 == 0:
            row["size"] = float(chance.integers(40, 44))
        rows.append(row)
    return rows


def filled(index: VectorIndex) -> VectorIndex:
    index.upsert(np.arange(1, N + 1, dtype=np.int64), unit(4, N), some_rows())
    index.delete(np.arange(10, 20, dtype=np.int64))
    return index


def on_milvus(uri: str, kind: MilvusKind = "auto") -> MilvusIndex:
    rows = a_collection(uri, DIMENSION, kind)
    index = MilvusIndex(DIMENSION, MilvusOptions(rows.connection.place), rows)
    filled(index)
    return index


@pytest.fixture(scope="module")
def indexes(milvus_uri: str, milvus_lite_uri: str) -> Mapping[str, VectorIndex]:
    return {
        "exact": filled(ExactIndex(DIMENSION)),
        "faiss": filled(FaissIndex(DIMENSION, "hnsw")),
        "milvus": on_milvus(milvus_uri),
        "milvus-lite": on_milvus(milvus_lite_uri),
    }


FIELDS = st.sampled_from(["word", "price", "size", "unheard of", *AWKWARD])
WORDS = st.sampled_from([*AWKWARD, "all", "ALL", "here", "42", "42.0", "1.5", "-3", "ärger 🫖"])
BOUNDS = st.none() | st.sampled_from([-3.0, -0.5, 0.0, 1.5, 42.0, 42.5, 1000.0])
PLAIN = st.one_of(
    st.builds(AnyOf, FIELDS, st.lists(WORDS, max_size=3).map(tuple), st.booleans()),
    st.builds(Between, FIELDS, BOUNDS, BOUNDS),
    st.builds(Exists, FIELDS, st.booleans()),
)
KEYS = st.lists(st.integers(0, N + 5), unique=True, max_size=60).map(sorted)
NESTED = st.lists(PLAIN, max_size=2).map(tuple).map(ProductFilter)
NARROWING = st.one_of(
    st.builds(Withheld, KEYS.map(tuple), st.lists(NESTED, max_size=2).map(tuple)),
    st.builds(Among, KEYS.map(lambda keys: np.array(keys, dtype=np.int64))),
)
FILTERS = st.lists(PLAIN | NARROWING, max_size=3).map(tuple).map(ProductFilter)

quickly = settings(
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@quickly
@given(where=FILTERS, k=st.integers(1, 150), seed=st.integers(0, 9))
def test_every_index_gives_the_same_hits_under_any_filter(
    indexes: Mapping[str, VectorIndex], where: ProductFilter, k: int, seed: int
) -> None:
    queries = unit(seed, 2)
    truth = indexes["exact"].search(queries, k, where)
    for name in ("faiss", "milvus", "milvus-lite"):
        found = indexes[name].search(queries, k, where)
        np.testing.assert_array_equal(found.keys, truth.keys, err_msg=name)
        np.testing.assert_allclose(found.scores, truth.scores, atol=1e-4, err_msg=name)


@quickly
@given(where=FILTERS)
def test_the_server_itself_lets_through_what_the_filter_does_and_nothing_else(
    indexes: Mapping[str, VectorIndex], where: ProductFilter
) -> None:
    for name in ("milvus", "milvus-lite"):
        index = indexes[name]
        assert isinstance(index, MilvusIndex)
        assert index.rows is not None
        numbers = index.numbers
        asked = [from_to(int(numbers[0]), int(numbers[-1])), index.said(where)]
        there = index.rows.found(" and ".join(filter(None, asked)))
        living = np.intersect1d(there, numbers)  # Milvus has the deleted ones too
        assert len(living) == len(index.fields.matching(where)), name


@pytest.mark.parametrize("name", ["milvus", "milvus-lite"])
def test_a_wide_filter_is_answered_without_fetching_what_matches(
    indexes: Mapping[str, VectorIndex], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_arguments: object) -> None:
        raise AssertionError("it fetched the matches")

    monkeypatch.setattr(MilvusSearch, "_compared", refused)
    monkeypatch.setattr(milvus_room, "NAMED_UP_TO", 0)
    monkeypatch.setattr(milvus_room, "NAMED_UP_TO_ON_LITE", 0)
    where = ProductFilter((AnyOf("word", ("all",)), Between("price", None, 3.0)))
    truth = indexes["exact"].search(unit(1, 3), 20, where)
    np.testing.assert_array_equal(indexes[name].search(unit(1, 3), 20, where).keys, truth.keys)


def test_milvus_lite_is_never_given_a_filter_that_it_would_look_at_row_by_row(
    indexes: Mapping[str, VectorIndex], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_arguments: object) -> None:
        raise AssertionError("it was given the filter")

    where = ProductFilter((AnyOf("word", ("all",)), Between("price", None, 3.0)))
    monkeypatch.setattr(milvus_room, "NAMED_UP_TO", 0)
    monkeypatch.setattr(MilvusIndex, "said", refused)
    truth = indexes["exact"].search(unit(1, 3), 20, where)
    found = indexes["milvus-lite"].search(unit(1, 3), 20, where)
    np.testing.assert_array_equal(found.keys, truth.keys)
    with pytest.raises(AssertionError, match="it was given the filter"):
        indexes["milvus"].search(unit(1, 3), 20, where)


@pytest.mark.parametrize(
    ("fixture", "kind"), [("milvus_uri", "ivf-sq8"), ("milvus_lite_uri", "hnsw-sq8")]
)
def test_of_coarse_kinds_too_scores_are_the_exact_cosines(
    request: pytest.FixtureRequest,
    indexes: Mapping[str, VectorIndex],
    fixture: str,
    kind: MilvusKind,
) -> None:
    index, queries = on_milvus(request.getfixturevalue(fixture), kind), unit(2, 3)
    assert index.kind == f"milvus-{kind}"
    truth = indexes["exact"].search(queries, 10)
    found = index.search(queries, 10)
    np.testing.assert_allclose(found.scores[:, 0], truth.scores[:, 0], atol=1e-5)
    for query, keys, scores in zip(queries, found.keys, found.scores, strict=True):
        np.testing.assert_allclose(scores, indexes["exact"].fetch(keys) @ query, atol=1e-5)


def test_a_kind_that_a_server_is_too_old_for_is_refused_with_what_to_choose(
    milvus_uri: str,
) -> None:
    with pytest.raises(IndexFault, match=r"2\.3.*hnsw-sq8.*version 2\.5.*SHOPSEARCH_MILVUS_INDEX"):
        a_collection(milvus_uri, DIMENSION, "hnsw-sq8")


def test_without_pymilvus_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapters, "find_spec", lambda _name: None)
    with pytest.raises(SettingsError, match=r"pip install 'shopsearch\[milvus\]'"):
        adapters.outside(Settings(index="milvus"))
