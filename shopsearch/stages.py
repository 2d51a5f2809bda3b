"""How long each stage of one search takes, who is told, and whether there is time for the next."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from shopsearch.errors import Overloaded


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage as it went; what ran within it counts here too."""

    name: str
    started_s: float  # of the clock of its stopwatch, `time.perf_counter` but in tests
    ended_s: float


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
        self._ended: list[Stage] = []

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
            ended = self._clock()
            passed = ended - started
            own = passed - self._within.pop()
            self._seconds[name] = self._seconds.get(name, 0.0) + own
            self._ended.append(Stage(name, started, ended))
            if self._within:
                self._within[-1] += passed

    @property
    def ms(self) -> Mapping[str, float]:
        """Milliseconds by name, in the order in which the names came first."""
        return {name: seconds * 1000.0 for name, seconds in self._seconds.items()}

    @property
    def ended(self) -> tuple[Stage, ...]:
        """Every stage that is over, in the order in which they ended."""
        return tuple(self._ended)


@dataclass(frozen=True, slots=True)
class SearchRun:
    """A search that is over, or has failed, for whoever watches."""

    generation: str
    stages: Stages


SearchWatch = Callable[[SearchRun], None]

_watches: ContextVar[tuple[SearchWatch, ...]] = ContextVar("search_watches", default=())


def watch_searches(*watches: SearchWatch) -> None:
    """From here on, in this context (a request has one), tell these of each search and no other."""
    _watches.set(watches)


def tell_of(generation: str, stages: Stages) -> None:
    """Tell who watches in this context that a search is over."""
    for watch in _watches.get():
        watch(SearchRun(generation, stages))
