"""Kinds of the FAISS index that keep codes in memory, and vectors of 16-bit numbers on disk."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from shopsearch.domain import EVERYTHING, Between, ProductFilter
from shopsearch.index import coded_vectors, graph
from shopsearch.index import faiss as faiss_room
from shopsearch.index.coded_vectors import ROWS_FILE, CodedVectors
from shopsearch.index.codes import Codes, n_bits, n_parts
from shopsearch.index.exact import ExactIndex
from shopsearch.index.faiss import FaissIndex
from shopsearch.index.faiss_vectors import VECTORS_FILE
from shopsearch.index.half_rows import HalfRows, rounded, widened
from shopsearch.index.kinds import CODED_KINDS, CodedKind
from shopsearch.index.lists import Lists

N, DIMENSION = 4000, 24


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def clustered(n: int, seed: int = 0) -> np.ndarray:
    centres = np.random.default_rng(0).normal(size=(40, DIMENSION))
    rng = np.random.default_rng(seed)
    return unit(centres[rng.integers(40, size=n)] + 0.4 * rng.normal(size=(n, DIMENSION)))


@pytest.fixture(autouse=True)
def early_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that codes do the work in sets as small as these."""
    monkeypatch.setattr(coded_vectors, "CODED_FROM", 300)
    monkeypatch.setattr(coded_vectors, "COMPARED_UP_TO", 20)
    monkeypatch.setattr(graph, "COMPARED_PER_CANDIDATE", 1)


def coded(kind: CodedKind, folder: Path, n: int = 400, seed: int = 0) -> FaissIndex:
    """An index of n vectors under the keys from 0 on, as it comes from the disk."""
    folder.mkdir()
    index = FaissIndex(DIMENSION, kind, m=8, ef_construction=40)
    index.upsert(np.arange(n), clustered(n, seed), [{"n": float(at)} for at in range(n)])
    index.save(folder)
    return FaissIndex.load(folder)


def vectors_of(index: FaissIndex) -> CodedVectors:
    assert isinstance(index._vectors, CodedVectors)
    return index._vectors


def codes_of(index: FaissIndex) -> Codes:
    codes = vectors_of(index)._codes
    assert codes is not None
    return codes


@pytest.fixture(scope="module")
def world() -> tuple[np.ndarray, list[dict[str, float]], ExactIndex]:
    """Vectors, numbers in 0..1 to filter by, and the truth; a third of the positions is dead."""
    vectors = clustered(N)
    along = vectors @ unit(np.random.default_rng(5).normal(size=(1, DIMENSION)))[0]
    ranks = {
        "chance": np.random.default_rng(3).permutation(N) / N,
        "along": np.argsort(np.argsort(along)) / N,
    }
    rows = [{name: float(rank[place]) for name, rank in ranks.items()} for place in range(N)]
    truth = ExactIndex(DIMENSION)
    truth.upsert(np.arange(1, N + 1), vectors, rows)
    return vectors, rows, truth


@pytest.fixture(scope="module", params=CODED_KINDS)
def loaded(
    request: pytest.FixtureRequest,
    world: tuple[np.ndarray, list[dict[str, float]], ExactIndex],
    tmp_path_factory: pytest.TempPathFactory,
) -> FaissIndex:
    """An index of each kind with dead positions, codes and a tail."""
    vectors, rows, _ = world
    folder = tmp_path_factory.mktemp("coded")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coded_vectors, "CODED_FROM", 300)
        index = FaissIndex(DIMENSION, request.param, m=16, ef_construction=100)
        index.upsert(np.arange(1, N + 1), vectors, rows)
        index.save(folder)
        index = FaissIndex.load(folder)
    index.upsert(np.arange(1, N // 4), vectors[: N // 4 - 1], rows[: N // 4 - 1])
    assert (len(codes_of(index)), len(index._tail)) == (N, N // 4 - 1)
    return index


@pytest.mark.parametrize("field", ["chance", "along"])
@pytest.mark.parametrize("kept", [1.0, 0.5, 0.1, 0.02, 0.01, 0.001])
def test_recall_stays_over_99_percent_at_every_selectivity(
    loaded: FaissIndex,
    world: tuple[np.ndarray, list[dict[str, float]], ExactIndex],
    kept: float,
    field: str,
) -> None:
    where = EVERYTHING if kept == 1.0 else ProductFilter((Between(field, None, kept - 1e-9),))
    queries = clustered(100, seed=1)
    found, wanted = loaded.search(queries, 10, where), world[2].search(queries, 10, where)
    assert np.array_equal(found.keys >= 0, wanted.keys >= 0)
    shared = [
        len(set(ours[ours >= 0]) & set(theirs[theirs >= 0]))
        for ours, theirs in zip(found.keys, wanted.keys, strict=True)
    ]
    assert sum(shared) / int((wanted.keys >= 0).sum()) >= 0.99


def test_a_batch_gets_the_answers_of_its_queries_alone(loaded: FaissIndex) -> None:
    queries = clustered(20, seed=4)
    where = ProductFilter((Between("chance", None, 0.3),))
    together = loaded.search(queries, 10, where)
    for row in range(len(queries)):
        alone = loaded.search(queries[row : row + 1], 10, where)
        np.testing.assert_array_equal(alone.keys[0], together.keys[row])


def test_scores_are_cosines_of_the_rows_on_disk_and_near_those_of_the_vectors(
    loaded: FaissIndex, world: tuple[np.ndarray, list[dict[str, float]], ExactIndex]
) -> None:
    vectors, queries = world[0], clustered(30, seed=2)
    found = loaded.search(queries, 10)
    kept = rounded(vectors)[found.keys - 1]  # (Q, 10, D)
    np.testing.assert_allclose(found.scores, np.einsum("qkd,qd->qk", kept, queries), atol=1e-6)
    of_vectors = np.einsum("qkd,qd->qk", vectors[found.keys - 1], queries)
    assert 1e-6 < np.abs(found.scores - of_vectors).max() < 2**-11
    np.testing.assert_array_equal(loaded.fetch(np.arange(1, 9)), rounded(vectors[:8]))


def test_pages_of_different_depth_agree_on_equal_vectors(tmp_path: Path) -> None:
    twins, others = np.repeat(clustered(1, seed=7), 200, axis=0), clustered(400)
    for kind in ("sq8", "ivf-sq8", "ivf-pq"):
        (tmp_path / kind).mkdir()
        index = FaissIndex(DIMENSION, kind)
        keys = np.random.default_rng(0).permutation(600)
        index.upsert(keys, np.concatenate([twins, others]), [{}] * 600)
        index.save(tmp_path / kind)
        found = FaissIndex.load(tmp_path / kind).search(twins[:1], 10).keys[0]
        assert found.tolist() == sorted(keys[:200].tolist())[:10]


@pytest.mark.parametrize("kind", ["sq8", "ivf-sq8", "ivf-pq"])  # a graph is built by many threads
def test_the_same_products_make_the_same_files(kind: CodedKind, tmp_path: Path) -> None:
    first, second = coded(kind, tmp_path / "one"), coded(kind, tmp_path / "two")
    for name in (VECTORS_FILE, ROWS_FILE):
        one, two = (tmp_path / folder / name for folder in ("one", "two"))
        assert not one.samefile(two)
        assert one.read_bytes() == two.read_bytes()
    assert first.kind == second.kind == f"faiss-{kind}"


@pytest.mark.parametrize("kind", CODED_KINDS)
def test_a_small_change_links_both_files_and_goes_beside_them(
    kind: CodedKind, tmp_path: Path
) -> None:
    index, later = coded(kind, tmp_path / "one"), clustered(30, seed=9)
    index.upsert(np.arange(390, 420), later, [{"n": 1000.0}] * 30)
    index.delete(np.arange(5))
    (tmp_path / "two").mkdir()
    index.save(tmp_path / "two")
    for name in (VECTORS_FILE, ROWS_FILE):
        assert (tmp_path / "one" / name).samefile(tmp_path / "two" / name)
    loaded = FaissIndex.load(tmp_path / "two")
    assert len(loaded) == 400 + 20 - 5
    for one in (index, loaded):
        assert one.search(later, 1).keys[:, 0].tolist() == list(range(390, 420))
        np.testing.assert_array_equal(one.fetch(np.arange(390, 420)), rounded(later))
    assert codes_of(index) is codes_of(loaded)


def test_a_tail_that_has_grown_gets_codes_and_others_keep_what_they_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faiss_room, "TAIL_UP_TO", 10)
    index, other = coded("ivf-sq8", tmp_path / "one"), FaissIndex.load(tmp_path / "one")
    later = clustered(20, seed=9)
    index.upsert(np.arange(400, 420), later, [{}] * 20)
    assert (len(codes_of(index)), len(vectors_of(index)), len(index._tail)) == (400, 420, 0)
    assert index.search(later, 1).keys[:, 0].tolist() == list(range(400, 420))
    (tmp_path / "two").mkdir()
    index.save(tmp_path / "two")
    loaded = FaissIndex.load(tmp_path / "two")
    assert (len(codes_of(loaded)), len(loaded._tail)) == (420, 0)
    assert loaded.search(later, 1).keys[:, 0].tolist() == list(range(400, 420))
    assert (len(codes_of(other)), len(other)) == (400, 400)


def test_cells_are_learnt_anew_when_there_are_far_more_vectors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faiss_room, "TAIL_UP_TO", 10)
    index = coded("ivf-sq8", tmp_path / "one")
    lists = codes_of(index).lists
    assert isinstance(lists, Lists)
    assert lists.n_lists == 80
    index.upsert(np.arange(400, 2400), clustered(2000, seed=9), [{}] * 2000)
    (tmp_path / "two").mkdir()
    index.save(tmp_path / "two")
    lists = codes_of(FaissIndex.load(tmp_path / "two")).lists
    assert isinstance(lists, Lists)
    assert lists.n_lists == 195


@pytest.mark.parametrize("kind", CODED_KINDS)
def test_too_few_vectors_are_compared_without_codes(kind: CodedKind, tmp_path: Path) -> None:
    index = coded(kind, tmp_path / "one", n=299)
    assert index.kind == f"faiss-{kind}"
    assert not (tmp_path / "one" / VECTORS_FILE).exists()
    assert index.search(clustered(299), 1).keys[:, 0].tolist() == list(range(299))


@pytest.mark.parametrize("kind", CODED_KINDS)
def test_who_has_read_it_goes_on_when_the_folder_is_gone(kind: CodedKind, tmp_path: Path) -> None:
    index, queries = coded(kind, tmp_path / "one"), clustered(20, seed=3)
    before = index.search(queries, 10)
    shutil.rmtree(tmp_path / "one")
    np.testing.assert_array_equal(index.search(queries, 10).keys, before.keys)
    (tmp_path / "two").mkdir()
    index.save(tmp_path / "two")  # nothing is left that could be linked
    np.testing.assert_array_equal(
        FaissIndex.load(tmp_path / "two").search(queries, 10).keys, before.keys
    )


def test_many_dead_positions_are_left_out_of_what_is_written(tmp_path: Path) -> None:
    index = coded("ivf-pq", tmp_path / "one", n=1000)
    index.delete(np.arange(201))
    (tmp_path / "two").mkdir()
    index.save(tmp_path / "two")
    loaded = FaissIndex.load(tmp_path / "two")
    assert (len(codes_of(loaded)), len(vectors_of(loaded))) == (799, 799)
    assert loaded.search(clustered(1000)[201:], 1).keys[:, 0].tolist() == list(range(201, 1000))


def test_every_number_of_16_bits_is_widened_as_numpy_does() -> None:
    every = np.arange(2**16, dtype=np.uint16).view(np.float16)
    finite = every[np.isfinite(every)][None]
    np.testing.assert_array_equal(widened(finite), finite.astype(np.float32))


def test_rows_that_find_no_room_are_an_error_and_kill_nobody(tmp_path: Path) -> None:
    import resource

    rows = HalfRows(DIMENSION)
    rows.extend(clustered(400))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, before[1]))
    try:
        with pytest.raises(OSError):  # noqa: PT011 - numpy tells it in words of its own
            rows.write(tmp_path / "rows.npy")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_rows_of_another_type_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", np.zeros((2, 3), dtype=np.float32))
    with pytest.raises(ValueError, match=r"float32 of shape \(2, 3\), not rows of float16"):
        HalfRows.read(tmp_path / "rows.npy")


@pytest.mark.parametrize(("dimension", "parts"), [(8, 1), (24, 3), (384, 48), (1024, 128), (7, 1)])
def test_a_vector_becomes_about_a_byte_for_eight_components(dimension: int, parts: int) -> None:
    assert n_parts(dimension) == parts


@pytest.mark.parametrize(("n", "bits"), [(1, 1), (60, 1), (4000, 6), (9984, 8), (10**9, 8)])
def test_codes_have_as_many_values_as_can_be_learnt(n: int, bits: int) -> None:
    assert n_bits(n) == bits
