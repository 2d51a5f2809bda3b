"""What changes while servers run: looked for now and then, by a request or beside them all."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

import structlog

from shopsearch.errors import ShopsearchError

T = TypeVar("T")
Look = Callable[[], None]
Listen = Callable[[Look, threading.Event], None]  # calls at each change, until the event is set

_log = structlog.get_logger(__name__)

LOOK_EVERY_S = 0.5
CHECK_EVERY_S = 1.0  # how old what a server knows may be


class Followed(Generic[T]):
    """What `read` gives, renewed when `revision` has changed; `empty` is that of revision 0."""

    def __init__(
        self,
        empty: T,
        read: Callable[[], T],
        revision: Callable[[], int],
        check_every_s: float = CHECK_EVERY_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._value = empty
        self._read = read
        self._revision_now = revision
        self._check_every_s = check_every_s
        self._clock = clock
        self._reading = threading.Lock()
        self._revision = 0
        self._next_check = -math.inf

    def get(self) -> T:
        """The latest; one caller looks for changes while all others go on."""
        is_first = self._next_check < 0
        if self._clock() >= self._next_check and self._reading.acquire(blocking=is_first):
            try:
                self._renew()
            finally:
                self._reading.release()
        return self._value

    def _renew(self) -> None:
        revision = self._revision_now()
        if revision != self._revision:  # what is written in between is read with the next check
            self._value, self._revision = self._read(), revision
        self._next_check = self._clock() + self._check_every_s


class Follower:
    """Looks for changes in a thread of its own, so that no request has to.

    It looks every `every_s`, and at once when what it listens to tells of a change. A look that
    fails on purpose comes again with the next turn; the same failure is logged once.
    """

    def __init__(
        self, *looks: Look, every_s: float = LOOK_EVERY_S, listen: Listen | None = None
    ) -> None:
        self._looks = looks
        self._every_s = every_s
        self._ended = threading.Event()
        self._woken = threading.Event()
        self._threads = [threading.Thread(target=self._follow, name="follower", daemon=True)]
        if listen is not None:
            ear = (self._woken.set, self._ended)
            self._threads.append(
                threading.Thread(target=listen, args=ear, name="listener", daemon=True)
            )

    def begin(self) -> None:
        """Start to look."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Look no more; a look at hand is finished."""
        self._ended.set()
        self._woken.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    def _follow(self) -> None:
        told: dict[Look, str] = {}
        while not self._is_over():
            for look in self._looks:
                error = _failure(look)
                if error and told.get(look) != error:
                    _log.warning("a look for changes failed", error=error)
                told[look] = error

    def _is_over(self) -> bool:
        """Wait until it is time to look; whether there is no more to be looked for."""
        self._woken.wait(self._every_s)
        self._woken.clear()
        return self._ended.is_set()


def _failure(look: Look) -> str:
    try:
        look()
    except (ShopsearchError, OSError) as error:
        return str(error) or type(error).__name__
    return ""
