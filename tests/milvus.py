"""A Milvus of the tests' own: a server in a scratch folder, and the file of a milvus-lite."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from shopsearch.index.kinds import MilvusKind
from shopsearch.index.milvus_connection import MilvusPlace, connection_to, imported
from shopsearch.index.milvus_rows import MilvusRows

STARTS, STARTS_WITHIN_S = 3, 90.0
ROOM_NEEDED_BYTES = 2_000_000_000
# Its parts end it when they have not heard of each other for so long, as happens on a machine that
# is busy with better things. A killed one that is started again needs as long until it is whole.
HOLDS_OUT_S = int(os.environ.get("SHOPSEARCH_TEST_MILVUS_HOLDS_OUT_S", "30"))
TICK_MS = 20  # how often the server's clock ticks; every read after a write waits for a tick


class MilvusServer:
    """A server that can be killed, and started again with what it had."""

    def __init__(self, folder: Path) -> None:
        import milvus

        names = milvus.MilvusServerConfig().configurable_items
        ports = {name: free_port() for name in names if name.endswith("_port")}
        self._port, self._health_port = ports["proxy_port"], free_port()
        self._folder = folder
        config = milvus.MilvusServerConfig(data_dir=str(folder), **ports)
        config.resolve()
        written = folder / "configs" / "milvus.yaml"
        told = written.read_text(encoding="utf-8")
        # the etcd within is told its ports in a file of its own alone
        told = told.replace(
            "\netcd:\n", f"\netcd:\n  config:\n    path: {self._etcd_file(ports)}\n"
        )
        told = told.replace("timeTickInterval: 200", f"timeTickInterval: {TICK_MS}")
        told = told.replace("\n    ttl: 30 #", f"\n    ttl: {HOLDS_OUT_S} #")
        written.write_text(told, encoding="utf-8")
        self._programs = _unpacked()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it, and wait until it is healthy. One whose parts wait too long for each other on
        a busy machine ends while it starts: like a supervisor, this starts it again then.
        """
        for _ in range(STARTS):
            self._process = self._spawned()
            until = time.monotonic() + STARTS_WITHIN_S
            while time.monotonic() < until and self._process.poll() is None:
                if self._is_healthy():
                    return
                time.sleep(0.1)
            self.kill()
        told = (self._folder / "log").read_text(errors="replace")[-2000:]
        raise RuntimeError(f"Milvus did not start: {told}")

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _spawned(self) -> subprocess.Popen[bytes]:
        program = self._programs / "milvus"
        environment = os.environ | {
            "DEPLOY_MODE": "STANDALONE",
            "METRICS_PORT": str(self._health_port),
            "MILVUS_RUN_DIR": str(self._folder / "run"),
            "LD_LIBRARY_PATH": str(program.parent),
        }
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(
                [program, "run", "standalone"],
                cwd=self._folder,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self._health_port}/healthz", timeout=2
            ) as answer:
                return b"OK" in answer.read()
        except OSError:
            return False

    def _etcd_file(self, ports: dict[str, int]) -> Path:
        clients = f"http://127.0.0.1:{ports['etcd_port']}"
        peers = f"http://127.0.0.1:{free_port()}"
        told = {
            "name": "default",
            "listen-client-urls": clients,
            "advertise-client-urls": clients,
            "listen-peer-urls": peers,
            "initial-advertise-peer-urls": peers,
            "initial-cluster": f"default={peers}",
            # on a disk that is busy with other things a sync took 43 s; by then all parts of the
            # server had lost touch with each other, and it ended
            "unsafe-no-fsync": True,
        }
        path = self._folder / "etcd.json"  # JSON is YAML too
        path.write_text(json.dumps(told), encoding="utf-8")
        return path


def _unpacked() -> Path:
    """The programs of the package, unpacked once for all test runs: that takes 15 s."""
    import milvus

    there = Path(tempfile.gettempdir()) / f"shopsearch-milvus-{milvus.__version__}-{os.getuid()}"
    with FileLock(f"{there}.lock"):
        if not there.is_dir():
            fresh = Path(tempfile.mkdtemp(prefix=f"{there.name}-new-"))
            milvus._initialize_data_files(str(fresh))
            fresh.rename(there)
    return there / "bin"


def _memory() -> Path | None:
    """A folder in memory, where there is room: what a killed server leaves is the same there."""
    memory = Path("/dev/shm")  # noqa: S108 - a fresh folder in it
    is_usable = memory.is_dir() and os.access(memory, os.W_OK)
    if is_usable and shutil.disk_usage(memory).free > ROOM_NEEDED_BYTES:
        return memory
    return None


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running() -> Iterator[MilvusServer]:
    """A server. Where none can be started its tests are skipped, but never in CI."""
    try:
        import milvus  # noqa: F401 - whether it is there
        import pymilvus  # noqa: F401 - whether it is there
    except ModuleNotFoundError as missing:
        _without(f"there is no Milvus: `pip install milvus pymilvus` ({missing})")
    folder = Path(tempfile.mkdtemp(prefix="shopsearch-milvus-", dir=_memory()))
    server = MilvusServer(folder)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def milvus_server() -> Iterator[MilvusServer]:
    """A running server: one that idles takes a third of a core from the tests that follow."""
    with running() as server:
        yield server


@pytest.fixture(scope="session")
def milvus_of_all() -> Iterator[MilvusServer]:
    """A running server, for tests of which most need it."""
    with running() as server:
        yield server


@pytest.fixture(scope="module")
def milvus_uri(milvus_server: MilvusServer) -> str:
    """Where a server listens."""
    return milvus_server.uri


@pytest.fixture(scope="session")
def milvus_lite_uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The file of a milvus-lite."""
    try:
        import milvus_lite  # noqa: F401 - whether it is there
    except ModuleNotFoundError as missing:
        _without(f"there is no milvus-lite: `pip install milvus-lite` ({missing})")
    return str(tmp_path_factory.mktemp("milvus-lite") / "milvus.db")


def a_collection(uri: str, dimension: int, kind: MilvusKind = "auto") -> MilvusRows:
    """A new collection; many indexes of a test may share it, as generations do."""
    connection = connection_to(MilvusPlace(uri, timeout_s=20.0))
    name = f"tests_{time.time_ns()}"
    return MilvusRows.made(connection, name, dimension, kind)


@contextmanager
def client_of(uri: str) -> Iterator[Any]:
    """pymilvus itself, for what is done behind the back of an index."""
    client = imported().MilvusClient(uri=uri, timeout=20.0)
    try:
        yield client
    finally:
        client.close()


def drop_collections(uri: str, prefix: str) -> None:
    """Drop the collections whose names begin with a prefix of settings, and their alias."""
    from pymilvus import MilvusException

    with client_of(uri) as client:
        with suppress(MilvusException):  # there is none
            client.drop_alias(f"{prefix}_live", timeout=20.0)
        for name in client.list_collections(timeout=20.0):
            if name.startswith(f"{prefix}_"):
                client.drop_collection(name, timeout=60.0)


def _without(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
