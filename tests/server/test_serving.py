"""`serve`: real processes, real sockets, real signals."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

import pytest

from shopsearch.errors import SettingsError, ShopsearchError
from shopsearch.server import serving
from shopsearch.settings import Settings

PROGRAM = """
import sys
from pathlib import Path
from types import ModuleType
import structlog
from shopsearch.server.serving import serve
from shopsearch.settings import Settings

structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
settings = Settings(home=Path(sys.argv[1]), encoder="hashing", port=0, workers=int(sys.argv[2]))
serve(settings, announce=lambda address: print(address, flush=True))
print("ended", flush=True)
"""

# The second process that is forked takes its time before it has signal handlers of its own.
SECOND_IS_SLOW = """
import os
import time
from gunicorn import util

fork, seed, forked = os.fork, util.seed, []

def counted():
    forked.append(True)
    return fork()

def slow():
    if len(forked) == 2:
        time.sleep(1.5)
    seed()

os.fork, util.seed = counted, slow
"""


@contextmanager
def server(
    home: Path, workers: int = 1, program: str = PROGRAM
) -> Iterator[tuple[subprocess.Popen[str], str, int]]:
    """A server process in a group of its own, once it has said where it listens."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(home), str(workers)],
        env={**os.environ, "SHOPSEARCH_METRICS_PUBLIC": "true", "SHOPSEARCH_RATE_LIMIT": "off"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        address = urlsplit(process.stdout.readline().strip())
        assert address.hostname, process.communicate(timeout=10)[1]
        assert address.port
        yield process, address.hostname, address.port
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=10)


def get(host: str, port: int, path: str) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(host, port, timeout=10)
    connection.request("GET", path, headers={"Connection": "close"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


def begin_upload(host: str, port: int) -> socket.socket:
    """A request that has begun and is not over: its last byte is missing."""
    connection = socket.create_connection((host, port), timeout=10)
    body = '{"sort": "newest"}'
    connection.sendall(
        f"POST /api/v1/search HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body[:-1]}".encode()
    )
    return connection


def test_it_answers_once_it_says_where(shop) -> None:
    with server(shop.settings.home) as (_, host, port):
        assert get(host, port, "/readyz").status == 200
        assert get(host, port, "/search?q=mug").status == 200


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_finishes_the_request_at_hand_when_it_is_stopped(shop, how: signal.Signals) -> None:
    with server(shop.settings.home) as (process, host, port):
        with begin_upload(host, port) as connection:
            time.sleep(0.3)  # lets a thread take the request up
            send_to_all(process, how)
            time.sleep(0.3)
            connection.sendall(b"}")
            answered = connection.makefile("rb").readline()
        out, errors = process.communicate(timeout=15)
    assert answered.startswith(b"HTTP/1.1 200"), errors
    assert out == "ended\n"
    assert process.returncode == 0
    assert "Traceback" not in errors


def test_what_was_searched_for_is_written_when_it_is_stopped(shop) -> None:
    with server(shop.settings.home, workers=2) as (process, host, port):
        for n in range(8):
            assert get(host, port, f"/search?q=stopped+{n}").status == 200
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=15)
    now = datetime.now(UTC)
    logged = shop.search_log.read(now - timedelta(hours=1), now)
    found = {one.search.text for one in logged if one.search.text.startswith("stopped")}
    assert found == {f"stopped {n}" for n in range(8)}, errors


def send_to_all(process: subprocess.Popen[str], how: signal.Signals) -> None:
    """A terminal sends Ctrl-C to every process of the group; a supervisor stops the first one."""
    if how is signal.SIGINT:
        os.killpg(process.pid, how)
    else:
        process.send_signal(how)


def test_several_workers_share_the_address_and_announce_it_once(shop) -> None:
    with server(shop.settings.home, workers=2) as (process, host, port):
        assert {get(host, port, "/healthz").status for _ in range(6)} == {200}
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=15)
    assert out == "ended\n"


def test_a_worker_that_has_just_been_forked_is_stopped_too(tmp_path: Path) -> None:
    program = SECOND_IS_SLOW + PROGRAM
    with server(tmp_path / "home", workers=2, program=program) as (process, _, _):
        process.send_signal(signal.SIGTERM)  # the first worker answers, the second has just begun
        out, _ = process.communicate(timeout=15)  # half the grace
    assert out == "ended\n"


def test_without_an_index_it_starts_and_says_what_is_missing(tmp_path: Path) -> None:
    with server(tmp_path / "home") as (_, host, port):
        assert get(host, port, "/healthz").status == 200
        assert get(host, port, "/readyz").status == 503
        assert get(host, port, "/").status == 503


@pytest.mark.usefixtures("without_models")
def test_a_port_in_use_is_named_with_the_remedy(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = Settings(home=tmp_path / "home", encoder="hashing", port=port)
        with pytest.raises(SettingsError, match=f"port {port} of 127.0.0.1.*--port"):
            serving.serve(settings)


@pytest.mark.parametrize("library", ["torch", "onnxruntime"])
def test_a_process_that_has_loaded_a_model_refuses_rather_than_hangs(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    monkeypatch.setitem(sys.modules, library, ModuleType(library))
    with pytest.raises(ShopsearchError, match="`shopsearch serve`"):
        serving.serve(settings)


@pytest.fixture
def without_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a process is that serves; other tests of the run may have loaded it."""
    for library in ("torch", "onnxruntime"):
        monkeypatch.delitem(sys.modules, library, raising=False)


@pytest.mark.usefixtures("without_models")
def test_a_host_that_is_not_here_is_named(tmp_path: Path) -> None:
    for host in ("no.such.host.invalid", "192.0.2.1"):
        settings = Settings(home=tmp_path / "home", encoder="hashing", host=host)
        with pytest.raises(SettingsError, match=host):
            serving.serve(settings)
