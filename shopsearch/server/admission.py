"""How many searches a server process works on, how many wait, and which are turned away.

A search that cannot be answered in time is better refused at once: whoever asks is told when to ask
again, and the others are answered as if nobody had asked too much. Health checks, pictures and
static files stand in no queue.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask

from shopsearch.stages import check_deadline

_IN_TIME = 0.8  # of its time, that a search may be expected to need: what is expected is a mean
_WEIGHT = 0.1  # of the latest search in that mean

_QUICK_PATHS = frozenset({b"/healthz", b"/readyz", b"/metrics", b"/favicon.ico"})
_QUICK_FOLDERS = (b"/static/", b"/media/")


@dataclass(frozen=True, slots=True)
class Ticket:
    """The place of one search in the queue."""

    deadline: float  # on the clock of `time.monotonic`


class Admission:
    """The queue of one server process: so many at once, so many waiting, none beyond its time.

    A search gets no place where those before it would take so long that it could not be answered in
    time: told at once, its client can do something else. The threads of the process share it. Its
    figures are plain numbers, to be shown.
    """

    def __init__(
        self,
        *,
        at_once: int,
        queue_size: int,
        timeout_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.at_once = at_once
        self.queue_size = queue_size
        self._timeout_s = timeout_s
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting = 0
        self._running = 0
        self._admitted = 0
        self._refused = 0
        self._expired = 0
        self._abandoned = 0
        self._mean_s = 0.0  # from when a thread takes a search up until it is answered

    @property
    def waiting(self) -> int:
        """Searches that wait for a thread."""
        return max(0, self._waiting + self._running - self.at_once)

    @property
    def running(self) -> int:
        """Searches that a thread works on, or is about to."""
        return min(self.at_once, self._waiting + self._running)

    @property
    def n_admitted(self) -> int:
        """Searches that got a place."""
        return self._admitted

    @property
    def n_refused(self) -> int:
        """Searches that got none, as the queue was full or too slow."""
        return self._refused

    @property
    def expected_s(self) -> float:
        """How long a search that came now would take, its waiting included; 0 at first."""
        return self._mean_s * (1 + self.waiting / self.at_once)

    @property
    def n_expired(self) -> int:
        """Searches that waited beyond their time."""
        return self._expired

    @property
    def n_abandoned(self) -> int:
        """Searches whose clients went away while they waited."""
        return self._abandoned

    def admit(self) -> Ticket | None:
        """A place for a search that has just come; None where there is no room."""
        with self._lock:
            is_full = self._waiting + self._running >= self.at_once + self.queue_size
            is_slow = self.waiting > 0 and self.expected_s > _IN_TIME * self._timeout_s
            if is_full or is_slow:
                self._refused += 1
                return None
            self._waiting += 1
            self._admitted += 1
        return Ticket(self._clock() + self._timeout_s)

    def begin(self, ticket: Ticket) -> float:
        """A thread takes it up; when, to be told at the end."""
        now = self._clock()
        with self._lock:
            self._waiting -= 1
            self._running += 1
            self._expired += now > ticket.deadline
        return now

    def waited_s(self, ticket: Ticket) -> float:
        """How long it has been there."""
        return self._clock() - (ticket.deadline - self._timeout_s)

    def abandon(self) -> None:
        """Its client is gone: nothing is done for it."""
        with self._lock:
            self._abandoned += 1

    def end(self, ticket: Ticket, begun: float) -> None:
        """It is answered."""
        took_s = self._clock() - begun
        with self._lock:
            self._running -= 1
            if begun <= ticket.deadline:  # others were not worked on
                self._mean_s += (took_s - self._mean_s) * (_WEIGHT if self._mean_s else 1.0)


def is_quick(path: bytes) -> bool:
    """Whether what is under this path is answered whatever there is to do."""
    return path in _QUICK_PATHS or path.startswith(_QUICK_FOLDERS)


def install(app: Flask) -> None:
    """Answer no request whose time is over."""
    app.before_request(check_deadline)
