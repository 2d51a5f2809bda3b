"""`serve`: gunicorn around the application.

The arbiter holds the socket and never loads a model; each worker process loads one and shares it
between its threads. Nothing is announced before the first worker can answer. `worker.py` says which
requests get a thread, `arbiter.py` how a server is stopped and renewed.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, NoReturn

import structlog
from flask import Flask
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from gunicorn.glogging import Logger  # type: ignore[import-untyped]

from shopsearch.bootstrap import ServerServices, Services
from shopsearch.errors import SettingsError, ShopsearchError
from shopsearch.following import Follower
from shopsearch.server import metrics, tracing
from shopsearch.server.admission import Admission
from shopsearch.server.app import MAX_FIELD_BYTES, create_app
from shopsearch.server.arbiter import STOPPING, GracefulArbiter, Renewal, is_rehearsal
from shopsearch.server.cores import limit_threads, share_cores
from shopsearch.server.load_meters import follow_load
from shopsearch.server.memory import give_large_blocks_back
from shopsearch.server.rates import check_storage
from shopsearch.server.worker import SheddingWorker
from shopsearch.settings import Settings

GRACE_S = 30
LOADING_LIMIT_S = 900  # a first start may have to download a model
KEEPALIVE_S = 15  # an open connection without a request costs no thread
MAX_CONNECTIONS = 1000  # of each process

_SHARED = "PROMETHEUS_MULTIPROC_DIR"

_log = structlog.get_logger(__name__)

Announce = Callable[[str], None]


def serve(settings: Settings, announce: Announce | None = None) -> None:
    """Serve until SIGTERM or Ctrl-C, then finish the requests at hand and return.

    `announce` is called with the address once it answers, in the process that answers.
    Raises `SettingsError` where the address cannot be listened on or requests cannot be counted,
    and what `Services.open` raises.
    """
    _refuse_to_hang()
    tracing.check(settings)
    check_storage(settings)
    with Services.open(settings) as services:  # once, not by every worker
        if is_rehearsal():
            create_app(services)
            return
        services.audit_trail.forget_old()
    renewal = Renewal.taken()
    listener = renewal.listener or _listen(settings.host, settings.port)
    address = _address(settings.host, listener)
    arbiter_pid = os.getpid()
    if renewal.workers:
        announce = None  # it is known
    with _shared_counts(settings.workers, renewal.metrics_folder) as folder:
        try:
            application = Application(settings, listener, address, announce, folder)
            GracefulArbiter(application, renewal.workers).run()
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
        metrics_folder: Path | None,
    ) -> None:
        self.metrics_folder = metrics_folder
        self._settings = share_cores(settings)
        self.read_timeout_s = settings.read_timeout_s
        self.max_body_bytes = settings.max_image_bytes + MAX_FIELD_BYTES
        self.admission = Admission(
            at_once=settings.worker_threads,
            queue_size=settings.queue_size,
            timeout_s=settings.request_timeout_s,
        )
        self.tell_ready: Callable[[], None] = lambda: None  # the arbiter's
        self._bind = f"fd://{listener.detach()}"
        self._address = address
        self._announce = announce
        self._services: Services | None = None  # those of a worker
        self._app: Flask | None = None
        self._refresher: Follower | None = None
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn up; its own configuration files and environment do not count."""
        values: dict[str, Any] = {
            "bind": self._bind,
            "workers": self._settings.workers,
            "threads": self._settings.worker_threads,
            "worker_class": SheddingWorker,
            "worker_connections": MAX_CONNECTIONS,
            "keepalive": KEEPALIVE_S,
            "graceful_timeout": GRACE_S,
            "timeout": LOADING_LIMIT_S,
            "preload_app": False,  # a model loaded before a fork can hang after it
            "control_socket_disable": True,
            "forwarder_headers": "",  # or a visitor behind a local proxy could name another path
            "loglevel": "warning",  # the request log is ours
            "logger_class": PlainLogger,
            "post_worker_init": self._begin_work,
            "worker_exit": self._end_work,
        }
        for name, value in values.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """The application of one worker."""
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)  # its own handlers are in place
        give_large_blocks_back()
        services = self._services = ServerServices.open(self._settings)
        warm_up(services)
        limit_threads(self._settings.threads)
        services.follower.begin()
        services.logbook.begin()
        services.event_book.begin()
        app = self._app = create_app(services, self.metrics_folder)
        follow_load(metrics.meters_of(app), services, self.admission)
        self._refresher = Follower(metrics.meters_of(app).refresh, every_s=metrics.REFRESH_EVERY_S)
        self._refresher.begin()
        return app

    def _begin_work(self, worker: Any) -> None:
        # Ctrl-C reaches every process of the terminal; the arbiter alone decides what it means
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.tell_ready()
        if worker.age != 1:  # the first worker speaks for all
            return
        _log.info("listening", address=self._address)
        if self._announce is not None:
            self._announce(self._address)

    def _end_work(self, _arbiter: Any, _worker: Any) -> None:
        """Called in a worker whose requests are finished: what was noted is written and sent."""
        if self._refresher is not None:
            self._refresher.close()
        if self._app is not None:
            tracing.end(self._app)
        if self._services is not None:
            self._services.close()


class PlainLogger(Logger):  # type: ignore[misc]
    """Sends what gunicorn says the way of all logs, so that it has their format."""

    def setup(self, cfg: Any) -> None:
        """See `Logger.setup`."""
        super().setup(cfg)
        for handler in list(self.error_log.handlers):
            self.error_log.removeHandler(handler)
        self.error_log.propagate = True


def _refuse_to_hang() -> None:
    """The threads of a model do not survive a fork: a worker forked after torch or ONNX Runtime has
    run waits for them for ever at its first encoding.
    """
    if not sys.modules.keys().isdisjoint({"torch", "onnxruntime"}):
        raise ShopsearchError(
            "this process has loaded a model, and a server forked from it would hang; "
            "serve from a process of its own: `shopsearch serve`"
        )


@contextmanager
def _shared_counts(workers: int, left: Path | None = None) -> Iterator[Path | None]:
    """A folder through which processes count together, the one that was `left` by a server that
    this one takes over from, or a new one; None where there is one process alone.

    The library takes it from its variable and from nowhere else, when it is imported, which no
    process has done before this.
    """
    if workers == 1:
        os.environ.pop(_SHARED, None)  # noqa: TID251 - the library shall not see another's
        yield None
        return
    folder = left or Path(mkdtemp(prefix="shopsearch-metrics-"))
    os.environ[_SHARED] = str(folder)  # noqa: TID251 - written for the library, not read
    try:
        yield folder
    finally:  # in the arbiter alone: workers leave by `_leave`
        shutil.rmtree(folder, ignore_errors=True)


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
