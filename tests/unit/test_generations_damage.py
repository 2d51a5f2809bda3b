"""A generation that is damaged, or not what its manifest says, is never used."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from shopsearch.errors import GenerationDamaged, GenerationMismatch, GenerationMissing
from shopsearch.index import VectorIndex
from shopsearch.index.exact import ExactIndex
from shopsearch.index.faiss import FaissIndex
from shopsearch.index.generations import Generations, Manifest

LOADERS: dict[str, Callable[[Path], VectorIndex]] = {
    "exact": ExactIndex.load,
    "faiss-flat": FaissIndex.load,
    "faiss-hnsw": FaissIndex.load,
}


def index_of(n: int) -> ExactIndex:
    index = ExactIndex(4)
    rows = [{"n": float(place), "word": (f"w{place}",)} for place in range(n)]
    index.upsert(np.arange(n), np.eye(4, dtype=np.float32)[np.arange(n) % 4], rows)
    return index


def publish(generations: Generations, n: int = 3, revision: int = 7) -> Manifest:
    return generations.publish(
        index_of(n), encoder_id="encoder-a", fusion_id="average", store_revision=revision
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def generations(home: Path) -> Generations:
    return Generations(home, LOADERS)


FILES = ["alive.npy", "filters.json", "filters.npz", "keys.npy", "manifest.json", "vectors.npy"]


def test_the_damage_tests_know_every_file(generations: Generations) -> None:
    assert sorted([*publish(generations).files, "manifest.json"]) == FILES


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut_in_half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    os.truncate(path, 0)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", [flip_a_bit, cut_in_half, empty, Path.unlink])
def test_damage_to_any_file_is_noticed_and_named(
    generations: Generations, home: Path, name: str, damage: Callable[[Path], None]
) -> None:
    path = home / "generations" / publish(generations).generation_id / name
    damage(path)
    with pytest.raises((GenerationDamaged, GenerationMismatch)) as caught:
        generations.load()
    assert str(path) in str(caught.value)
    assert "shopsearch reindex" in str(caught.value)


def test_every_single_changed_character_of_a_manifest_is_noticed(
    generations: Generations, home: Path
) -> None:
    path = home / "generations" / publish(generations).generation_id / "manifest.json"
    original = path.read_text()
    for place in [place for place, one in enumerate(original) if one.isalnum()]:
        other = "7" if original[place] != "7" else "8"
        path.write_text(original[:place] + other + original[place + 1 :])
        with pytest.raises((GenerationDamaged, GenerationMismatch), match=r"manifest\.json"):
            generations.load()


@pytest.mark.parametrize("content", ["", "\n", "../../elsewhere\n", "\x00\x00", "2026"])
def test_a_damaged_current_is_noticed(generations: Generations, home: Path, content: str) -> None:
    publish(generations)
    (home / "CURRENT").write_text(content)
    with pytest.raises(
        GenerationDamaged, match=r"CURRENT names no generation.*shopsearch rollback"
    ):
        generations.load()


def test_rollback_repairs_a_damaged_current(generations: Generations, home: Path) -> None:
    publish(generations)
    newest = publish(generations).generation_id
    (home / "CURRENT").write_text("?")
    assert generations.rollback().generation_id == newest
    assert generations.load().manifest.generation_id == newest


def test_a_current_that_names_a_missing_generation_says_how_to_go_on(
    generations: Generations, home: Path
) -> None:
    publish(generations)
    (home / "CURRENT").write_text("20200101T000000000-0000\n")
    with pytest.raises(GenerationMissing, match=r"20200101T000000000-0000.*shopsearch rollback"):
        generations.load()


def rewrite_manifest(home: Path, generation_id: str, **changes: object) -> None:
    """A manifest with a right checksum and wrong contents."""
    folder = home / "generations" / generation_id
    fields = json.loads((folder / "manifest.json").read_text())
    del fields["checksum"]
    Manifest(**{**fields, **changes}).write(folder)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"count": 4}, GenerationDamaged, "holds 3 vectors.*says 4"),
        ({"dimension": 5}, GenerationDamaged, "of 4 dimensions.*of 5"),
        ({"index_kind": "milvus"}, GenerationMismatch, "kind 'milvus'.*exact.*reindex"),
        ({"schema_version": 99}, GenerationMismatch, "schema version 99.*reads 1.*reindex"),
        ({"files": {"../x": "0"}}, GenerationDamaged, r"names '\.\./x'"),
    ],
)
def test_a_manifest_that_disagrees_with_its_index_is_refused(
    generations: Generations,
    home: Path,
    changes: dict[str, object],
    error: type[Exception],
    message: str,
) -> None:
    rewrite_manifest(home, publish(generations).generation_id, **changes)
    with pytest.raises(error, match=message):
        generations.load()


def test_the_list_leaves_out_what_cannot_be_read(generations: Generations, home: Path) -> None:
    good, bad = publish(generations).generation_id, publish(generations).generation_id
    flip_a_bit(home / "generations" / bad / "manifest.json")
    assert [one.generation_id for one in generations.manifests()] == [good]


def test_a_manifest_of_another_encoder_or_fusion_names_both_and_the_remedy(
    generations: Generations,
) -> None:
    manifest = publish(generations)
    manifest.check(encoder_id="encoder-a", fusion_id="average")
    with pytest.raises(GenerationMismatch, match=r"encoder 'encoder-a'.*'encoder-b'.*reindex"):
        manifest.check(encoder_id="encoder-b", fusion_id="average")
    with pytest.raises(GenerationMismatch, match=r"fusion 'average'.*'gated'.*reindex"):
        manifest.check(encoder_id="encoder-a", fusion_id="gated")


def test_rollback_does_not_make_a_damaged_generation_live(
    generations: Generations, home: Path
) -> None:
    first, second = publish(generations).generation_id, publish(generations).generation_id
    (home / "generations" / first / "vectors.npy").unlink()
    with pytest.raises(GenerationDamaged, match=r"vectors\.npy"):
        generations.rollback()
    assert generations.current_id() == second
