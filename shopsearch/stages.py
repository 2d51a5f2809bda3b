"""How long each stage of one search takes, and who is told of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage as it went; what ran within it counts here too."""

    name: str
    started_s: float  # of the clock of its stopwatch, `time.perf_counter` but in tests
    ended_s: float


class Stages:
    """A stopwatch with names. What runs within another stage is taken off that one's time."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seconds: dict[str, float] = {}
        self._within: list[float] = []  # seconds of the stages inside each open one
        self._ended: list[Stage] = []

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Time a block under a name; a name that comes again adds up."""
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
