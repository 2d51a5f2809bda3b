"""How long each stage of one search takes, and whether there is time left for the next one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from shopsearch.errors import Overloaded

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


@contextmanager
def due(deadline: float) -> Iterator[None]:
    """What this thread does in the block is of no use after a time of `time.monotonic`."""
    before = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(before)


def check_deadline() -> None:
    """Raises `Overloaded` where the time of what is at hand is over."""
    deadline = _deadline.get()
    if deadline is not None and time.monotonic() > deadline:
        raise Overloaded


class Stages:
    """A stopwatch with names. What runs within another stage is taken off that one's time."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seconds: dict[str, float] = {}
        self._within: list[float] = []  # seconds of the stages inside each open one

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Time a block under a name; a name that comes again adds up.

        Raises `Overloaded` where it would begin after the deadline.
        """
        check_deadline()
        started = self._clock()
        self._within.append(0.0)
        try:
            yield
        finally:
            passed = self._clock() - started
            own = passed - self._within.pop()
            self._seconds[name] = self._seconds.get(name, 0.0) + own
            if self._within:
                self._within[-1] += passed

    @property
    def ms(self) -> Mapping[str, float]:
        """Milliseconds by name, in the order in which the names came first."""
        return {name: seconds * 1000.0 for name, seconds in self._seconds.items()}
