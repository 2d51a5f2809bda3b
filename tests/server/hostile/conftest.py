"""A real server over the small shop, for tests that a client in the same process cannot do."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from shopsearch.bootstrap import Services

READ_LIMIT_S = 2


@dataclass(frozen=True, slots=True)
class Served:
    """A running `shopsearch serve`."""

    process_id: int
    place: tuple[str, int]


@pytest.fixture(scope="module")
def served(shop: Services) -> Iterator[Served]:
    """The shop, served by a process of its own."""
    settings = {"HOME": shop.settings.home, "ENCODER": "hashing", "INDEX": "exact"}
    process = subprocess.Popen(
        [sys.executable, "-m", "shopsearch", "serve", "--port", "0"],
        env={
            **{name: value for name, value in os.environ.items() if "SHOPSEARCH_" not in name},
            **{f"SHOPSEARCH_{name}": str(value) for name, value in settings.items()},
            "SHOPSEARCH_LOG_LEVEL": "error",
            "SHOPSEARCH_READ_TIMEOUT_S": str(READ_LIMIT_S),  # of nothing, where there is none
        },
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        address = re.search(r"http://([\d.]+):(\d+)", said)
        assert address, said
        yield Served(process.pid, (address[1], int(address[2])))
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=10)
