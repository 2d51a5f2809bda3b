"""Counters of requests in the memory of a process, for Flask-Limiter.

The storage that comes with it starts a thread for about each request and looks through all counters
in it; this one looks through them once a minute.
"""

from __future__ import annotations

import threading
import time

from limits.storage import Storage

SCHEME = "shopsearch-memory"
SWEEPS_EVERY_S = 60.0
CAPACITY = 200_000  # callers; beyond, all are counted anew: memory is worth more than counts


class CountsInMemory(Storage):
    """A storage of `limits`, for fixed windows. Threads may share it."""

    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012 - as the base class has it

    def __init__(self, uri: str | None = None, **options: float | str | bool) -> None:
        super().__init__(uri, **options)  # type: ignore[arg-type]  # a flag among them
        self._lock = threading.Lock()
        self._counts: dict[str, tuple[int, float]] = {}  # with the end of the window, Unix time
        self._swept = time.time()

    @property
    def base_exceptions(self) -> type[Exception]:
        """What the storage raises where it fails: never, as nothing can."""
        return KeyError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count requests in the window at hand, or in a new one; how many there were."""
        now = time.time()
        with self._lock:
            self._sweep_when_due(now)
            count, end = self._counts.get(key, (0, 0.0))
            if end <= now:
                count, end = 0, now + expiry
            self._counts[key] = (count + amount, end)
            return count + amount

    def get(self, key: str) -> int:
        """How many requests there were in the window at hand."""
        count, end = self._counts.get(key, (0, 0.0))
        return count if end > time.time() else 0

    def get_expiry(self, key: str) -> float:
        """When the window at hand ends."""
        return max(self._counts.get(key, (0, 0.0))[1], time.time())

    def check(self) -> bool:
        """Memory is always there."""
        return True

    def reset(self) -> int:
        """Forget all; how many callers there were."""
        with self._lock:
            n_known = len(self._counts)
            self._counts.clear()
        return n_known

    def clear(self, key: str) -> None:
        """Forget a caller."""
        with self._lock:
            self._counts.pop(key, None)

    def _sweep_when_due(self, now: float) -> None:
        if len(self._counts) >= CAPACITY:
            self._counts.clear()
        if now - self._swept >= SWEEPS_EVERY_S:
            self._swept = now
            self._counts = {key: kept for key, kept in self._counts.items() if kept[1] > now}
