"""Both clients over real sockets: against the real application, and against a scripted server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal
from flask import Flask
from werkzeug.serving import make_server

from shopsearch.bootstrap import Services
from shopsearch.catalog import open_feed
from shopsearch.client import AsyncClient, Client, Retries
from shopsearch.server import create_app
from shopsearch.settings import Settings
from tests.server.conftest import SHOP, png, write_feed

__all__ = ["png"]

AT_ONCE = Retries(first_s=0.001)


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """The shop of the server's tests, indexed, its model in memory."""
    folder = tmp_path_factory.mktemp("shop")
    settings = Settings(home=folder / "home", encoder="hashing", index="exact")
    with Services.open(settings) as services:
        report = services.indexer.run(open_feed(write_feed(folder)), feed_name="shop")
        assert report.indexed == len(SHOP)
        services.encoder.load()
        yield services


@contextmanager
def listening(app: Flask) -> Iterator[str]:
    """An application behind a real socket."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def address(shop: Services) -> Iterator[str]:
    """Where the real application listens."""
    with listening(create_app(shop)) as where:
        yield where


class Both:
    """A client of either kind, asked in one way.

    The event loop has a thread of its own: Playwright's keeps running in the main one.
    """

    def __init__(self, kind: str, address: str, **options: Any) -> None:
        self._ends = ExitStack()
        self._portal = (
            self._ends.enter_context(start_blocking_portal()) if kind == "async" else None
        )
        self._client: Any = (Client if kind == "sync" else AsyncClient)(address, **options)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method: Callable[..., Any] = getattr(self._client, name)
        if self._portal is None:
            return method
        portal = self._portal

        def awaited(*args: Any, **kwargs: Any) -> Any:
            async def result() -> Any:
                made = method(*args, **kwargs)
                return [one async for one in made] if hasattr(made, "__aiter__") else await made

            return portal.call(result)

        return awaited

    def end(self) -> None:
        with self._ends:
            self.close()


Ask = Callable[..., Both]


@pytest.fixture(params=["sync", "async"])
def client_of(request: pytest.FixtureRequest) -> Iterator[Ask]:
    """Makes clients of one kind, closed at the end."""
    made: list[Both] = []

    def make(address: str, **options: Any) -> Both:
        made.append(Both(request.param, address, **{"retries": AT_ONCE, **options}))
        return made[-1]

    yield make
    for one in made:
        one.end()


@pytest.fixture
def asked(client_of: Ask, address: str) -> Both:
    """A client of the real application."""
    return client_of(address)


@dataclass
class Told:
    """One answer of a scripted server."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    breaks: bool = False  # the connection ends without an answer


class Scripted(ThreadingHTTPServer):
    """Gives its answers one after the other, the last one for ever, and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.script: list[Told] = []
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.address = f"http://127.0.0.1:{self.server_port}"


class _Answering(BaseHTTPRequestHandler):
    server: Scripted

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.requests.append((self.command, self.path, dict(self.headers), body))
        script = self.server.script
        told = script.pop(0) if len(script) > 1 else script[0]
        if told.breaks:
            self.close_connection = True
            return
        self.send_response(told.status)
        for name, value in told.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(told.body)))
        self.end_headers()
        self.wfile.write(told.body)

    do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - as the library calls them

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    with Scripted() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def picture_file(tmp_path: Path) -> Path:
    path = tmp_path / "red.png"
    path.write_bytes(png("red"))
    return path
