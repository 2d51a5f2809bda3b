"""What spares callers the wait for a server of which it was just seen that it does not answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from shopsearch.errors import IndexUnavailable

log = structlog.get_logger(__name__)


class NotThere(IndexUnavailable):
    """The server answers, but has not got what was asked for: no reason to refuse other calls."""


class Breaker:
    """Refuses calls for a while after one has found a server out of reach.

    When that while is over, one caller tries again while the others are still refused. It logs
    when the server goes and when it is back, not at each call.
    """

    def __init__(
        self, name: str, rest_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._name = name
        self._rest_s = rest_s
        self._clock = clock
        self._lock = threading.Lock()
        self._open_until = 0.0
        self._trouble = ""
        self._refuses = False

    @property
    def trouble(self) -> str:
        """What was wrong with the last call; "" where nothing was."""
        return self._trouble

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Around one call. Raises `IndexUnavailable` where it is refused, and takes note of one
        that the call raises.
        """
        self._let_through()
        try:
            yield
        except IndexUnavailable as error:
            self._note(str(error), refuses=not isinstance(error, NotThere))
            raise
        self._note("")

    def _let_through(self) -> None:
        if not self._refuses:
            return
        with self._lock:
            if self._refuses and self._clock() < self._open_until:
                raise IndexUnavailable(self._trouble)
            self._open_until = self._clock() + self._rest_s  # this caller tries, others wait

    def _note(self, trouble: str, *, refuses: bool = False) -> None:
        if not trouble and not self._trouble:
            return
        with self._lock:
            before, self._trouble, self._refuses = self._trouble, trouble, refuses
            self._open_until = self._clock() + self._rest_s
        if trouble and not before:
            log.error("the vectors are out of reach", server=self._name, error=trouble)
        elif before and not trouble:
            log.info("the vectors can be reached again", server=self._name)
