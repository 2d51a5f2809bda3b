"""A process that answers from an index follows every swap, and never goes without one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from shopsearch.errors import EncoderUnavailable, GenerationDamaged, GenerationMissing
from shopsearch.index import VectorIndex, live
from shopsearch.index.exact import ExactIndex
from shopsearch.index.generations import Generation, Generations, Manifest
from shopsearch.index.live import LiveGeneration


def publish(generations: Generations, n: int) -> Manifest:
    """A generation whose n vectors all lie along axis n."""
    index = ExactIndex(8)
    index.upsert(np.arange(n), np.repeat(np.eye(8, dtype=np.float32)[n : n + 1], n, 0), [{}] * n)
    return generations.publish(index, encoder_id="e", fusion_id="f", store_revision=n)


class Loader:
    """Loads as usual, counts, and can be told to wait."""

    def __init__(self) -> None:
        self.count = 0
        self.started = threading.Event()
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def __call__(self, folder: Path) -> VectorIndex:
        self.count += 1
        self.started.set()
        assert self.may_go_on.wait(20)
        return ExactIndex.load(folder)


@pytest.fixture
def loader() -> Loader:
    return Loader()


@pytest.fixture
def generations(tmp_path: Path, loader: Loader) -> Generations:
    return Generations(tmp_path, {"exact": loader}, keep=10)


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def test_before_the_first_feed_it_says_so_and_then_serves(generations: Generations) -> None:
    serving = LiveGeneration(generations, check_every_s=0)
    with pytest.raises(GenerationMissing, match="shopsearch index FEED"):
        serving.get()
    first = publish(generations, 1)
    assert serving.get().manifest == first


def test_a_swap_and_a_rollback_are_followed(generations: Generations, loader: Loader) -> None:
    first = publish(generations, 1)
    serving = LiveGeneration(generations, check_every_s=0)
    assert serving.get().manifest == first
    second = publish(generations, 2)
    assert (serving.get().manifest, len(serving.get().index)) == (second, 2)
    generations.rollback()
    before = loader.count
    assert [serving.get().manifest for _ in range(3)] == [first] * 3
    assert loader.count == before + 1


def test_within_one_search_the_generation_stays_the_same(generations: Generations) -> None:
    first = publish(generations, 1)
    serving = LiveGeneration(generations, check_every_s=0)
    with serving.one() as held:
        second = publish(generations, 2)
        with ThreadPoolExecutor(1) as elsewhere:
            assert elsewhere.submit(serving.get).result().manifest == second
        assert held.manifest == serving.get().manifest == first
    assert serving.get().manifest == second


def test_in_the_background_a_generation_is_made_ready_before_anybody_answers_from_it(
    generations: Generations,
) -> None:
    first = publish(generations, 1)
    serving = LiveGeneration(generations, check_every_s=0)
    ready: list[tuple[Manifest, Manifest]] = []

    def prepare(generation: Generation) -> None:
        with ThreadPoolExecutor(1) as request:
            meanwhile = request.submit(serving.get).result()
        ready.append((serving.get().manifest, meanwhile.manifest))
        raise EncoderUnavailable("no weights")  # which keeps nobody from answering

    look = serving.in_background(prepare)
    serving.get()
    second = publish(generations, 2)
    assert serving.get().manifest == first
    look()
    assert serving.get().manifest == second
    assert ready == [(second, first)]


def test_between_two_checks_nothing_is_read(generations: Generations) -> None:
    first = publish(generations, 1)
    serving = LiveGeneration(generations, check_every_s=3600)
    serving.get()
    publish(generations, 2)
    assert serving.get().manifest == first


def test_a_damaged_new_generation_is_passed_over(
    generations: Generations, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = publish(generations, 1)
    serving = LiveGeneration(generations, check_every_s=0)
    serving.get()
    broken = tmp_path / "generations" / publish(generations, 2).generation_id / "vectors.npy"
    flip_a_bit(broken)
    assert [serving.get().manifest for _ in range(3)] == [first] * 3
    assert str(broken) in serving.trouble
    assert "shopsearch reindex" in serving.trouble
    third = publish(generations, 3)
    assert serving.get().manifest == third
    assert serving.trouble == ""


@pytest.mark.parametrize("damage", [flip_a_bit, Path.unlink, lambda path: path.write_bytes(b"")])
@pytest.mark.parametrize("name", ["vectors.npy", "filters.json", "manifest.json"])
def test_a_start_on_a_damaged_generation_falls_back_to_the_newest_good_one(
    generations: Generations, tmp_path: Path, name: str, damage: Callable[[Path], object]
) -> None:
    publish(generations, 1)
    second = publish(generations, 2)
    broken = tmp_path / "generations" / publish(generations, 3).generation_id / name
    damage(broken)
    starting = LiveGeneration(generations, check_every_s=0)
    assert [starting.get().manifest for _ in range(3)] == [second] * 3
    assert str(broken) in starting.trouble
    assert second.generation_id in starting.trouble
    assert "shopsearch reindex" in starting.trouble


def test_the_fallback_passes_over_damaged_generations_and_those_that_do_not_fit(
    generations: Generations, tmp_path: Path
) -> None:
    first = publish(generations, 1)
    flip_a_bit(tmp_path / "generations" / publish(generations, 2).generation_id / "keys.npy")
    foreign = publish(generations, 3)
    flip_a_bit(tmp_path / "generations" / publish(generations, 4).generation_id / "keys.npy")
    starting = LiveGeneration(generations, fits=lambda one: one != foreign)
    assert starting.get().manifest == first


def test_without_a_good_generation_the_damage_itself_is_told(
    generations: Generations, tmp_path: Path
) -> None:
    flip_a_bit(tmp_path / "generations" / publish(generations, 1).generation_id / "keys.npy")
    with pytest.raises(GenerationDamaged, match=r"keys\.npy"):
        LiveGeneration(generations).get()


def test_a_generation_newer_than_the_damaged_one_never_stands_in(
    generations: Generations, tmp_path: Path
) -> None:
    first = publish(generations, 1)
    publish(generations, 2)
    generations.rollback()
    flip_a_bit(tmp_path / "generations" / first.generation_id / "keys.npy")
    with pytest.raises(GenerationDamaged):
        LiveGeneration(generations).get()


def test_a_start_on_a_damaged_current_takes_the_newest_and_says_so(
    generations: Generations, tmp_path: Path
) -> None:
    publish(generations, 1)
    second = publish(generations, 2)
    (tmp_path / "CURRENT").write_bytes(b"\xff\x00")
    starting = LiveGeneration(generations, check_every_s=0)
    assert [starting.get().manifest for _ in range(3)] == [second] * 3
    assert "CURRENT" in starting.trouble


def test_after_a_fallback_the_repaired_generation_is_taken_up(
    generations: Generations, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = publish(generations, 1), publish(generations, 2)
    broken = tmp_path / "generations" / second.generation_id / "vectors.npy"
    whole = broken.read_bytes()
    flip_a_bit(broken)
    starting = LiveGeneration(generations, check_every_s=0)
    assert starting.get().manifest == first
    broken.write_bytes(whole)
    assert starting.get().manifest == first  # it is not read again at every request
    monkeypatch.setattr(live, "RETRY_AFTER_S", 0.0)
    assert LiveGeneration(generations, check_every_s=0).get().manifest == second
    starting._retry_at = 0.0
    assert starting.get().manifest == second
    assert starting.trouble == ""


def test_a_damaged_generation_is_not_read_again_and_again(
    generations: Generations, tmp_path: Path, loader: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(generations, 1)
    serving = LiveGeneration(generations, check_every_s=0)
    serving.get()
    flip_a_bit(tmp_path / "generations" / publish(generations, 2).generation_id / "vectors.npy")
    loads: list[str | None] = []
    load = Generations.load

    def watched(self: Generations, generation_id: str | None = None) -> object:
        loads.append(generation_id)
        return load(self, generation_id)

    monkeypatch.setattr(Generations, "load", watched)
    for _ in range(5):
        serving.get()
    assert len(loads) == 1


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_text("?")])
def test_a_lost_or_damaged_current_does_not_stop_the_service(
    generations: Generations, tmp_path: Path, spoil: Callable[[Path], object]
) -> None:
    first = publish(generations, 1)
    serving = LiveGeneration(generations, check_every_s=0)
    serving.get()
    spoil(tmp_path / "CURRENT")
    assert serving.get().manifest == first


def test_while_one_caller_loads_the_others_go_on_with_the_old_one(
    generations: Generations, loader: Loader
) -> None:
    first = publish(generations, 1)
    serving = LiveGeneration(generations, check_every_s=0)
    serving.get()
    second = publish(generations, 2)
    loader.started.clear()
    loader.may_go_on.clear()
    got: list[Manifest] = []
    slow = threading.Thread(target=lambda: got.append(serving.get().manifest))
    slow.start()
    assert loader.started.wait(20)
    started = time.monotonic()
    assert [serving.get().manifest for _ in range(100)] == [first] * 100
    assert time.monotonic() - started < 5
    assert loader.count == 2
    loader.may_go_on.set()
    slow.join(20)
    assert got == [second]
    assert serving.get().manifest == second


def test_many_first_callers_load_once(generations: Generations, loader: Loader) -> None:
    first = publish(generations, 1)
    serving = LiveGeneration(generations)
    loader.may_go_on.clear()
    got: list[Manifest] = []
    callers = [
        threading.Thread(target=lambda: got.append(serving.get().manifest)) for _ in range(8)
    ]
    for caller in callers:
        caller.start()
    assert loader.started.wait(20)
    loader.may_go_on.set()
    for caller in callers:
        caller.join(20)
    assert got == [first] * 8
    assert loader.count == 1


def test_readers_see_whole_generations_while_they_are_swapped(generations: Generations) -> None:
    publish(generations, 1)
    serving = LiveGeneration(generations, check_every_s=0)
    stop = threading.Event()
    seen: set[int] = set()
    wrong: list[object] = []

    def read() -> None:
        while not stop.is_set():
            generation = serving.get()
            n = generation.manifest.count
            found = generation.index.search(np.eye(8, dtype=np.float32)[n : n + 1], 8)
            if found.keys.tolist() != [list(range(n))] or not np.all(found.scores == 1.0):
                wrong.append((n, found))
            seen.add(n)

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for n in (2, 3, 4, 5, 6):
        publish(generations, n)
        deadline = time.monotonic() + 20
        while n not in seen and time.monotonic() < deadline:
            time.sleep(0.005)
    stop.set()
    for reader in readers:
        reader.join(20)
    assert wrong == []
    assert seen >= {2, 3, 4, 5, 6}
