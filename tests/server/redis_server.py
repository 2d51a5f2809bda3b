"""A Redis of the tests' own: on a free port, gone when the tests are over."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

STARTS_WITHIN_S = 20.0


class RedisServer:
    """A Redis that can be stopped and started again."""

    def __init__(self, program: str, folder: Path) -> None:
        self._folder = folder
        self._program = program
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        command = [self._program, "--port", str(self._port), "--bind", "127.0.0.1"]
        command += ["--save", "", "--dir", str(self._folder)]
        log = self._folder / "log"
        with log.open("ab") as written:
            self._process = subprocess.Popen(command, stdout=written, stderr=written)
        until = time.monotonic() + STARTS_WITHIN_S
        while time.monotonic() < until and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        pytest.fail(f"Redis did not start: {log.read_text(errors='replace')[-500:]}")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(STARTS_WITHIN_S)
            self._process = None


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A running Redis. Where there is none its tests are skipped, but never in CI."""
    program = shutil.which("redis-server")
    if program is None:
        reason = "there is no redis-server: install it (Debian: redis-server)"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    server = RedisServer(program, tmp_path)
    server.start()
    yield server
    server.stop()
