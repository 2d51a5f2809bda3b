"""Web nodes, an indexer and nginx, each a process of its own, over one database and one storage."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

PROJECT = Path(__file__).resolve().parents[2]
STARTS_WITHIN_S = 90.0


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@dataclass
class Running:
    """A process that listens on a port of the loopback interface."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """End it and its children at once, without a word."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def wait_until(self, path: str, status: int = 200) -> None:
        until, told = time.monotonic() + STARTS_WITHIN_S, ""
        while time.monotonic() < until and self.process.poll() is None:
            try:
                answer = httpx.get(f"{self.url}{path}", timeout=5)
            except httpx.TransportError as error:
                told = str(error)
            else:
                if answer.status_code == status:
                    return
                told = f"{answer.status_code} {answer.text[:200]}"
            time.sleep(0.05)
        end = self.log.read_text(errors="replace")[-1500:]
        raise AssertionError(f"{path} of {self.url}: {told}\n{end}")


@dataclass
class Cluster:
    """All of one shop: `settings` are those of every node, homes are below `folder`."""

    folder: Path
    settings: Mapping[str, str]
    running: list[Running] = field(default_factory=list)

    def node(self, name: str, **settings: str) -> Running:
        """A started `shopsearch serve` with a home of its own; it may not be ready yet."""
        port = free_port()
        command = [sys.executable, "-m", "shopsearch", "serve", "--port", str(port)]
        return self.start(command, port, name, self._environment(name, settings))

    def command(self, name: str, *words: str) -> subprocess.CompletedProcess[str]:
        """A command, run to its end as on a machine of that name."""
        return subprocess.run(
            [sys.executable, "-m", "shopsearch", *words],
            env=self._environment(name, {}),
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def nginx(self, program: str, nodes: Sequence[Running]) -> Running:
        """nginx with the configuration that ships, over these nodes."""
        port = free_port()
        place = self.folder / f"nginx-{port}"
        place.mkdir()
        config = place / "nginx.conf"
        config.write_text(nginx_config(place, port, [node.port for node in nodes]))
        # its parent runs as whoever we are, and children that are not root cannot be another
        command = [program, "-p", str(place), "-c", str(config), "-g", "daemon off;"]
        return self.start(command, port, "nginx", dict(os.environ))

    def start(
        self, command: Sequence[str], port: int, name: str, environment: Mapping[str, str]
    ) -> Running:
        log = self.folder / f"{name}.log"
        with log.open("ab") as written:
            process = subprocess.Popen(
                command, env=environment, stdout=written, stderr=written, start_new_session=True
            )
        self.running.append(Running(process, port, log))
        return self.running[-1]

    def close(self) -> None:
        for one in self.running:
            one.kill()

    def _environment(self, name: str, settings: Mapping[str, str]) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if "SHOPSEARCH_" not in key}
        told = {"HOME": str(self.folder / name), **self.settings, **settings}
        return {**kept, **{f"SHOPSEARCH_{key}": value for key, value in told.items()}}


def nginx_config(folder: Path, port: int, node_ports: Sequence[int]) -> str:
    """deploy/nginx.conf with these ports and all that it writes in a folder."""
    text = (PROJECT / "deploy" / "nginx.conf").read_text()
    servers = [f"server web-{number}:8000" for number in (1, 2)]
    for server, node_port in zip(servers, node_ports, strict=True):
        assert server in text
        text = text.replace(server, f"server 127.0.0.1:{node_port}")
    assert "listen 8080;" in text
    text = text.replace("listen 8080;", f"listen 127.0.0.1:{port};")
    return text.replace("/tmp/", f"{folder}/")  # noqa: S108 - the place that the file names
