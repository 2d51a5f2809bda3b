"""A bounded queue, and one thread that hands on what waits in it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar
from weakref import WeakMethod

import structlog

from shopsearch.errors import ShopsearchError

WRITE_EVERY_S = 1.0
CLOSES_WITHIN_S = 5.0
TIDY_EVERY_S = 3600.0  # how often what is too old is looked for

_log = structlog.get_logger(__name__)

Note = TypeVar("Note")
Work = Callable[[Sequence[Note], bool], None]  # what waits, and whether it is the last time


class Writer(Generic[Note]):
    """Hands what waits to `work` about once a second, and a `hasty` one at once where the queue is
    half full.

    `work` is called where nothing waits, too. The thread begins with the first note, or with
    `begin`, in the process that needs it: a process that is forked off has a thread and a queue of
    its own. Threads may share it.
    """

    def __init__(
        self,
        name: str,
        work: Work[Note],
        *,
        capacity: int,
        every_s: float = WRITE_EVERY_S,
        hasty: bool = False,
    ) -> None:
        self._name = name
        self._work = work
        self._capacity = capacity
        self._every_s = every_s
        self._is_hasty = hasty
        self._start_anew()
        start_anew = WeakMethod(self._start_anew)
        os.register_at_fork(after_in_child=lambda: (call := start_anew()) and call())

    def _start_anew(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Note] = []
        self._n_held = 0
        self._wakes = threading.Event()
        self._has_ended = False
        self._thread: threading.Thread | None = None

    @property
    def has_ended(self) -> bool:
        """Whether nothing is taken any more."""
        return self._has_ended

    def put(self, notes: Sequence[Note]) -> bool:
        """Let notes wait, all or none; False where there is no room for them, or at the end."""
        self.begin()
        with self._lock:
            n_waiting = len(self._waiting) + self._n_held + len(notes)
            if self._has_ended or n_waiting > self._capacity:
                return False
            self._waiting.extend(notes)
        if self._is_hasty and 2 * n_waiting >= self._capacity and not self._n_held:
            self._wakes.set()
        return True

    def hold(self, n: int) -> None:
        """Count so many notes as waiting that `work` could not hand on yet."""
        with self._lock:
            self._n_held = n

    def begin(self) -> None:
        """Start the thread, where it does not run yet."""
        if self._thread is None:
            with self._lock:
                if self._thread is None and not self._has_ended:
                    self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                    self._thread.start()

    def close(self, within_s: float = CLOSES_WITHIN_S) -> None:
        """Hand on what waits, and end; what takes longer is lost, and said."""
        with self._lock:
            self._has_ended = True
        self._wakes.set()
        if self._thread is not None:
            self._thread.join(within_s)
            if self._thread.is_alive():
                _log.warning(f"the {self._name} could not be written to the end", within_s=within_s)

    def _run(self) -> None:
        while not self._has_ended:
            self._wakes.wait(self._every_s)
            self._wakes.clear()
            if not self._has_ended:
                self._work(self._drained(), False)
        self._work(self._drained(), True)

    def _drained(self) -> Sequence[Note]:
        with self._lock:
            waiting, self._waiting = self._waiting, []
        return waiting


def tell(what: str, error: Exception) -> None:
    """A defect with its traceback; what shopsearch raises on purpose says all in its words."""
    foreseen = isinstance(error, ShopsearchError)
    _log.warning(what, reason=str(error), exc_info=None if foreseen else error)
