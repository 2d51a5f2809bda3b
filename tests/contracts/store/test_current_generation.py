"""What names the live generation: a file of one machine, or a row that several share."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from shopsearch.errors import GenerationDamaged
from shopsearch.following import Follower
from shopsearch.index.current import CurrentFile, CurrentGeneration
from shopsearch.index.exact import ExactIndex
from shopsearch.index.generations import Generations
from shopsearch.index.live import LiveGeneration
from shopsearch.store.sql import Database, SqlCurrentGeneration
from tests.postgresql import hang_up_others

FIRST, SECOND = "20260101T000000000-0000", "20260102T000000000-ffff"
FLOOR_S = 60.0  # no look that nothing was heard for comes in time for a test


@pytest.fixture
def row(database: Database) -> SqlCurrentGeneration:
    return SqlCurrentGeneration(database)


@pytest.fixture(params=["file", "sqlite", "postgresql"])
def current(
    request: pytest.FixtureRequest, tmp_path: Path, migrated_file: Path
) -> Iterator[CurrentGeneration]:
    if request.param == "file":
        yield CurrentFile(tmp_path)
    elif request.param == "postgresql":
        yield SqlCurrentGeneration(request.getfixturevalue("postgres"))
    else:
        shutil.copy(migrated_file, tmp_path / "catalog.db")
        database = Database(f"sqlite:///{tmp_path}/catalog.db")
        yield SqlCurrentGeneration(database)
        database.close()


@pytest.fixture
def postgres(empty_postgres: Callable[[], str]) -> Iterator[Database]:
    database = Database(empty_postgres())
    database.migrate()
    yield database
    database.close()


def publish(generations: Generations) -> str:
    index = ExactIndex(2)
    index.upsert(np.arange(1), np.eye(2, dtype=np.float32)[:1], [{}])
    manifest = generations.publish(index, encoder_id="e", fusion_id="f", store_revision=1)
    return manifest.generation_id


def happens(condition: Callable[[], bool], within_s: float) -> bool:
    until = time.monotonic() + within_s
    while not condition() and time.monotonic() < until:
        time.sleep(0.01)
    return condition()


def test_none_is_named_before_the_first(current: CurrentGeneration) -> None:
    assert current.read() is None


def test_the_one_made_live_last_is_named(current: CurrentGeneration) -> None:
    for named in (FIRST, SECOND, SECOND, FIRST):
        current.make_live(named)
        assert current.read() == named


def test_cleared_it_names_none(current: CurrentGeneration) -> None:
    current.make_live(FIRST)
    current.clear()
    current.clear()
    assert current.read() is None


def test_readers_see_one_or_the_other_during_changes(current: CurrentGeneration) -> None:
    current.make_live(FIRST)
    seen: set[str | None] = set()
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            seen.add(current.read())

    reader = threading.Thread(target=read)
    reader.start()
    for n in range(20):
        current.make_live((FIRST, SECOND)[n % 2])
    ended.set()
    reader.join()
    assert seen <= {FIRST, SECOND}


def test_what_names_no_generation_is_told_with_its_place(
    current: CurrentGeneration, tmp_path: Path
) -> None:
    current.make_live("../../etc")
    generations = Generations(tmp_path, {"exact": ExactIndex.load}, current=current)
    with pytest.raises(GenerationDamaged, match="names no generation") as damaged:
        generations.current_id()
    assert str(current) in str(damaged.value)


def test_generations_go_live_go_back_and_are_pruned(
    current: CurrentGeneration, tmp_path: Path
) -> None:
    generations = Generations(tmp_path, {"exact": ExactIndex.load}, keep=2, current=current)
    ids = [publish(generations) for _ in range(3)]
    assert generations.current_id() == ids[-1]
    assert generations.rollback().generation_id == ids[-2]
    assert current.read() == ids[-2]
    assert generations.ids() == [ids[2], ids[1]]


def test_where_a_row_names_it_no_file_does(row: SqlCurrentGeneration, tmp_path: Path) -> None:
    publish(Generations(tmp_path, {"exact": ExactIndex.load}, current=row))
    assert [path.name for path in tmp_path.iterdir() if "CURRENT" in path.name] == []


def test_a_swap_is_heard_of_at_once(postgres: Database, postgres_url: str, tmp_path: Path) -> None:
    heard_by = SqlCurrentGeneration(postgres)
    loaders = {"exact": ExactIndex.load}
    here = Generations(tmp_path, loaders, current=heard_by)
    first = publish(here)
    live = LiveGeneration(here, check_every_s=0)
    assert live.get().manifest.generation_id == first
    follower = Follower(live.in_background(lambda _: None), every_s=FLOOR_S, listen=heard_by.listen)
    follower.begin()
    elsewhere = Database(postgres_url)
    try:
        second = publish(Generations(tmp_path, loaders, current=SqlCurrentGeneration(elsewhere)))
        assert happens(lambda: live.get().manifest.generation_id == second, within_s=2)
    finally:
        elsewhere.close()
        follower.close()


def test_who_lost_the_connection_hears_again_and_misses_nothing(postgres: Database) -> None:
    current = SqlCurrentGeneration(postgres)
    told: list[str | None] = []
    ended = threading.Event()
    ear = threading.Thread(
        target=current.listen, args=(lambda: told.append(current.read()), ended), daemon=True
    )
    ear.start()
    try:
        assert happens(lambda: told == [None], within_s=10)
        assert hang_up_others(postgres) >= 1
        current.make_live(FIRST)  # nobody may be listening at this moment
        assert happens(lambda: told[-1] == FIRST, within_s=10)
        current.make_live(SECOND)
        assert happens(lambda: told[-1] == SECOND, within_s=2)
    finally:
        ended.set()
        ear.join(5)
    assert not ear.is_alive()
