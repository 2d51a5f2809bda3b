"""A small drawn shop in two versions, homes that hold them, and the launcher of child processes."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from .launcher import Launcher
from .shop import Homes, Shop, draw_two_versions

ROOM_NEEDED_BYTES = 300_000_000


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder in memory where there is one: what a killed process leaves is the same there."""
    memory = Path("/dev/shm")  # noqa: S108 - a fresh folder in it
    is_usable = memory.is_dir() and os.access(memory, os.W_OK) and _has_room(memory)
    with tempfile.TemporaryDirectory(
        prefix="shopsearch-faults-", dir=memory if is_usable else None
    ) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def launcher(scratch: Path) -> Iterator[Launcher]:
    """Starts `shopsearch` commands in milliseconds."""
    with Launcher(scratch) as started:
        yield started


@pytest.fixture(scope="session")
def shop(scratch: Path) -> Shop:
    """The feeds of yesterday and of today."""
    return draw_two_versions(scratch / "shop")


@pytest.fixture(scope="session")
def homes(scratch: Path, shop: Shop, launcher: Launcher) -> Homes:
    """Homes to copy: empty, with yesterday's products, with today's."""
    return Homes.made(scratch, shop, launcher)


@pytest.fixture
def fresh(scratch: Path) -> Iterator[Callable[[Path], Path]]:
    """Copies of homes, each gone when the next one is asked for."""
    numbers, made = count(), []

    def copy(home: Path) -> Path:
        for old in made:
            shutil.rmtree(old)
        made[:] = [scratch / f"copy-{next(numbers)}"]
        return Path(shutil.copytree(home, made[0]))

    yield copy
    for old in made:
        shutil.rmtree(old)


def _has_room(folder: Path) -> bool:
    return shutil.disk_usage(folder).free > ROOM_NEEDED_BYTES
