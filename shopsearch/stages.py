"""How long each stage of one search takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager


class Stages:
    """A stopwatch with names. What runs within another stage is taken off that one's time."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seconds: dict[str, float] = {}
        self._within: list[float] = []  # seconds of the stages inside each open one

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Time a block under a name; a name that comes again adds up."""
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
