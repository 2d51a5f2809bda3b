"""A cluster of two nodes, started by the commands of docs/ray.md; one of them fails in mid-run."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import text

from shopsearch.bootstrap import Services
from shopsearch.settings import Settings
from tests.waiting import wait_until

from .shop import Held, hard_shop, run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_spec("ray") is None or not os.environ.get("SHOPSEARCH_TEST_RAY_NODES"),
        reason="two nodes take a quiet machine: set SHOPSEARCH_TEST_RAY_NODES=1",
    ),
]
N_PRODUCTS = 60
PICTURES_PX = 2000  # of a side: decoding them takes longer than all that the run itself does, so
# that whatever moment a node fails at, there is something that only it had
WITHIN_S = 90.0
# a node that is gone is missed after two seconds instead of half a minute
SOON_MISSED = {
    "health_check_initial_delay_ms": 0,
    "health_check_period_ms": 500,
    "health_check_timeout_ms": 1000,
    "health_check_failure_threshold": 3,
}


@dataclass(frozen=True, slots=True)
class Node:
    """What `ray start` has started, in a process group of its own."""

    group: int

    def workers(self) -> int:
        """How many processes encode on it."""
        found = 0
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                own = int((folder / "stat").read_text().rpartition(")")[2].split()[3])  # session
                command = (folder / "cmdline").read_text()
            except OSError:
                continue
            found += own == self.group and command.startswith("ray::EncodingWorker")
        return found

    def fail(self) -> None:
        """End all its processes at once, as when its machine is switched off."""
        os.killpg(self.group, signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class Cluster:
    """A head and a second node, of one core each."""

    head: Node
    second: Node
    address: str
    environment: Mapping[str, str]


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    environment = {**os.environ, **token}
    # sockets lie in it, and their names may have some hundred characters
    with tempfile.TemporaryDirectory(
        prefix="two-nodes-", dir="/tmp", ignore_cleanup_errors=True
    ) as folder:
        leading = ["--head", "--port", str(port), "--temp-dir", folder]
        leading += ["--include-dashboard=false", "--system-config", json.dumps(SOON_MISSED)]
        address = f"127.0.0.1:{port}"
        with (
            started(Path(folder, "head.log"), environment, *leading) as head,
            started(Path(folder, "second.log"), environment, "--address", address) as second,
        ):
            yield Cluster(head, second, address, environment)


@contextmanager
def started(log: Path, environment: Mapping[str, str], *options: str) -> Iterator[Node]:
    ray = [str(Path(sys.executable).with_name("ray")), "start", "--num-cpus", "1", "--block"]
    small = ["--object-store-memory", "100000000", "--disable-usage-stats"]
    with log.open("w") as written:
        process = subprocess.Popen(
            [*ray, *small, *options],
            env=environment,
            stdout=written,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    node = Node(process.pid)
    try:
        wait_until(
            lambda: process.poll() is not None or "runtime started" in log.read_text(), WITHIN_S
        )
        assert process.poll() is None, log.read_text()
        yield node
    finally:
        if process.poll() is None:
            node.fail()
        process.wait()


def test_a_run_goes_on_when_a_node_fails_and_standard_output_has_the_document_alone(
    cluster: Cluster, tmp_path: Path
) -> None:
    feed = hard_shop(tmp_path / "shop", n_products=N_PRODUCTS)
    enlarge(feed.parent / "images")
    settings = Settings(home=tmp_path / "home", encoder="hashing")
    environment = {
        **cluster.environment,
        "SHOPSEARCH_ENCODER": "hashing",
        "SHOPSEARCH_BATCH_SIZE": "2",
        "SHOPSEARCH_RAY_WORKERS": "2",
        "SHOPSEARCH_RAY_ADDRESS": cluster.address,
    }
    command = [sys.executable, "-m", "shopsearch", "--home", str(settings.home)]
    log = tmp_path / "log"
    with log.open("w") as written:
        process = subprocess.Popen(
            [*command, "--log-level", "info", "index", str(feed), "--on", "ray", "--json"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=written,
            text=True,
        )
    with Services.open(settings) as services:
        try:
            wait_until(lambda: log.read_text().count("has loaded the model") == 2, WITHIN_S)
            assert cluster.head.workers() == cluster.second.workers() == 1
            n_before = n_cached(services)
            cluster.second.fail()
            out, _ = process.communicate(timeout=WITHIN_S)
        finally:
            process.kill()

        with Services.open(settings.model_copy(update={"home": tmp_path / "here"})) as here:
            expected = run(here.indexer, feed)
            n_all = n_cached(here)
            Held.by(services).assert_same(Held.by(here))

    document, err = json.loads(out), log.read_text()
    assert n_before < n_all, "it failed too late to tell anything"
    assert document["indexed"] == expected.indexed == N_PRODUCTS + 2, err
    assert process.returncode == 3  # some were rejected
    assert "a worker of Ray ended, what it had is done again" in err


def enlarge(folder: Path) -> None:
    for path in folder.iterdir():
        with Image.open(path) as picture:
            large = picture.convert("RGB").resize((PICTURES_PX, PICTURES_PX))
        large.save(path, "PNG", compress_level=1)


def n_cached(services: Services) -> int:
    """How many embeddings the cache has."""
    with services.database.reading() as connection:
        return int(connection.execute(text("SELECT count(*) FROM embeddings")).scalar_one())
