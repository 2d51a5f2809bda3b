"""A small drawn shop in two versions, homes that hold them, and the launcher of child processes."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .launcher import Launcher
from .shop import Homes, Shop, draw_two_versions


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder in memory where there is one: what a killed process leaves is the same there."""
    memory = Path("/dev/shm")  # noqa: S108 - a fresh folder in it
    is_usable = memory.is_dir() and os.access(memory, os.W_OK)
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
