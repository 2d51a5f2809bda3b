"""A worker process of gunicorn that lets no client hold a thread, and takes no more than it can do.

Its event loop, which is gunicorn's, gathers requests until they are complete. Those that are
answered at once, `admission.is_quick`, go to threads of their own. Searches go to as many threads
as shall search at once, through the queue of `Admission`; what finds no room there is told so by
the quick threads.
"""

from __future__ import annotations

import contextlib
import resource
import select
import selectors
import socket
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import structlog
from gunicorn.http.unreader import SocketUnreader  # type: ignore[import-untyped]
from gunicorn.workers.gthread import (  # type: ignore[import-untyped]
    STOP_KEEPALIVE_LINGER,
    TConn,
    ThreadWorker,
)
from werkzeug.exceptions import RequestTimeout

from shopsearch.server.admission import Admission, Ticket, is_quick
from shopsearch.server.incoming import BYTES_PER_S, Incoming
from shopsearch.stages import due

QUICK_THREADS = 4
SEND_TIMEOUT_S = 30.0  # for a client that does not read its answer
MAX_HELD_BYTES = 256 * 1024 * 1024  # of all requests of a process that arrive or wait
_RECEIVE_BYTES = 256 * 1024
_LOOK_EVERY_S = 0.25
_PAUSE_S = 0.05
_GONE_AFTER_S = 0.5  # who has waited so long may have gone away
_LONG_AGO = float("-inf")
_OPEN_FILES = 4096

_log = structlog.get_logger(__name__)

_GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"
_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class SheddingWorker(ThreadWorker):  # type: ignore[misc]
    """See the module. `self.app` gives `admission`, `read_timeout_s` and `max_body_bytes`."""

    def init_process(self) -> None:
        """See `Worker.init_process`."""
        self._quick = ThreadPoolExecutor(QUICK_THREADS, thread_name_prefix="quick")
        self._arriving: dict[Connection, None] = {}
        self._n_held = 0
        self._next_look = 0.0
        _allow_open_files()
        super().init_process()

    def accept(self, listener: socket.socket) -> None:
        """See `ThreadWorker.accept`."""
        try:
            client, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError as error:  # no more files may be open
            _log.warning("no connection can be accepted", error=str(error))
            self.murder_keepalived(force=True)
            time.sleep(_PAUSE_S)
            return
        self.nr_conns += 1
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # head and body are sent apart
        conn = Connection(self.cfg, client, address, listener.getsockname())
        self._gather(conn)

    def on_client_socket_readable(self, conn: Connection, client: socket.socket) -> None:
        """See `ThreadWorker.on_client_socket_readable`."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._gather(conn)

    def enqueue_req(self, conn: Connection) -> None:
        """See `ThreadWorker.enqueue_req`: the connection has a further request already."""
        self._gather(conn)

    def murder_pending(self) -> None:
        """See `ThreadWorker.murder_pending`: cut off those whose time to send is over."""
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + _LOOK_EVERY_S
        if self.nr_conns >= self.worker_connections:
            self.murder_keepalived(force=True)  # nobody new would be let in, for nothing
        for conn in [one for one in self._arriving if one.deadline < now]:
            if conn.incoming.has_begun:
                with contextlib.suppress(OSError):
                    conn.sock.send(_TOO_SLOW)
            self._drop(conn)

    def _cap_keepalive(self, deadline: float) -> None:
        """See `ThreadWorker._cap_keepalive`: those who have sent nothing yet need not begin."""
        super()._cap_keepalive(deadline)
        for conn in self._arriving:
            if not conn.incoming.has_begun:
                conn.deadline = min(conn.deadline, deadline)

    def _gather(self, conn: Connection) -> None:
        """Wait, in the event loop, until a request of the connection is complete."""
        conn.expect(Incoming(max_body_bytes=self.app.max_body_bytes), self.app.read_timeout_s)
        if not self.alive:
            conn.deadline = min(conn.deadline, time.monotonic() + STOP_KEEPALIVE_LINGER)
        conn.sock.setblocking(False)
        self._arriving[conn] = None
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._receive, conn))
        if ahead := conn.read_ahead():
            self._take(conn, ahead)

    def _receive(self, conn: Connection, client: socket.socket) -> None:
        try:
            received = client.recv(_RECEIVE_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            received = b""
        if received:
            self._take(conn, received)
        else:
            self._drop(conn)

    def _take(self, conn: Connection, received: bytes) -> None:
        self._n_held += len(received)
        try:
            conn.incoming.feed(received)
        except OSError as error:  # it is too long for the memory, and there is no room for a file
            _log.warning("a request cannot be held", error=str(error))
            self._drop(conn)
            return
        is_too_much = self._n_held > MAX_HELD_BYTES
        if conn.incoming.is_complete or is_too_much:
            self._leave(conn)
            self._dispatch(conn, has_room=not is_too_much)
        elif conn.incoming.has_head:
            conn.deadline += len(received) / BYTES_PER_S
            if conn.incoming.asks_to_go_on:
                conn.incoming.asks_to_go_on = False
                with contextlib.suppress(OSError):
                    conn.sock.send(_GO_ON)

    def _leave(self, conn: Connection) -> None:
        self.poller.unregister(conn.sock)
        del self._arriving[conn]

    def _drop(self, conn: Connection) -> None:
        self._leave(conn)
        self._n_held -= len(conn.incoming)
        conn.incoming.close()
        self.nr_conns -= 1
        conn.close()

    def _dispatch(self, conn: Connection, *, has_room: bool) -> None:
        conn.data_ready = True
        admission: Admission = self.app.admission
        if is_quick(conn.incoming.path):
            answered = self._quick.submit(self.handle, conn)
        elif has_room and (ticket := admission.admit()) is not None:
            answered = self.tpool.submit(self._search, conn, ticket, admission)
        else:
            answered = self._quick.submit(self._refuse, conn)
        answered.add_done_callback(
            lambda done: self.method_queue.defer(self.finish_request, conn, done)
        )

    def _search(self, conn: Connection, ticket: Ticket, admission: Admission) -> Any:
        begun = admission.begin(ticket)
        try:
            if admission.waited_s(ticket) > _GONE_AFTER_S and conn.is_gone():
                admission.abandon()
                return False
            with due(ticket.deadline):
                return self.handle(conn)
        finally:
            admission.end(ticket, begun)

    def _refuse(self, conn: Connection) -> Any:
        with due(_LONG_AGO):
            return self.handle(conn)

    def handle_request(self, req: Any, conn: Connection) -> bool:
        """See `ThreadWorker.handle_request`. No client can make a thread wait for ever."""
        conn.sock.settimeout(SEND_TIMEOUT_S)
        try:
            return bool(super().handle_request(req, conn))
        except TimeoutError:
            return False

    def finish_request(self, conn: Connection, fs: Future[Any]) -> None:
        """See `ThreadWorker.finish_request`."""
        self._n_held -= len(conn.incoming)
        conn.settle()
        super().finish_request(conn, fs)


class Connection(TConn):  # type: ignore[misc]
    """A connection, with the request that arrives on it."""

    incoming: Incoming
    deadline: float  # by when the request has to be complete
    _read_timeout_s: float

    def init(self) -> None:
        """See `TConn.init`: the parser reads what was gathered."""
        is_new = self.parser is None
        super().init()
        if is_new:
            self.parser.unreader = _Gathered(self.sock)
        self.incoming.begin_reading()
        self.parser.unreader.read_from(self.incoming, self._read_timeout_s)

    def expect(self, incoming: Incoming, read_timeout_s: float) -> None:
        """From here on it waits for a request."""
        self.incoming = incoming
        self._read_timeout_s = read_timeout_s
        self.deadline = time.monotonic() + read_timeout_s

    def read_ahead(self) -> bytes:
        """What the client has sent after its last request."""
        if self.parser is None:
            return b""
        ahead: bytes = self.parser.unreader.take_buffered()
        return ahead

    def settle(self) -> None:
        """The request is answered; what was gathered after it is kept for the next one."""
        if self.parser is not None and isinstance(self.parser.unreader, _Gathered):
            self.parser.unreader.settle()
        self.incoming.close()

    def is_gone(self) -> bool:
        """Whether the client has closed the connection."""
        try:
            readable, _, _ = select.select([self.sock], [], [], 0)
            return bool(readable) and self.sock.recv(1, socket.MSG_PEEK) == b""
        except (OSError, ValueError):
            return True


class _Gathered(SocketUnreader):  # type: ignore[misc]
    """Gives gunicorn's parser what was gathered, and then, for a while, what is still to come."""

    _incoming: Incoming | None = None
    _timeout_s = 0.0

    def read_from(self, incoming: Incoming, timeout_s: float) -> None:
        """Begin with these bytes."""
        self._incoming, self._timeout_s = incoming, timeout_s

    def chunk(self, size_hint: int | None = None) -> bytes:
        """See `Unreader.chunk`."""
        size = max(self.mxchunk, min(size_hint or 0, self.max_body_chunk))
        if self._incoming is not None and (held := self._incoming.read(size)):
            return held
        self.sock.settimeout(self._timeout_s)
        try:
            received: bytes = self.sock.recv(size)
        except TimeoutError:
            raise RequestTimeout(
                f"the rest of the request did not come within {self._timeout_s:g} s"
            ) from None
        finally:
            self.sock.settimeout(SEND_TIMEOUT_S)
        return received

    def settle(self) -> None:
        """Keep what has not been read."""
        if self._incoming is not None:
            self.buf.seek(0, 2)
            while rest := self._incoming.read(_RECEIVE_BYTES):
                self.buf.write(rest)
            self._incoming = None


def _allow_open_files() -> None:
    """Have as many files open as connections, and what arrives on them, may need."""
    now, at_most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if at_most == resource.RLIM_INFINITY else min(_OPEN_FILES, at_most)
    if now != resource.RLIM_INFINITY and now < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, at_most))
