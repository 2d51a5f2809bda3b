"""How the FAISS index chooses its structure and its plan."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from shopsearch.domain import EVERYTHING, Between, ProductFilter
from shopsearch.index import faiss as faiss_room
from shopsearch.index import graph as plan
from shopsearch.index.exact import ExactIndex
from shopsearch.index.faiss import FaissIndex
from shopsearch.index.graph import Graph

N, DIMENSION = 4000, 24


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def clustered(n: int, seed: int = 0) -> np.ndarray:
    centres = np.random.default_rng(0).normal(size=(40, DIMENSION))
    rng = np.random.default_rng(seed)
    return unit(centres[rng.integers(40, size=n)] + 0.4 * rng.normal(size=(n, DIMENSION)))


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    return clustered(N)


@pytest.fixture(scope="module")
def ranks(vectors: np.ndarray) -> dict[str, np.ndarray]:
    """Numbers in 0..1 to filter by: one drawn by chance, one that follows the vectors."""
    along = vectors @ unit(np.random.default_rng(5).normal(size=(1, DIMENSION)))[0]
    return {
        "chance": np.random.default_rng(3).permutation(N) / N,
        "along": np.argsort(np.argsort(along)) / N,
    }


@pytest.fixture(scope="module")
def indexes(vectors: np.ndarray, ranks: dict[str, np.ndarray]) -> tuple[FaissIndex, ExactIndex]:
    rows = [{name: float(rank[place]) for name, rank in ranks.items()} for place in range(N)]
    graph = FaissIndex(DIMENSION, "hnsw", m=16, ef_construction=100)
    truth = ExactIndex(DIMENSION)
    for index in (graph, truth):
        index.upsert(np.arange(1, N + 1), vectors, rows)
        # a third of the positions is dead, as after many changes
        index.upsert(np.arange(1, N // 2 + 1), vectors[: N // 2], rows[: N // 2])
    return graph, truth


def recall_at_10(
    graph: FaissIndex, truth: ExactIndex, queries: np.ndarray, where: ProductFilter
) -> float:
    found, wanted = graph.search(queries, 10, where), truth.search(queries, 10, where)
    assert np.array_equal(found.keys >= 0, wanted.keys >= 0)
    shared = [
        len(set(ours[ours >= 0]) & set(theirs[theirs >= 0]))
        for ours, theirs in zip(found.keys, wanted.keys, strict=True)
    ]
    return sum(shared) / int((wanted.keys >= 0).sum())


def candidates_asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many candidates graphs are asked for from here on; 0 where it is for no query."""
    asked: list[int] = []
    nearest = Graph.nearest

    def watched(self: Graph, queries: np.ndarray, candidates: int) -> object:
        asked.append(candidates if len(queries) else 0)
        return nearest(self, queries, candidates)

    monkeypatch.setattr(Graph, "nearest", watched)
    return asked


@pytest.mark.parametrize("compared", [1, 4, 64])
@pytest.mark.parametrize("field", ["chance", "along"])
@pytest.mark.parametrize("kept", [1.0, 0.5, 0.1, 0.05, 0.01, 0.005, 0.001])
def test_recall_stays_over_99_percent_at_every_selectivity(
    indexes: tuple[FaissIndex, ExactIndex],
    monkeypatch: pytest.MonkeyPatch,
    kept: float,
    field: str,
    compared: int,
) -> None:
    # smaller figures let the graph answer where, in so small a set, it would not be asked
    monkeypatch.setattr(plan, "COMPARED_PER_CANDIDATE", compared)
    monkeypatch.setattr(plan, "EF_AT_LEAST", 320 if compared == 64 else 160)
    where = EVERYTHING if kept == 1.0 else ProductFilter((Between(field, None, kept - 1e-9),))
    assert recall_at_10(*indexes, clustered(100, seed=1), where) >= 0.99


def test_the_graph_is_asked_where_it_is_cheaper_and_only_there(
    indexes: tuple[FaissIndex, ExactIndex], monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, _ = indexes
    asked: list[int] = []
    search = Graph.search

    def watched(self: Graph, *arguments: object) -> object:
        asked.append(1)
        return search(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Graph, "search", watched)
    monkeypatch.setattr(plan, "COMPARED_PER_CANDIDATE", 4)
    graph.search(clustered(1), 10)
    assert len(asked) == 1
    graph.search(clustered(1), 10, ProductFilter((Between("chance", None, 0.05),)))
    assert len(asked) == 1


def test_a_filter_that_avoids_the_query_is_answered_exactly(
    vectors: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "COMPARED_PER_CANDIDATE", 0)
    monkeypatch.setattr(plan, "EF_AT_LEAST", 16)
    query = vectors[:1]
    nearness = np.argsort(np.argsort(vectors @ query[0])) / N  # 1 is nearest
    index = FaissIndex(DIMENSION, "hnsw", m=16, ef_construction=40)
    assert len(vectors) > faiss_room.TAIL_UP_TO
    index.upsert(np.arange(N), vectors, [{"near": float(value)} for value in nearness])
    found = index.search(query, 10, ProductFilter((Between("near", None, 0.5),)))
    allowed = np.flatnonzero(nearness <= 0.5)
    best = allowed[np.argsort(-(vectors[allowed] @ query[0]))][:10]
    assert set(found.keys[0]) == set(best)


def test_the_graph_is_probed_and_not_asked_in_vain_where_a_filter_avoids_the_query(
    indexes: tuple[FaissIndex, ExactIndex], vectors: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, truth = indexes
    monkeypatch.setattr(plan, "COMPARED_PER_CANDIDATE", 1)
    asked = candidates_asked(monkeypatch)
    direction = unit(np.random.default_rng(5).normal(size=(1, DIMENSION)))
    away = ProductFilter((Between("along", None, 0.5),))
    assert recall_at_10(graph, truth, direction, away) == 1.0
    assert asked == [plan.PROBED, 0]
    graph.search(-direction, 10, away)
    assert asked[2:] == [plan.PROBED, plan.EF_AT_LEAST]


def test_of_four_times_the_vectors_twice_the_candidates_are_kept(
    indexes: tuple[FaissIndex, ExactIndex], monkeypatch: pytest.MonkeyPatch
) -> None:
    graph, _ = indexes
    asked = candidates_asked(monkeypatch)
    monkeypatch.setattr(plan, "COMPARED_PER_CANDIDATE", 1)
    monkeypatch.setattr(plan, "EF_AT_LEAST", 64)
    for grows_from in (N, N / 4):  # the others are in the tail
        monkeypatch.setattr(plan, "EF_GROWS_FROM", grows_from)
        graph.search(clustered(1), 1)
    assert asked == [plan.PROBED, 64, plan.PROBED, 128]


def test_auto_turns_into_a_graph_beyond_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faiss_room, "FLAT_UP_TO", 30)
    index = FaissIndex(DIMENSION, m=8)
    some = clustered(40)
    index.upsert(np.arange(30), some[:30], [{}] * 30)
    assert index.kind == "faiss-flat"
    index.upsert(np.arange(20, 40), some[20:], [{}] * 20)
    assert (index.kind, len(index)) == ("faiss-hnsw", 40)
    assert index.search(some, 1).keys[:, 0].tolist() == list(range(40))
    np.testing.assert_array_equal(index.fetch(np.arange(40)), some)


@pytest.mark.parametrize(("kind", "expected"), [("flat", "faiss-flat"), ("hnsw", "faiss-hnsw")])
def test_a_kind_that_was_asked_for_stays(
    kind: faiss_room.Kind, expected: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(faiss_room, "FLAT_UP_TO", 3)
    index = FaissIndex(DIMENSION, kind, m=8)
    assert index.kind == expected
    index.upsert(np.arange(8), clustered(8), [{}] * 8)
    index.save(tmp_path)
    loaded = FaissIndex.load(tmp_path)
    loaded.upsert(np.arange(8, 16), clustered(8, seed=2), [{}] * 8)
    assert index.kind == loaded.kind == expected


def test_a_kind_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match=r"auto, flat, hnsw, sq8, .*, not 'ivf'"):
        FaissIndex(DIMENSION, "ivf")  # type: ignore[arg-type]


@pytest.mark.parametrize(("n_dead", "n_written"), [(20, 100), (21, 79)])
def test_a_graph_is_built_anew_when_more_than_a_fifth_of_it_is_dead(
    n_dead: int, n_written: int, tmp_path: Path
) -> None:
    index = FaissIndex(DIMENSION, "hnsw", m=8)
    index.upsert(np.arange(100), clustered(100), [{"n": float(n)} for n in range(100)])
    index.delete(np.arange(n_dead))
    index.save(tmp_path)
    assert len(np.load(tmp_path / "keys.npy")) == n_written
    loaded = FaissIndex.load(tmp_path)
    assert loaded.fields.matching(ProductFilter((Between("n", 0, 30),))).tolist() == list(
        range(n_dead, 31)
    )
    assert loaded.search(clustered(100)[n_dead:], 1).keys[:, 0].tolist() == list(range(n_dead, 100))


def test_the_arguments_are_saved_beside_the_index(tmp_path: Path) -> None:
    FaissIndex(DIMENSION, "hnsw", m=12, ef_construction=77).save(tmp_path)
    assert json.loads((tmp_path / "index.json").read_text()) == {
        "kind": "hnsw",
        "m": 12,
        "ef_construction": 77,
    }


def loaded_graph(folder: Path, n: int = 400) -> FaissIndex:
    """A graph as it comes from the disk."""
    folder.mkdir()
    index = FaissIndex(DIMENSION, "hnsw", m=8)
    index.upsert(np.arange(n), clustered(n), [{"n": float(at)} for at in range(n)])
    index.save(folder)
    return FaissIndex.load(folder)


def test_what_is_put_into_a_loaded_graph_goes_beside_it_and_the_file_is_shared(
    tmp_path: Path,
) -> None:
    index, later = loaded_graph(tmp_path / "one"), clustered(30, seed=9)
    index.upsert(np.arange(390, 420), later, [{"n": 1000.0}] * 30)
    index.delete(np.arange(5))
    (tmp_path / "two").mkdir()
    index.save(tmp_path / "two")
    first, second = (tmp_path / name / "vectors.faiss" for name in ("one", "two"))
    assert first.samefile(second)
    loaded = FaissIndex.load(tmp_path / "two")
    assert len(loaded) == 400 + 20 - 5
    for one in (index, loaded):
        assert one.search(later, 1).keys[:, 0].tolist() == list(range(390, 420))
        assert one.fields.matching(ProductFilter((Between("n", 900, None),))).tolist() == list(
            range(390, 420)
        )
        np.testing.assert_array_equal(one.fetch(np.arange(390, 420)), later)
    assert len(FaissIndex.load(tmp_path / "one")) == 400


def test_two_indexes_of_one_file_share_the_graph_until_one_of_them_grows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faiss_room, "TAIL_UP_TO", 10)
    index, other = loaded_graph(tmp_path / "one"), FaissIndex.load(tmp_path / "one")
    assert other._vectors._faiss is index._vectors._faiss
    index.upsert(np.arange(400, 420), clustered(20, seed=9), [{}] * 20)
    assert (len(index._vectors), len(index._tail)) == (420, 0)
    assert (len(other._vectors), len(other)) == (400, 400)
    (tmp_path / "two").mkdir()
    index.save(tmp_path / "two")
    assert not (tmp_path / "one" / "vectors.faiss").samefile(tmp_path / "two" / "vectors.faiss")


def test_a_file_that_was_written_to_since_is_not_linked(tmp_path: Path) -> None:
    index = loaded_graph(tmp_path / "one")
    damaged = tmp_path / "one" / "vectors.faiss"
    damaged.write_bytes(damaged.read_bytes()[:-7])
    index.upsert(np.array([7]), clustered(1, seed=3), [{}])
    (tmp_path / "two").mkdir()
    index.save(tmp_path / "two")
    assert len(FaissIndex.load(tmp_path / "two")) == 400
