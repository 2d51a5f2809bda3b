"""Disks that are full, read-only or broken, and too few files: the error is clear, nothing is lost.

Room runs out on a real, small file system, so that SQLite, its journal, FAISS, numpy, pictures and
CURRENT all meet ENOSPC, each at some size; every single call fails once, in turn; and reads fail,
too, by `strace` where it is installed.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shopsearch.catalog import open_feed
from shopsearch.index.faiss import FaissIndex

from .driver import Fault
from .launcher import Child, Launcher
from .shop import (
    Homes,
    Shop,
    Truth,
    check_answers,
    check_whole,
    leftovers,
    opened,
)
from .small_disk import PAGE, SmallDisk, mounted

IS_THOROUGH = int(os.environ.get("SHOPSEARCH_TEST_KILLS", "0")) >= 50
REJECTED = 3  # the exit code of an index run over today's feed, which has bad rows
FILES = re.compile("open|fsync|rename|replace|mkdir|write ")
# what a run that is done may fail at: to remove old generations is for the next one to try again
AFTERWARDS = re.compile("rename generations/ID")
REMEDY = re.compile("make room|write permission|check|reindex|restore it from a backup")


@pytest.fixture
def disk(scratch: Path) -> Iterator[SmallDisk]:
    with mounted(scratch / "disk", megabytes=8) as found:
        if found is None:
            pytest.skip("this user may not mount a file system")
        yield found


def check_refused(child: Child, home: Path) -> None:
    """It failed as a command should: with the place and the remedy, and no traceback."""
    assert child.wait() == 1, child.stderr
    assert "Traceback" not in child.stderr
    assert child.stderr.startswith("Error: ")
    assert str(home) in child.stderr
    assert REMEDY.search(child.stderr), child.stderr


def complete(home: Path, shop: Shop, truth: Truth) -> None:
    """After the fault is mended, the same command goes through and the home is whole."""
    with opened(home) as services:
        services.indexer.run(open_feed(shop.today), feed_name="again", prune=True)
        check_whole(services, truth)
    assert [name for name in leftovers(home) if not name.startswith("CURRENT.")] == []


def index(launcher: Launcher, shop: Shop, home: Path, **how: object) -> Child:
    return launcher.start("index", shop.today, "--prune", home=home, **how)  # type: ignore[arg-type]


def test_wherever_room_runs_out_the_old_index_answers_and_the_next_run_completes(
    disk: SmallDisk, launcher: Launcher, shop: Shop, homes: Homes
) -> None:
    before = disk.free_bytes
    home = homes.copy(homes.yesterday, disk.folder / "home")
    empty = disk.free_bytes
    assert index(launcher, shop, home, traced=False).wait() == REJECTED
    needed = empty - disk.free_bytes
    shutil.rmtree(home)
    assert disk.free_bytes == before
    step = PAGE if IS_THOROUGH else max(PAGE, needed // 9 // PAGE * PAGE)
    n_refused = 0
    for leave in range(0, needed + step, step):
        home = homes.copy(homes.yesterday, disk.folder / "home")
        with opened(home) as running:
            check_answers(running)
            disk.fill(leave=leave)
            child = index(launcher, shop, home, traced=False)
            if child.wait() != REJECTED:
                check_refused(child, home)
                n_refused += 1
            check_answers(running)
            disk.make_room()
        complete(home, shop, homes.truth)
        shutil.rmtree(home)
    assert n_refused >= 6, "the disk was hardly ever too small"


def test_every_call_that_changes_a_file_may_fail_once(
    launcher: Launcher, shop: Shop, homes: Homes, fresh: Callable[[Path], Path]
) -> None:
    recorded = index(launcher, shop, fresh(homes.yesterday))
    assert recorded.wait() == REJECTED
    steps = dict.fromkeys(one["step"] for one in recorded.trace if FILES.match(one["step"]))
    kinds = {re.sub(r"\.building/(?!manifest)[a-z.-]+", "...", step): step for step in steps}
    n_refused = 0
    for number, step in enumerate(steps if IS_THOROUGH else kinds.values()):
        home = fresh(homes.yesterday)
        fault = Fault(step, ("ENOSPC", "EIO")[number % 2])
        child = index(launcher, shop, home, fault=fault)
        code = child.wait()
        assert "Traceback" not in child.stderr
        if code != REJECTED and not AFTERWARDS.fullmatch(step):
            check_refused(child, home)
            n_refused += 1
        with opened(home) as services:
            check_answers(services)
        complete(home, shop, homes.truth)
    assert n_refused >= 10


def test_a_rollback_that_cannot_be_written_is_refused(
    launcher: Launcher, homes: Homes, fresh: Callable[[Path], Path]
) -> None:
    home = fresh(homes.today)
    fault = Fault("fsync CURRENT.new", "ENOSPC")
    check_refused(launcher.start("rollback", home=home, fault=fault), home)


def test_old_generations_that_cannot_be_removed_do_not_spoil_a_run(
    launcher: Launcher, homes: Homes, fresh: Callable[[Path], Path]
) -> None:
    child = launcher.start(
        "reindex", home=fresh(homes.today), fault=Fault("rename generations/ID", "ENOSPC")
    )
    assert child.wait() == 0, child.stderr
    assert "old generations could not be removed" in child.stderr


@pytest.mark.parametrize("command", ["index", "reindex", "rollback", "remove", "search"])
def test_a_home_that_cannot_be_written_is_an_error_that_says_so(
    command: str, disk: SmallDisk, launcher: Launcher, shop: Shop, homes: Homes
) -> None:
    home = homes.copy(homes.today, disk.folder / "home")
    arguments = {"index": [shop.today], "remove": ["any"], "search": ["mug"]}
    with disk.read_only():
        child = launcher.start(command, *arguments.get(command, ()), home=home, traced=False)
        check_refused(child, home)
    complete(home, shop, homes.truth)
    shutil.rmtree(home)


@pytest.mark.parametrize("n_files", [6, 9, 10, 12, 16])
def test_too_few_file_descriptors_are_an_error_and_lose_nothing(
    n_files: int, launcher: Launcher, shop: Shop, homes: Homes, fresh: Callable[[Path], Path]
) -> None:
    home = fresh(homes.yesterday)
    limits = {"RLIMIT_NOFILE": n_files}
    child = index(launcher, shop, home, traced=False, limits=limits)
    assert child.wait() == 1, child.stderr
    assert child.stderr.startswith("Error: ")
    assert "Traceback" not in child.stderr
    complete(home, shop, homes.truth)


@pytest.mark.parametrize("limit", [1 << 12, 1 << 15, 1 << 16, 1 << 18])
def test_a_limit_on_the_size_of_files_is_an_error_and_loses_nothing(
    limit: int, launcher: Launcher, shop: Shop, homes: Homes, fresh: Callable[[Path], Path]
) -> None:
    home = fresh(homes.yesterday)
    limits = {"RLIMIT_FSIZE": limit}
    child = index(launcher, shop, home, traced=False, limits=limits)
    check_refused(child, home)
    with opened(home) as services:
        check_answers(services)
    complete(home, shop, homes.truth)


def test_vectors_whose_last_block_found_no_room_are_an_error(
    homes: Homes, tmp_path: Path, file_size_limit: Callable[[int], None]
) -> None:
    with opened(homes.today) as services:
        vectors = services.generations.load().index
    assert isinstance(vectors, FaissIndex)
    vectors.save(tmp_path)
    whole = (tmp_path / "vectors.faiss").stat().st_size
    file_size_limit(whole - 10)
    with pytest.raises(OSError, match="too large"):
        vectors.save(tmp_path)


@pytest.fixture
def file_size_limit() -> Iterator[Callable[[int], None]]:
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(
    "place", ["CURRENT", "generations/ID/keys.npy", "generations/ID/manifest.json"]
)
def test_an_index_that_cannot_be_read_is_an_error_and_reindex_mends_it(
    place: str, launcher: Launcher, shop: Shop, homes: Homes, fresh: Callable[[Path], Path]
) -> None:
    home = fresh(homes.yesterday)
    child = index(launcher, shop, home, fault=Fault(f"read {place}", "EIO"))
    check_refused(child, home)
    assert launcher.start("reindex", home=home).wait() == 0
    complete(home, shop, homes.truth)


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize(
    ("call", "number"),
    [("pwrite64", errno.ENOSPC), ("pread64", errno.EIO), ("fdatasync", errno.EIO)],
)
def test_any_call_of_the_database_may_fail_once(
    call: str, number: int, request: pytest.FixtureRequest, fresh: Callable[[Path], Path]
) -> None:
    launcher, shop, homes = map(request.getfixturevalue, ("launcher", "shop", "homes"))
    n_calls = traced(launcher, shop, fresh(homes.yesterday), f"trace={call}").stdout.count(call)
    if not n_calls:
        pytest.skip("strace may not attach to a process here")
    n_refused, n_tried = 0, n_calls if IS_THOROUGH else 2
    for nth in range(1, n_calls + 1, max(1, n_calls // n_tried)):
        home = fresh(homes.yesterday)
        inject = f"inject={call}:error={errno.errorcode[number]}:when={nth}"
        child = traced(launcher, shop, home, inject)
        if child.wait() != REJECTED:
            check_refused(child, home)
            n_refused += 1
        complete(home, shop, homes.truth)
    assert n_refused


def traced(launcher: Launcher, shop: Shop, home: Path, expression: str) -> Child:
    """An index run under strace, whose lines come after the child's own on standard output."""
    child = index(launcher, shop, home, traced=False, paused=True)
    command = ["strace", "-f", "-p", str(child.pid), "-e", expression, "-o", child.folder / "log"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace:
        assert strace.stderr is not None
        strace.stderr.readline()  # it is attached, or says why not
        child.go_on()
        child.wait()
    (child.folder / "stdout").write_text((child.folder / "log").read_text())
    return child
