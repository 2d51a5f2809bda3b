"""Lists that people change while servers run: read again when their revision has changed."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

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
