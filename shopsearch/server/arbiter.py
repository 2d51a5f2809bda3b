"""The process that holds the socket: it starts the workers, stops them in order, and renews itself.

On SIGHUP it replaces itself by a new process image with the same id, which reads program and
settings anew; the workers, and the socket, stay what they were. The new one starts workers of its
own, and once all of these can answer, it lets the former ones finish what they have. What would not
start is found out beforehand, by a rehearsal, and then nothing changes.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import structlog
from gunicorn.arbiter import Arbiter  # type: ignore[import-untyped]

STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
REHEARSAL_LIMIT_S = 120
_HELD_BACK = (*STOPPING, signal.SIGHUP)
_environment = os.environ  # noqa: TID251 - no settings: what one process image tells the next
_RENEWAL = "_SHOPSEARCH_RENEWAL"
_REHEARSAL = "_SHOPSEARCH_REHEARSAL"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Renewal:
    """What an arbiter leaves to the one that takes its place."""

    listener: socket.socket | None = None  # None: there was none before this one
    workers: tuple[int, ...] = ()  # their process ids
    metrics_folder: Path | None = None  # where they and their followers count together

    @classmethod
    def taken(cls) -> Self:
        """What was left to this process."""
        left = _environment.pop(_RENEWAL, None)
        if left is None:
            return cls()
        told = json.loads(left)
        folder = told["metrics_folder"]
        return cls(
            socket.socket(fileno=told["listener"]),
            tuple(told["workers"]),
            None if folder is None else Path(folder),
        )


def is_rehearsal() -> bool:
    """Whether this process shall only see whether a server could start."""
    return _REHEARSAL in _environment


class GracefulArbiter(Arbiter):  # type: ignore[misc]
    """An arbiter that finishes the requests at hand, whether it is stopped or renewed.

    `predecessors` are the workers of the one before it; they answer until its own can.
    """

    def __init__(self, app: Any, predecessors: Sequence[int] = ()) -> None:
        self._predecessors = list(predecessors)
        self._n_ready = 0
        self._ready, tell_ready = os.pipe()
        os.set_blocking(self._ready, False)
        os.set_blocking(tell_ready, False)
        app.tell_ready = lambda: _tell(tell_ready)
        super().__init__(app)

    def init_signals(self) -> None:
        """See `Arbiter.init_signals`. What came while there was no handler is handled now."""
        super().init_signals()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD_BACK)

    def spawn_worker(self) -> Any:
        """See `Arbiter.spawn_worker`. A signal to stop waits until the worker has its own handlers.

        Until then a new process has those of the arbiter, which put the signal on a queue that no
        worker reads: it would go on, and be killed when the grace is over.
        """
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
        try:
            return super().spawn_worker()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)

    def manage_workers(self) -> None:
        """See `Arbiter.manage_workers`."""
        super().manage_workers()
        if not self._predecessors:
            return
        with contextlib.suppress(BlockingIOError):
            self._n_ready += len(os.read(self._ready, 1024))
        if self._n_ready >= self.num_workers:
            _log.info("renewed", workers=self.num_workers)
            self._dismiss_predecessors()

    def stop(self, graceful: bool = True) -> None:
        """See `Arbiter.stop`."""
        self._dismiss_predecessors()
        super().stop(graceful)

    def handle_int(self) -> None:
        """See `Arbiter.handle_int`."""
        self.handle_term()

    def handle_hup(self) -> None:
        """See `Arbiter.handle_hup`: read program and settings anew."""
        if self._predecessors:
            _log.warning("not renewed: the renewal before this one is not over yet")
            return
        if (trouble := _rehearsed()) is not None:
            _log.error("not renewed: a new server would not start", reason=trouble)
            return
        signal.pthread_sigmask(signal.SIG_BLOCK, _HELD_BACK)  # stays so in the new image
        if self._shall_stop():
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD_BACK)
            return
        _log.info("renewing")
        listener = self.LISTENERS[0].fileno()
        os.set_inheritable(listener, True)
        folder = self.app.metrics_folder
        left = {
            "listener": listener,
            "workers": list(self.WORKERS),
            "metrics_folder": None if folder is None else str(folder),
        }
        _environment[_RENEWAL] = json.dumps(left)
        sys.stdout.flush()
        sys.stderr.flush()
        os.execv(sys.executable, _command())  # noqa: S606 - this very program, without a shell

    def _shall_stop(self) -> bool:
        """Whether it was told so during the rehearsal; what it was told stays to be done."""
        told = []
        with contextlib.suppress(queue.Empty):
            while True:
                told.append(self.SIG_QUEUE.get_nowait())
        for one in told:
            self.SIG_QUEUE.put_nowait(one)
        return not set(STOPPING).isdisjoint(told)

    def _dismiss_predecessors(self) -> None:
        for pid in self._predecessors:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        self._predecessors.clear()


def _command() -> list[str]:
    """The command line that this process was started with."""
    return [sys.executable, *sys.orig_argv[1:]]


def _rehearsed() -> str | None:
    """Why a new server would not start; None where it would."""
    try:
        done = subprocess.run(
            _command(),
            env={**_environment, _REHEARSAL: "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=REHEARSAL_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return None if done.returncode == 0 else done.stderr.strip()[-2000:]


def _tell(pipe: int) -> None:
    with contextlib.suppress(OSError):
        os.write(pipe, b".")
