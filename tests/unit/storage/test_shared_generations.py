"""Generations that several machines share through a storage."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest

from shopsearch.errors import GenerationDamaged, GenerationMissing, GenerationUnreachable
from shopsearch.index.current import CurrentFile
from shopsearch.index.exact import ExactIndex
from shopsearch.index.generations import Generations
from shopsearch.index.manifest import Manifest
from shopsearch.index.shared import SETTLED_S, SharedGenerations
from shopsearch.storage.address import StorageAddress
from shopsearch.storage.object_storage import ObjectStorage

LOADERS: dict[str, Callable[[Path], Any]] = {"exact": ExactIndex.load}


class Flaky:
    """The memory file system; after `left` uploads its network is gone."""

    def __init__(self) -> None:
        self.left = 1_000
        self._files = fsspec.filesystem("memory")

    def __getattr__(self, name: str) -> Any:
        if name in ("put_file", "pipe_file"):
            self.left -= 1
        if self.left < 0:
            raise ConnectionResetError("the network is gone")
        return getattr(self._files, name)


class World:
    """Machines with homes of their own, one storage and one name of what is live."""

    def __init__(self, tmp_path: Path) -> None:
        self.files = Flaky()
        self.address = StorageAddress.of(f"memory://{secrets.token_hex(4)}")
        self.storage = ObjectStorage(self.address, make=lambda _: self.files)
        self._tmp_path = tmp_path
        self._named = tmp_path / "named"
        self._named.mkdir()
        self.now_ahead_s = 0.0

    def machine(self, name: str, keep: int = 2) -> Generations:
        import time

        return Generations(
            self._tmp_path / name,
            LOADERS,
            keep=keep,
            current=CurrentFile(self._named),
            shared=SharedGenerations(self.storage, clock=lambda: time.time() + self.now_ahead_s),
        )

    def blobs(self) -> set[str]:
        return {one.name for one in self.storage.names("blobs")}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def index_of(*keys: int) -> ExactIndex:
    index = ExactIndex(4)
    vectors = np.eye(4, dtype=np.float32)[[key % 4 for key in keys]]
    index.upsert(np.array(keys), vectors, [{} for _ in keys])
    return index


def publish(generations: Generations, *keys: int) -> Manifest:
    return generations.publish(index_of(*keys), encoder_id="e", fusion_id="f", store_revision=1)


def test_what_one_machine_publishes_another_one_loads(world: World) -> None:
    manifest = publish(world.machine("indexer"), 1, 2, 3)
    node = world.machine("node")
    assert node.ids() == [manifest.generation_id]
    loaded = node.load()
    assert loaded.manifest == manifest
    assert len(loaded.index) == 3


def test_a_machine_fetches_a_generation_once(world: World) -> None:
    publish(world.machine("indexer"), 1)
    world.machine("node").load()
    world.files.left = -1
    assert world.machine("node").load().manifest.count == 1


def test_a_file_that_did_not_change_is_neither_sent_nor_fetched_again(
    world: World, tmp_path: Path
) -> None:
    indexer, node = world.machine("indexer"), world.machine("node")
    first = publish(indexer, 1, 2)
    node.load()
    blobs = world.blobs()
    second = publish(indexer, 1, 2)
    assert world.blobs() == blobs
    node.load()
    for name in second.files:
        one, two = (
            tmp_path / "node" / "generations" / manifest.generation_id / name
            for manifest in (first, second)
        )
        assert one.samefile(two)


@pytest.mark.parametrize("n_sent", [0, 1, 2])
def test_a_network_lost_while_a_generation_is_sent_leaves_the_live_one(
    world: World, n_sent: int
) -> None:
    indexer = world.machine("indexer")
    live = publish(indexer, 1).generation_id
    world.files.left = n_sent
    with pytest.raises(GenerationUnreachable, match="the network is gone"):
        publish(indexer, 1, 2)
    world.files.left = 1_000
    assert indexer.current_id() == live
    assert world.machine("node").ids() == [live]
    assert world.machine("node").load().manifest.count == 1
    assert not indexer.leftovers()


def test_half_an_upload_is_cleared_by_a_later_run(world: World) -> None:
    publish(world.machine("indexer"), 1)
    whole = world.blobs()
    world.files.left = 1
    with pytest.raises(GenerationUnreachable):
        publish(world.machine("indexer"), 1, 2, 3)
    world.files.left = 1_000
    half = world.blobs() - whole
    assert half
    publish(world.machine("indexer"), 1)
    assert half <= world.blobs()  # it could be another machine's that is writing just now
    world.now_ahead_s = SETTLED_S + 1
    publish(world.machine("indexer"), 1)
    assert not half & world.blobs()


def test_a_machine_that_cannot_reach_the_storage_says_so(world: World) -> None:
    publish(world.machine("indexer"), 1)
    world.files.left = -1
    with pytest.raises(GenerationUnreachable, match=r"memory://.*the network is gone"):
        world.machine("node").load()


def test_pruning_removes_from_the_storage_and_keeps_what_others_use(world: World) -> None:
    indexer = world.machine("indexer", keep=1)
    shared = publish(indexer, 1, 2)
    publish(indexer, 1, 2, 3)
    last = publish(indexer, 1, 2)
    assert indexer.ids() == [last.generation_id]
    assert world.blobs() == {f"blobs/{one}" for one in last.files.values()}
    assert shared.files == last.files
    assert world.machine("node").load().manifest == last


def test_a_machine_keeps_only_the_newest_at_hand(world: World, tmp_path: Path) -> None:
    indexer, node = world.machine("indexer", keep=9), world.machine("node", keep=1)
    for keys in ((1,), (1, 2), (1, 2, 3)):
        publish(indexer, *keys)
        node.load()
    folders = [p.name for p in (tmp_path / "node" / "generations").iterdir() if p.is_dir()]
    assert folders == [indexer.current_id()]


def test_any_machine_rolls_back(world: World) -> None:
    indexer = world.machine("indexer")
    first = publish(indexer, 1)
    publish(indexer, 1, 2)
    assert world.machine("node").rollback().generation_id == first.generation_id
    assert indexer.load().manifest == first


def test_a_damaged_copy_at_hand_is_fetched_again(world: World, tmp_path: Path) -> None:
    manifest = publish(world.machine("indexer"), 1, 2)
    world.machine("node").load()
    folder = tmp_path / "node" / "generations" / manifest.generation_id
    for name in manifest.files:
        (folder / name).write_bytes(b"spoilt")
    assert len(world.machine("node").load().index) == 2


def test_a_damaged_file_at_hand_spoils_no_other_generation(world: World, tmp_path: Path) -> None:
    indexer = world.machine("indexer")
    first = publish(indexer, 1, 2)
    world.machine("node").load()
    for name in first.files:
        (tmp_path / "node" / "generations" / first.generation_id / name).write_bytes(b"spoilt")
    publish(indexer, 1, 2)
    assert len(world.machine("node").load().index) == 2


def test_damage_in_the_storage_never_gets_into_place(world: World, tmp_path: Path) -> None:
    manifest = publish(world.machine("indexer"), 1, 2)
    checksum = next(iter(manifest.files.values()))
    world.storage.write(f"blobs/{checksum}", b"spoilt")
    with pytest.raises(GenerationDamaged, match="its manifest says"):
        world.machine("node").load()
    assert not (tmp_path / "node" / "generations" / manifest.generation_id).exists()
    world.storage.delete([f"blobs/{checksum}"])
    with pytest.raises(GenerationDamaged, match="is not in memory://"):
        world.machine("node").load()


@pytest.mark.parametrize("name", ["../../evil", "/etc/cron.d/evil", ".ssh"])
def test_a_hostile_manifest_writes_nowhere_else(world: World, tmp_path: Path, name: str) -> None:
    manifest = publish(world.machine("indexer"), 1)
    place = f"generations/{manifest.generation_id}/manifest.json"
    text = world.storage.read(place)
    assert text is not None
    fields = json.loads(text)
    fields.pop("checksum")
    fields["files"] = {name: "0" * 64}
    Manifest(**fields).write(tmp_path)
    world.storage.write(place, (tmp_path / "manifest.json").read_bytes())
    with pytest.raises(GenerationDamaged, match="names a file that cannot be one"):
        world.machine("node").load()


@pytest.mark.parametrize("generation_id", ["../x", "20260101T000000000-ffff", ""])
def test_what_is_not_there_is_missing(world: World, generation_id: str) -> None:
    publish(world.machine("indexer"), 1)
    with pytest.raises(GenerationMissing):
        world.machine("node").folder(generation_id)
