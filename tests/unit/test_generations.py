"""Generations: published whole or not at all, checked before use, rolled back on demand."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from shopsearch.errors import GenerationMissing, IndexFault
from shopsearch.index import VectorIndex
from shopsearch.index.exact import ExactIndex
from shopsearch.index.faiss import FaissIndex
from shopsearch.index.folders import GenerationFolders
from shopsearch.index.generations import Generations, Manifest

FILES = ["alive.npy", "filters.json", "filters.npz", "keys.npy", "manifest.json", "vectors.npy"]

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


def test_what_is_published_is_live_and_whole(generations: Generations, home: Path) -> None:
    manifest = publish(generations)
    assert generations.current_id() == manifest.generation_id
    assert (home / "CURRENT").read_text() == manifest.generation_id + "\n"
    loaded = generations.load()
    assert loaded.manifest == manifest == generations.manifest(manifest.generation_id)
    np.testing.assert_array_equal(loaded.index.fetch(np.arange(3)), index_of(3).fetch(np.arange(3)))
    assert (manifest.encoder_id, manifest.fusion_id) == ("encoder-a", "average")
    assert (manifest.index_kind, manifest.dimension, manifest.count) == ("exact", 4, 3)
    assert (manifest.metric, manifest.schema_version, manifest.store_revision) == ("cosine", 1, 7)
    written = {path.name for path in (home / "generations" / manifest.generation_id).iterdir()}
    assert written == {*manifest.files, "manifest.json"}


@pytest.mark.parametrize("kind", ["auto", "hnsw"])
def test_a_faiss_index_comes_back_as_what_it_was(generations: Generations, kind: str) -> None:
    index = FaissIndex(4, kind, m=8)  # type: ignore[arg-type]
    index.upsert(np.arange(4), np.eye(4, dtype=np.float32), [{}] * 4)
    manifest = generations.publish(index, encoder_id="e", fusion_id="f", store_revision=0)
    loaded = generations.load().index
    assert loaded.kind == index.kind == manifest.index_kind
    assert loaded.search(np.eye(4, dtype=np.float32), 1).keys[:, 0].tolist() == [0, 1, 2, 3]


def test_without_any_generation_the_message_says_to_index_a_feed(generations: Generations) -> None:
    assert generations.current_id() is None
    assert generations.manifests() == []
    with pytest.raises(GenerationMissing, match="shopsearch index FEED"):
        generations.load()


def test_ids_grow_even_when_the_clock_is_set_back(generations: Generations, home: Path) -> None:
    future = home / "generations" / "29991231T235959999-ffff"
    future.mkdir(parents=True)
    ids = [publish(generations).generation_id for _ in range(3)]
    assert ids == sorted(ids)
    assert ids[0].startswith("30000101T000000000-")


def test_ids_grow_beyond_the_live_one_though_its_folder_is_not_here(
    generations: Generations, home: Path
) -> None:
    home.mkdir(exist_ok=True)
    generations.current.make_live("29990101T000000000-abcd")  # by a machine that is ahead

    published = publish(generations)

    assert published.generation_id > "29990101T000000000-abcd"
    assert generations.current_id() == published.generation_id


def test_the_newest_generations_are_kept_and_the_live_one_always(home: Path) -> None:
    generations = Generations(home, LOADERS, keep=2)
    first, second, third = (publish(generations).generation_id for _ in range(3))
    assert [one.generation_id for one in generations.manifests()] == [third, second]
    assert first not in generations.ids()
    generations.rollback()
    assert generations.current_id() == second
    fourth = publish(generations).generation_id
    assert generations.ids() == [fourth, third]
    assert {path.name for path in (home / "generations").iterdir()} == {third, fourth}


def test_the_last_generation_of_each_of_the_latest_days_is_kept_too(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generations = Generations(home, LOADERS, keep=2)
    ids = [f"202611{day:02}T{hour:02}0000000-abcd" for day in (1, 2, 3) for hour in range(4)]
    upcoming = iter(ids)
    monkeypatch.setattr("shopsearch.index.generations.next_id", lambda _ids: next(upcoming))
    for _ in ids:
        publish(generations)

    assert generations.ids() == [ids[11], ids[10], ids[7]]
    assert generations.rollback(ids[7]).generation_id == ids[7]


def test_rollback_goes_back_one_by_one_and_to_a_named_one(generations: Generations) -> None:
    first, second, third = (publish(generations, n).generation_id for n in (1, 2, 3))
    assert generations.rollback().generation_id == second
    assert generations.rollback().generation_id == first
    assert len(generations.load().index) == 1
    with pytest.raises(GenerationMissing, match=f"before {first}.*shopsearch reindex"):
        generations.rollback()
    assert generations.rollback(third).generation_id == third
    assert len(generations.load().index) == 3


@pytest.mark.parametrize("name", ["20200101T000000000-0000", "../../etc", "nonsense"])
def test_a_generation_that_is_not_there_is_named_with_those_that_are(
    generations: Generations, name: str
) -> None:
    there = publish(generations).generation_id
    for ask in (generations.load, generations.rollback, generations.manifest):
        with pytest.raises(GenerationMissing) as caught:
            ask(name)
        assert name in str(caught.value)
        assert there in str(caught.value)
    assert generations.current_id() == there


# --- builds that end early ------------------------------------------------------------------------


def test_a_build_that_fails_leaves_the_live_generation_and_no_remains(
    generations: Generations, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = publish(generations).generation_id

    def fails(self: ExactIndex, folder: Path) -> None:
        (folder / "vectors.npy").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ExactIndex, "save", fails)
    with pytest.raises(IndexFault, match=r"No space left.*make room"):
        publish(generations)
    assert generations.current_id() == before
    assert [path.name for path in (home / "generations").iterdir()] == [before]


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(IndexFault, match=r"home/generations.*SHOPSEARCH_HOME"):
        publish(Generations(tmp_path / "home", LOADERS))


def test_a_process_killed_while_publishing_harms_nothing(
    generations: Generations, home: Path
) -> None:
    before = publish(generations).generation_id
    killed = textwrap.dedent(
        f"""
        import os, signal
        from pathlib import Path
        from shopsearch.index.exact import ExactIndex
        from shopsearch.index.generations import Generations

        class Killed(ExactIndex):
            def save(self, folder):
                super().save(folder)
                os.kill(os.getpid(), signal.SIGKILL)

        Generations(Path({str(home)!r}), {{}}).publish(
            Killed(4), encoder_id="e", fusion_id="f", store_revision=1)
        """
    )
    done = subprocess.run([sys.executable, "-c", killed], check=False, timeout=60)
    assert done.returncode == -9
    assert len(list((home / "generations").glob(".building-*"))) == 1
    assert generations.load().manifest.generation_id == before
    assert generations.ids() == [before]
    after = publish(generations).generation_id
    assert {path.name for path in (home / "generations").iterdir()} == {before, after}


def test_the_build_of_another_living_process_is_left_alone_until_it_is_a_day_old(
    generations: Generations, home: Path
) -> None:
    other = home / "generations" / f".building-{os.getppid()}-20260101T000000000-abcd"
    other.mkdir(parents=True)
    publish(generations)
    assert other.is_dir()
    yesterday = time.time() - 25 * 3600
    os.utime(other, (yesterday, yesterday))
    publish(generations)
    assert not other.exists()


def test_what_another_part_of_this_process_is_building_is_left_alone(home: Path) -> None:
    with GenerationFolders(home).built_beside("20260101T000000000-abcd") as building:
        GenerationFolders(home).clear_leftovers()
        assert building.is_dir()
    assert not building.exists()


def test_a_half_removed_generation_is_cleared(generations: Generations, home: Path) -> None:
    doomed = home / "generations" / ".removing-20260101T000000000-abcd"
    doomed.mkdir(parents=True)
    (doomed / "vectors.npy").write_bytes(b"x")
    publish(generations)
    assert not doomed.exists()


def test_files_reach_the_disk_before_the_name_that_leads_to_them(
    generations: Generations, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.mkdir()
    steps: list[str] = []
    fsync, rename, replace = os.fsync, Path.rename, Path.replace

    def watched_fsync(descriptor: int) -> None:
        steps.append("fsync " + Path(f"/proc/self/fd/{descriptor}").readlink().name)
        fsync(descriptor)

    def watched_rename(self: Path, target: Path) -> Path:
        steps.append("rename")
        return rename(self, target)

    def watched_replace(self: Path, target: Path) -> Path:
        steps.append("replace " + target.name)
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(Path, "rename", watched_rename)
    monkeypatch.setattr(Path, "replace", watched_replace)
    manifest = publish(generations)
    files = {f"fsync {name}" for name in FILES}
    at = steps.index("rename")
    assert set(steps[: len(files)]) == files
    assert steps[at - 1].endswith(manifest.generation_id)
    assert steps[at + 1] == "fsync generations"
    assert [step.split(".")[0] for step in steps[at + 2 :]] == [
        "fsync CURRENT",
        "replace CURRENT",
        "fsync home",
    ]
