"""`serve`: gunicorn around the application.

The arbiter holds the socket and never loads a model; each worker process loads one and shares it
between its threads. Nothing is announced before the first worker can answer.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import structlog
from flask import Flask
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from gunicorn.arbiter import Arbiter  # type: ignore[import-untyped]

from shopsearch.bootstrap import Services
from shopsearch.errors import SettingsError, ShopsearchError
from shopsearch.server.app import create_app
from shopsearch.server.memory import give_large_blocks_back
from shopsearch.settings import Settings

GRACE_S = 30
LOADING_LIMIT_S = 900  # a first start may have to download a model
BACKLOG = 128
_STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)

_log = structlog.get_logger(__name__)

Announce = Callable[[str], None]


def serve(settings: Settings, announce: Announce | None = None) -> None:
    """Serve until SIGTERM or Ctrl-C, then finish the requests at hand and return.

    `announce` is called with the address once it answers, in the process that answers.
    Raises `SettingsError` where the address cannot be listened on, and what `Services.open` raises.
    """
    _refuse_to_hang()
    with Services.open(settings):  # the database is brought up to date once, not by every worker
        pass
    listener = _listen(settings.host, settings.port)
    address = _address(settings.host, listener)
    arbiter_pid = os.getpid()
    try:
        GracefulArbiter(Application(settings, listener, address, announce)).run()
    except SystemExit as ended:
        if os.getpid() != arbiter_pid:
            _leave(ended)
        if ended.code:
            raise ShopsearchError(
                f"the server ended with code {ended.code}; its log above says why"
            ) from None


def warm_up(services: Services) -> None:
    """Load the model and the index, so that no shopper waits for them.

    What is missing is logged, and the server starts without: it shows what it can, `/readyz` says
    what it lacks, and an index that is built later is taken up.
    """

    def index() -> None:
        services.warm_up(services.live.get())

    for part in (services.encoder.warm_up, services.lexical.check, index):
        try:
            part()
        except ShopsearchError as error:
            _log.warning("not ready to search", reason=str(error))


class Application(BaseApplication):  # type: ignore[misc]
    """What gunicorn asks for: its settings, and in each worker, the application."""

    def __init__(
        self,
        settings: Settings,
        listener: socket.socket,
        address: str,
        announce: Announce | None,
    ) -> None:
        self._settings = settings
        self._bind = f"fd://{listener.detach()}"
        self._address = address
        self._announce = announce
        self._services: Services | None = None  # those of a worker
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn up; its own configuration files and environment do not count."""
        values: dict[str, Any] = {
            "bind": self._bind,
            "workers": self._settings.workers,
            "threads": self._settings.worker_threads,
            "worker_class": "gthread",
            "graceful_timeout": GRACE_S,
            "timeout": LOADING_LIMIT_S,
            "preload_app": False,  # a model loaded before a fork can hang after it
            "control_socket_disable": True,
            "forwarder_headers": "",  # or a visitor behind a local proxy could name another path
            "loglevel": "warning",  # the request log is ours
            "post_worker_init": self._begin_work,
            "worker_exit": self._end_work,
        }
        for name, value in values.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """The application of one worker."""
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)  # its own handlers are in place
        give_large_blocks_back()
        services = self._services = Services.open(self._settings)
        warm_up(services)
        services.follower.begin()
        services.logbook.begin()
        return create_app(services)

    def _begin_work(self, worker: Any) -> None:
        # Ctrl-C reaches every process of the terminal; the arbiter alone decides what it means
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if worker.age != 1:  # the first worker speaks for all
            return
        _log.info("listening", address=self._address)
        if self._announce is not None:
            self._announce(self._address)

    def _end_work(self, _arbiter: Any, _worker: Any) -> None:
        """Called in a worker whose requests are finished: what was noted is written."""
        if self._services is not None:
            self._services.close()


class GracefulArbiter(Arbiter):  # type: ignore[misc]
    """An arbiter that takes Ctrl-C as it takes SIGTERM: requests at hand are finished."""

    def spawn_worker(self) -> Any:
        """See `Arbiter.spawn_worker`. A signal to stop waits until the worker has its own handlers.

        Until then a new process has those of the arbiter, which put the signal on a queue that no
        worker reads: it would go on, and be killed when the grace is over.
        """
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
        try:
            return super().spawn_worker()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)

    def handle_int(self) -> None:
        """See `Arbiter.handle_int`."""
        self.handle_term()


def _refuse_to_hang() -> None:
    """The threads of a model do not survive a fork: a worker forked after torch or ONNX Runtime has
    run waits for them for ever at its first encoding.
    """
    if not sys.modules.keys().isdisjoint({"torch", "onnxruntime"}):
        raise ShopsearchError(
            "this process has loaded a model, and a server forked from it would hang; "
            "serve from a process of its own: `shopsearch serve`"
        )


def _leave(ended: SystemExit) -> NoReturn:
    """End a worker here: what stands around the call of `serve` belongs to the arbiter alone."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(ended.code if isinstance(ended.code, int) else 1)


def _listen(host: str, port: int) -> socket.socket:
    """A socket bound to an address; gunicorn makes it listen. Raises `SettingsError`."""
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise SettingsError(f"cannot listen on {host!r}: {error.strerror}; try --host") from error
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(place)
    except OSError as error:
        listener.close()
        raise SettingsError(
            f"cannot listen on port {port} of {host}: {error.strerror}; stop what listens there, "
            "or choose another with --port (0 takes a free one)"
        ) from error
    return listener


def _address(host: str, listener: socket.socket) -> str:
    """What to type into a browser."""
    named = f"[{host}]" if ":" in host else host
    return f"http://{named}:{listener.getsockname()[1]}"
