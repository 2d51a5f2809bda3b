"""What every `VectorIndex` promises, against a truth that compares everything in plain Python."""

from __future__ import annotations

import functools
import math
import string
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shopsearch.domain import (
    EVERYTHING,
    Among,
    AnyOf,
    Between,
    Condition,
    Exists,
    FilterRow,
    Neighbours,
    ProductFilter,
)
from shopsearch.errors import DimensionMismatch, IndexFault
from shopsearch.index import VectorIndex, coded_vectors
from shopsearch.index import faiss as faiss_room
from shopsearch.index import graph as plan
from shopsearch.index import milvus as milvus_room
from shopsearch.index.exact import ExactIndex
from shopsearch.index.faiss import FaissIndex
from shopsearch.index.kinds import CODED_KINDS, CodedKind
from shopsearch.index.milvus import MilvusIndex, MilvusOptions
from shopsearch.index.milvus_rows import MilvusRows
from tests.milvus import a_collection

DIMENSION = 8
Vectors = np.ndarray

quickly = settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@dataclass(frozen=True)
class Adapter:
    """A way to make an index, and to read it back.

    `tolerance` is how far its scores may be from the truth, `closeness` how far the numbers of its
    vectors from those that came.
    """

    new: Callable[[], VectorIndex]
    load: Callable[[Path], VectorIndex]
    reloads: bool = False
    tolerance: float = 2e-6
    closeness: float = 0.0

    def settle(self, index: VectorIndex) -> VectorIndex:
        """The index as it is asked: straight away, or after a way over the disk."""
        if not self.reloads:
            return index
        with tempfile.TemporaryDirectory() as folder:
            index.save(Path(folder))
            return self.load(Path(folder))


def small_graph() -> VectorIndex:
    return FaissIndex(DIMENSION, "hnsw", m=8, ef_construction=40)


HALF = 2.0**-11 + 2e-6  # rows of 16-bit numbers, rounded: the most that a cosine can be off


def coded(kind: CodedKind) -> Adapter:
    """Over the disk, since codes are made on the way there."""
    return Adapter(
        lambda: FaissIndex(DIMENSION, kind, m=8, ef_construction=40),
        FaissIndex.load,
        reloads=True,
        tolerance=HALF,
        closeness=HALF,
    )


ADAPTERS = {
    "exact": Adapter(lambda: ExactIndex(DIMENSION), ExactIndex.load),
    "exact, loaded": Adapter(lambda: ExactIndex(DIMENSION), ExactIndex.load, reloads=True),
    "flat": Adapter(lambda: FaissIndex(DIMENSION, "flat"), FaissIndex.load),
    "flat, loaded": Adapter(lambda: FaissIndex(DIMENSION), FaissIndex.load, reloads=True),
    "hnsw": Adapter(small_graph, FaissIndex.load),
    "hnsw, loaded": Adapter(small_graph, FaissIndex.load, reloads=True),
    "hnsw, graph only": Adapter(small_graph, FaissIndex.load),
    "hnsw, graph and tail": Adapter(small_graph, FaissIndex.load),
    "half, no codes": Adapter(
        lambda: FaissIndex(DIMENSION, "sq8"), FaissIndex.load, tolerance=HALF, closeness=HALF
    ),
    **{f"{kind}, loaded": coded(kind) for kind in CODED_KINDS},
}
TAILS = {"hnsw, graph only": 0, "hnsw, graph and tail": 3}


MILVUS = {  # the fixture that says where it is, and whether the index is read back first
    "milvus-lite": ("milvus_lite_uri", False),
    "milvus-lite, loaded": ("milvus_lite_uri", True),
    "milvus": ("milvus_uri", False),
    "milvus, loaded": ("milvus_uri", True),
}


@functools.cache
def shared_rows(uri: str) -> MilvusRows:
    """One collection for all tests, as one is for many generations: a new one takes seconds."""
    return a_collection(uri, DIMENSION)


def on_milvus(uri: str, *, reloads: bool) -> Adapter:
    options = MilvusOptions(shared_rows(uri).connection.place)
    return Adapter(
        lambda: MilvusIndex(DIMENSION, options, shared_rows(uri)),
        lambda folder: MilvusIndex.load(folder, options),
        reloads=reloads,
    )


@pytest.fixture(params=[*ADAPTERS, *MILVUS])
def adapter(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Adapter:
    if request.param in MILVUS:
        uri, reloads = MILVUS[request.param]
        if reloads:  # so few would be asked for by their rows
            monkeypatch.setattr(milvus_room, "NAMED_UP_TO", 0)
            monkeypatch.setattr(milvus_room, "NAMED_UP_TO_ON_LITE", 0)
        return on_milvus(request.getfixturevalue(uri), reloads=reloads)
    if request.param in TAILS:
        # a set as small as these would never be searched by its graph
        monkeypatch.setattr(plan, "COMPARED_PER_CANDIDATE", 0)
        monkeypatch.setattr(faiss_room, "TAIL_UP_TO", TAILS[request.param])
    if ADAPTERS[request.param].reloads:
        monkeypatch.setattr(plan, "COMPARED_PER_CANDIDATE", 0)
        monkeypatch.setattr(coded_vectors, "CODED_FROM", 20)
        monkeypatch.setattr(coded_vectors, "COMPARED_UP_TO", 0)
    return ADAPTERS[request.param]


# --- the truth ------------------------------------------------------------------------------------


def fulfils(row: FilterRow, condition: Condition) -> bool:
    value = row.get(condition.field)
    match condition:
        case Exists():
            return (value is not None) is condition.present
        case AnyOf():
            wanted = {word.casefold() for word in condition.values}
            if isinstance(value, float):
                has = any(as_number(word) == value for word in wanted)
            else:
                has = bool(wanted & {word.casefold() for word in value or ()})
            return has is not condition.negate
        case Between():
            numbers = [value] if isinstance(value, float) else map(as_number, value or ())
            low = -math.inf if condition.low is None else condition.low
            high = math.inf if condition.high is None else condition.high
            return any(number is not None and low <= number <= high for number in numbers)


def as_number(word: str) -> float | None:
    digits = word.removeprefix("-").removeprefix("+").replace(".", "", 1)
    plain = digits and set(digits) <= set(string.digits)
    return float(word) if plain else None


def matches(rows: Mapping[int, FilterRow], where: ProductFilter) -> list[int]:
    return sorted(
        key for key, row in rows.items() if all(fulfils(row, one) for one in where.conditions)
    )


def assert_true(
    found: Neighbours,
    queries: Vectors,
    k: int,
    entries: Mapping[int, tuple[Vectors, FilterRow]],
    where: ProductFilter,
    *,
    atol: float,
) -> None:
    """The neighbours are the best of the matches, and none is missing."""
    allowed = matches({key: row for key, (_, row) in entries.items()}, where)
    columns = min(k, len(entries))
    n_found = min(columns, len(allowed))
    assert found.keys.shape == found.scores.shape == (len(queries), columns)
    assert found.keys.dtype == np.int64
    assert found.scores.dtype == np.float32
    for query, keys, scores in zip(queries, found.keys.tolist(), found.scores, strict=True):
        truth = {key: float(np.dot(entries[key][0], query)) for key in allowed}
        assert len(set(keys[:n_found])) == n_found
        assert set(keys[:n_found]) <= set(allowed)
        assert keys[n_found:] == [-1] * (columns - n_found)
        assert np.all(scores[n_found:] == -np.inf)
        best = sorted(truth.values(), reverse=True)[:n_found]
        np.testing.assert_allclose(scores[:n_found], best, atol=atol)
        np.testing.assert_allclose(
            scores[:n_found], [truth[key] for key in keys[:n_found]], atol=atol
        )
        ordered = [(-score, key) for key, score in zip(keys, scores.tolist(), strict=True)]
        assert ordered[:n_found] == sorted(ordered[:n_found])


# --- what is indexed ------------------------------------------------------------------------------


def unit(vectors: Vectors) -> Vectors:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def random_units(n: int, seed: int = 0) -> Vectors:
    """Points around a few centres, like products of a few types."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(5, DIMENSION))
    return unit(centres[rng.integers(5, size=n)] + 0.5 * rng.normal(size=(n, DIMENSION)))


def some_rows(n: int, seed: int = 1) -> list[FilterRow]:
    rng = np.random.default_rng(seed)
    rows: list[FilterRow] = []
    for place in range(n):
        row: dict[str, tuple[str, ...] | float] = {
            "color": (("red", "green", "straße", "dark red")[rng.integers(4)],),
            "product_type": ("home", f"home > {'ab'[rng.integers(2)]}"),
        }
        if rng.random() < 0.7:
            row["price"] = float(rng.integers(1, 12))
        if rng.random() < 0.5:
            row["weight"] = (("42", "42.5", "-3", "10 cm", "1e3", "nan")[rng.integers(6)],)
        if place % 7 == 0:
            row["rare"] = ("yes",)
        rows.append(row)
    return rows


Entries = dict[int, tuple[Vectors, FilterRow]]


def entries_of(n: int) -> Entries:
    keys = np.random.default_rng(2).permutation(n * 3)[:n] + 1
    return dict(zip(keys.tolist(), zip(random_units(n), some_rows(n), strict=True), strict=True))


def filled(adapter: Adapter, entries: Entries) -> VectorIndex:
    index = adapter.new()
    add(index, entries)
    return adapter.settle(index)


def add(index: VectorIndex, entries: Entries) -> None:
    keys = np.array(list(entries), dtype=np.int64)
    vectors = np.array([vector for vector, _ in entries.values()], dtype=np.float32)
    index.upsert(keys, vectors.reshape(-1, DIMENSION), [row for _, row in entries.values()])


@pytest.fixture
def sixty(adapter: Adapter) -> tuple[VectorIndex, Entries]:
    entries = entries_of(60)
    return filled(adapter, entries), entries


FIELDS = st.sampled_from(["color", "product_type", "price", "weight", "rare", "unheard of"])
WORDS = st.sampled_from(
    ["red", "RED", "STRASSE", "home", "Home > A", "yes", "42", "5", "5.0", "10 cm", "nan", "none"]
)
BOUNDS = st.none() | st.sampled_from([-3.0, 0.0, 3.0, 4.5, 42.0, 42.5, 1000.0])
CONDITIONS = st.one_of(
    st.builds(AnyOf, FIELDS, st.lists(WORDS, max_size=3).map(tuple), st.booleans()),
    st.builds(Between, FIELDS, BOUNDS, BOUNDS),
    st.builds(Exists, FIELDS, st.booleans()),
)
FILTERS = st.lists(CONDITIONS, max_size=3).map(tuple).map(ProductFilter)


# --- the promises ---------------------------------------------------------------------------------


@quickly
@given(where=FILTERS, k=st.integers(1, 80))
def test_a_search_finds_the_nearest_of_all_that_pass_the_filter(
    adapter: Adapter, sixty: tuple[VectorIndex, Entries], where: ProductFilter, k: int
) -> None:
    index, entries = sixty
    queries = random_units(4, seed=9)
    assert_true(index.search(queries, k, where), queries, k, entries, where, atol=adapter.tolerance)
    assert index.fields.matching(where).tolist() == matches(
        {key: row for key, (_, row) in entries.items()}, where
    )


def numbers_of(entries: Entries, field: str, keys: list[int]) -> list[float | None]:
    """The truth: the number of a field, or of the first of its words that is one."""

    def one(key: int) -> float | None:
        value = entries[key][1].get(field) if key in entries else None
        if isinstance(value, float):
            return value
        return next((n for n in map(as_number, value or ()) if n is not None), None)

    return [one(key) for key in keys]


def assert_numbers(index: VectorIndex, entries: Entries, field: str, keys: list[int]) -> None:
    found = index.fields.numbers(field, np.array(keys, dtype=np.int64))
    assert (found.dtype, found.shape) == (np.float64, (len(keys),))
    told = [None if np.isnan(number) else number for number in found.tolist()]
    assert told == numbers_of(entries, field, keys)


@quickly
@given(field=FIELDS, keys=st.lists(st.integers(-1, 190), max_size=70))
def test_numbers_come_in_the_order_asked_for_and_are_nan_where_there_is_none(
    sixty: tuple[VectorIndex, Entries], field: str, keys: list[int]
) -> None:
    index, entries = sixty
    assert_numbers(index, entries, field, keys)


def test_of_several_words_the_first_that_is_a_number_counts(adapter: Adapter) -> None:
    vector = random_units(1)[0]
    entries: Entries = {
        7: (vector, {"size": ("xl", "42", "41")}),
        3: (vector, {"size": 44.0}),
        5: (vector, {"size": ("41", "42")}),
        4: (vector, {"size": ("xl",), "brand": ("kiln",)}),
    }
    index = filled(adapter, entries)
    assert_numbers(index, entries, "size", [3, 4, 5, 7])
    assert set(index.fields.names()) == {"size", "brand"}


@quickly
@given(field=FIELDS, keys=st.lists(st.integers(-1, 190), max_size=70))
def test_keys_are_of_one_group_where_their_first_word_is_the_same(
    sixty: tuple[VectorIndex, Entries], field: str, keys: list[int]
) -> None:
    index, entries = sixty
    groups = index.fields.groups(field, np.array(keys, dtype=np.int64)).tolist()

    def word(key: int) -> str | None:
        value = entries[key][1].get(field) if key in entries else None
        return value[0].casefold() if isinstance(value, tuple) and value else None

    assert [group < 0 for group in groups] == [word(key) is None for key in keys]
    told = {(group, word(key)) for group, key in zip(groups, keys, strict=True) if group >= 0}
    assert len(told) == len({group for group, _ in told}) == len({name for _, name in told})


@quickly
@given(keys=st.sets(st.integers(1, 190), max_size=40), k=st.integers(1, 70))
def test_a_search_among_some_keys_finds_these_and_no_others(
    sixty: tuple[VectorIndex, Entries], keys: set[int], k: int
) -> None:
    index, entries = sixty
    among = ProductFilter((Among(np.array(sorted(keys), dtype=np.int64)),))
    there = sorted(keys & set(entries))
    assert index.fields.matching(among).tolist() == there
    found = index.search(next(iter(entries.values()))[0][None, :], k, among).keys[0]
    assert len([key for key in found.tolist() if key >= 0]) == min(k, len(there))
    assert {key for key in found.tolist() if key >= 0} <= set(there)


@quickly
@given(field=FIELDS, group=FIELDS)
def test_products_of_one_group_count_once_for_each_word(
    sixty: tuple[VectorIndex, Entries], field: str, group: str
) -> None:
    index, entries = sixty
    found = index.fields.counts(field, limit=1000, once_per=group)
    of = dict(zip(entries, index.fields.groups(group, np.array(list(entries))), strict=True))
    told: dict[str, set[object]] = {}
    for key, (_, row) in entries.items():
        value = row.get(field)
        for word in value if isinstance(value, tuple) else ():
            told.setdefault(word.casefold(), set()).add(of[key] if of[key] >= 0 else f"key {key}")
    counted = dict(zip(found.words, found.counts.tolist(), strict=True))
    assert counted == {word: len(groups) for word, groups in told.items()}


def test_an_empty_index_knows_no_numbers_and_no_fields(adapter: Adapter) -> None:
    index = adapter.settle(adapter.new())
    assert np.isnan(index.fields.numbers("price", np.array([1, 2]))).all()
    assert index.fields.names() == ()


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["upsert", "delete"]),
        st.lists(st.integers(1, 12), min_size=1, max_size=6),
        st.integers(0, 3),
    ),
    max_size=12,
)


@settings(quickly, max_examples=20)
@given(changes=CHANGES)
def test_any_sequence_of_changes_leaves_what_a_dictionary_would_hold(
    adapter: Adapter, changes: list[tuple[str, list[int], int]]
) -> None:
    index, truth = adapter.new(), Entries()
    for verb, keys, seed in changes:
        if verb == "delete":
            index.delete(np.array(keys))
            truth = {key: entry for key, entry in truth.items() if key not in keys}
        else:
            vectors, rows = random_units(len(keys), seed), some_rows(len(keys), seed)
            index.upsert(np.array(keys), vectors, rows)
            truth |= dict(zip(keys, zip(vectors, rows, strict=True), strict=True))
    index = adapter.settle(index)
    assert len(index) == len(truth)
    for field in ("price", "weight"):
        assert_numbers(index, truth, field, list(range(14)))
    queries = random_units(2, seed=8)
    for where in (EVERYTHING, ProductFilter((AnyOf("color", ("red", "green")),))):
        assert_true(
            index.search(queries, 5, where), queries, 5, truth, where, atol=adapter.tolerance
        )


def test_a_filtered_search_returns_every_match_when_fewer_than_k_exist(adapter: Adapter) -> None:
    entries = entries_of(60)
    where = ProductFilter((AnyOf("rare", ("yes",)),))
    found = filled(adapter, entries).search(random_units(1, seed=3), 20, where)
    assert sorted(found.keys[0, :9].tolist()) == matches(
        {key: row for key, (_, row) in entries.items()}, where
    )
    assert found.keys[0, 9:].tolist() == [-1] * 11


def test_a_filter_that_nothing_passes_gives_empty_places(adapter: Adapter) -> None:
    found = filled(adapter, entries_of(20)).search(
        random_units(2), 3, ProductFilter((AnyOf("color", ("octarine",)),))
    )
    assert found.keys.tolist() == [[-1] * 3] * 2
    assert np.all(found.scores == -np.inf)


def test_equal_scores_come_in_ascending_order_of_keys(adapter: Adapter) -> None:
    index = adapter.new()
    vectors = random_units(4)
    keys = np.array([31, 7, 22, 4, 15, 9, 28, 1])
    index.upsert(keys, vectors[[0, 0, 1, 0, 2, 0, 3, 0]], [{}] * 8)
    index = adapter.settle(index)
    twins = [1, 4, 7, 9, 31]
    assert index.search(vectors[:1], 5).keys[0].tolist() == twins
    assert index.search(vectors[:1], 3).keys[0].tolist() == twins[:3]


def test_an_upsert_replaces_vector_and_filter_row(adapter: Adapter) -> None:
    before, after = random_units(2)
    index = adapter.new()
    index.upsert(np.array([5]), before[None], [{"color": ("red",)}])
    index.upsert(np.array([5]), after[None], [{"color": ("blue",)}])
    index = adapter.settle(index)
    assert len(index) == 1
    np.testing.assert_allclose(
        index.fetch(np.array([5])), after[None], rtol=0, atol=adapter.closeness
    )
    assert index.fields.matching(ProductFilter((AnyOf("color", ("red",)),))).tolist() == []
    assert index.fields.matching(ProductFilter((AnyOf("color", ("blue",)),))).tolist() == [5]
    found = index.search(after[None], 3)
    assert found.keys.tolist() == [[5]]
    assert found.scores[0, 0] == pytest.approx(1.0, abs=adapter.tolerance)


def test_of_a_key_that_repeats_in_one_upsert_the_last_entry_counts(adapter: Adapter) -> None:
    vectors = random_units(3)
    index = adapter.new()
    index.upsert(np.array([5, 6, 5]), vectors, [{"n": 1.0}, {"n": 2.0}, {"n": 3.0}])
    index = adapter.settle(index)
    assert len(index) == 2
    np.testing.assert_allclose(
        index.fetch(np.array([5, 6])), vectors[[2, 1]], rtol=0, atol=adapter.closeness
    )
    assert index.fields.matching(ProductFilter((Between("n", 3, 3),))).tolist() == [5]


def test_what_is_deleted_is_gone_and_what_was_never_there_is_no_error(adapter: Adapter) -> None:
    entries = entries_of(30)
    index = adapter.new()
    add(index, entries)
    gone = list(entries)[:12]
    index.delete(np.array([*gone, 999, gone[0]]))
    index = adapter.settle(index)
    left = {key: entry for key, entry in entries.items() if key not in gone}
    queries = random_units(3, seed=4)
    assert len(index) == 18
    assert_true(index.search(queries, 30), queries, 30, left, EVERYTHING, atol=adapter.tolerance)
    assert np.isnan(index.fetch(np.array(gone[:1]))).all()


def test_fetch_gives_the_vectors_as_they_came_and_nan_for_the_rest(adapter: Adapter) -> None:
    entries = entries_of(10)
    index = filled(adapter, entries)
    keys = list(entries)
    fetched = index.fetch(np.array([keys[3], 999, keys[0]]))
    assert fetched.dtype == np.float32
    wanted = [entries[keys[3]][0], entries[keys[0]][0]]
    np.testing.assert_allclose(fetched[[0, 2]], wanted, rtol=0, atol=adapter.closeness)
    assert np.isnan(fetched[1]).all()
    assert index.fetch(np.array([], dtype=np.int64)).shape == (0, DIMENSION)


def test_an_unknown_field_matches_nothing_and_its_denial_matches_everything(
    adapter: Adapter,
) -> None:
    index = filled(adapter, entries_of(10))
    for nothing in (AnyOf("x", ("1",)), Between("x"), Exists("x")):
        assert index.fields.matching(ProductFilter((nothing,))).size == 0
    for everything in (AnyOf("x", ("1",), negate=True), Exists("x", present=False)):
        assert index.fields.matching(ProductFilter((everything,))).size == 10


def test_an_empty_index_answers_with_no_columns(adapter: Adapter) -> None:
    index = adapter.settle(adapter.new())
    found = index.search(random_units(2), 5)
    assert found.keys.shape == found.scores.shape == (2, 0)
    assert index.fields.matching(EVERYTHING).size == 0
    assert len(index) == 0
    assert index.dimension == DIMENSION


def test_no_queries_and_no_entries_are_no_error(adapter: Adapter) -> None:
    index = adapter.new()
    add(index, {})
    assert len(index) == 0
    add(index, entries_of(3))
    assert index.search(np.empty((0, DIMENSION), dtype=np.float32), 2).keys.shape == (0, 2)


def test_vectors_of_another_length_are_refused_with_both_lengths(adapter: Adapter) -> None:
    index = filled(adapter, entries_of(3))
    other = np.eye(1, DIMENSION + 1, dtype=np.float32)
    with pytest.raises(DimensionMismatch, match=r"8-dimensional.*9-dimensional.*reindex"):
        index.upsert(np.array([1]), other, [{}])
    with pytest.raises(DimensionMismatch, match=r"8-dimensional.*9-dimensional.*reindex"):
        index.search(other, 1)


@pytest.mark.parametrize("spoil", [np.float32(np.nan), np.float32(2.0), np.float32(0.0)])
def test_a_row_that_is_not_of_length_one_is_refused_by_its_key(
    adapter: Adapter, spoil: np.float32
) -> None:
    index = filled(adapter, entries_of(3))
    vectors = random_units(3)
    vectors[1] *= spoil
    with pytest.raises(IndexFault, match="key 78 has length"):
        index.upsert(np.array([77, 78, 79]), vectors, [{}] * 3)
    with pytest.raises(IndexFault, match="query 1 has length"):
        index.search(vectors, 1)
    assert len(index) == 3


def test_arrays_of_another_layout_are_understood(adapter: Adapter) -> None:
    entries = entries_of(20)
    index = filled(adapter, entries)
    queries = random_units(6, seed=5)
    strided = np.asfortranarray(queries.astype(np.float64))[::2]
    assert_true(
        index.search(strided, 4), queries[::2], 4, entries, EVERYTHING, atol=adapter.tolerance
    )


def test_searches_from_several_threads_get_the_answers_of_one(adapter: Adapter) -> None:
    index = filled(adapter, entries_of(60))
    filters = [ProductFilter((Between("price", low, None),)) for low in range(8)]

    def ask(place: int) -> tuple[list[list[int]], list[list[float]]]:
        found = index.search(random_units(3, seed=place), 5, filters[place % 8])
        return found.keys.tolist(), found.scores.tolist()

    alone = [ask(place) for place in range(32)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask, range(32))) == alone


@pytest.fixture
def saved(adapter: Adapter, tmp_path: Path) -> tuple[VectorIndex, VectorIndex, Entries]:
    """An index with a past, the same read back, and what it should hold."""
    entries = entries_of(60)
    index = adapter.new()
    add(index, entries)
    moved = dict(list(entries.items())[:5])
    add(index, moved)
    dead = list(entries)[50:]
    index.delete(np.array(dead))
    index.save(tmp_path)
    kept = {key: entry for key, entry in entries.items() if key not in dead}
    return index, adapter.load(tmp_path), kept


def test_what_was_saved_answers_as_before(
    adapter: Adapter,
    saved: tuple[VectorIndex, VectorIndex, Entries],
) -> None:
    before, after, entries = saved
    assert (after.kind, after.dimension, len(after)) == (before.kind, before.dimension, 50)
    queries = random_units(4, seed=6)
    where = ProductFilter((AnyOf("product_type", ("home > a",)), Exists("price")))
    for index in (before, after):  # saving must not harm the one in memory
        assert_true(
            index.search(queries, 9, where), queries, 9, entries, where, atol=adapter.tolerance
        )


def test_what_was_saved_can_be_changed_again(
    adapter: Adapter,
    saved: tuple[VectorIndex, VectorIndex, Entries],
) -> None:
    _, index, entries = saved
    key = next(iter(entries))
    vector = random_units(1, seed=7)
    index.upsert(np.array([key, 1000]), np.concatenate([vector, vector]), [{"n": 1.0}, {}])
    index.delete(np.array([key]))
    del entries[key]
    entries[1000] = (vector[0], {})
    queries = random_units(4, seed=6)
    assert_true(index.search(queries, 60), queries, 60, entries, EVERYTHING, atol=adapter.tolerance)


def test_saving_pickles_nothing(adapter: Adapter, tmp_path: Path) -> None:
    index = adapter.new()
    add(index, entries_of(5))
    index.save(tmp_path)
    for path in tmp_path.glob("*.np[yz]"):
        np.load(path, allow_pickle=False)
    assert {path.suffix for path in tmp_path.iterdir()} <= {".npy", ".npz", ".json", ".faiss"}
