"""A host of pictures on this machine, whose pictures and faults a test decides."""

from __future__ import annotations

import socket
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PICTURE = b"\xff\xd8\xff" + bytes(2_000)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that came."""

    path: str
    is_conditional: bool
    status: int


@dataclass(frozen=True, slots=True)
class Placed:
    """What lies at a path."""

    content: bytes
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200


class PictureHost:
    """Answers as it is told: `put`, `move`, and `fail` for the next requests of a path."""

    def __init__(self) -> None:
        self.placed: dict[str, Placed] = {}
        self.asked: list[Asked] = []
        self.faults: dict[str, list[tuple[int, dict[str, str]]]] = defaultdict(list)
        self.is_down = False
        self.delay_s = 0.0
        self.n_connections = 0
        self.peak = 0
        self.n_now = 0
        self.lock = threading.Lock()
        self.server = _Server(("127.0.0.1", 0), _Answering)
        self.server.host = self
        self.port = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    def put(self, path: str, content: bytes = PICTURE, **headers: str) -> None:
        """Place a picture; `etag="x"` is the header `Etag`, `cache_control` is `Cache-Control`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.placed[path] = Placed(content, named)

    def move(self, path: str, to: str) -> None:
        self.placed[path] = Placed(b"", {"Location": to}, 302)

    def fail(self, path: str, *statuses: int, **headers: str) -> None:
        """The next answers of a path; 0 closes the connection instead."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.faults[path] += [(status, named) for status in statuses]

    def statuses(self, path: str) -> list[int]:
        return [one.status for one in self.asked if one.path == path]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    host: PictureHost

    def handle_error(self, *_: object) -> None:
        """Clients go away."""


class _Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        with self.server.host.lock:
            self.server.host.n_connections += 1

    def do_GET(self) -> None:
        host = self.server.host
        with host.lock:
            host.n_now += 1
            host.peak = max(host.peak, host.n_now)
        time.sleep(host.delay_s)
        status, headers, content = self.answer(host)
        with host.lock:
            host.n_now -= 1
            is_conditional = bool({"If-None-Match", "If-Modified-Since"} & set(self.headers))
            host.asked.append(Asked(self.path, is_conditional, status))
        if status == 0:
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def answer(self, host: PictureHost) -> tuple[int, dict[str, str], bytes]:
        if host.is_down:
            return 0, {}, b""
        with host.lock:
            fault = host.faults[self.path].pop(0) if host.faults[self.path] else None
        if fault:
            return *fault, b""
        placed = host.placed.get(self.path, Placed(b"", status=404))
        for asked, given in (("If-None-Match", "etag"), ("If-Modified-Since", "last-modified")):
            if asked in self.headers and given in placed.headers:
                if self.headers[asked] == placed.headers[given]:
                    return 304, placed.headers, b""
                break
        return placed.status, placed.headers, placed.content

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@contextmanager
def serving() -> Iterator[PictureHost]:
    host = PictureHost()
    thread = threading.Thread(target=host.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield host
    finally:
        host.server.shutdown()
        thread.join()
        host.server.server_close()


@contextmanager
def swallowing() -> Iterator[str]:
    """The address of a host that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
