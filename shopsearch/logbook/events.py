"""Notes events: what cannot be written yet is kept and tried again, as a purchase is no hint only.

A repeated event is kept once, so trying again can do no harm. Where more events wait than the queue
takes, whoever sends them is told so (`EventsBusy`) and may send them again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import structlog

from shopsearch.domain import Event
from shopsearch.errors import EventsBusy, StoreUnavailable
from shopsearch.logbook.writing import CLOSES_WITHIN_S, TIDY_EVERY_S, WRITE_EVERY_S, Writer, tell
from shopsearch.store import EventStore

CAPACITY = 20_000  # events that wait to be written
WRITTEN_AT_ONCE = 2_000  # so that no other writer waits for long

_log = structlog.get_logger(__name__)


class EventBook:
    """Takes note of events for an `EventStore`. Threads may share it.

    What is older than `keep_days` is forgotten about once an hour, also where nothing is noted any
    more (`keeps=False`).
    """

    def __init__(
        self,
        store: EventStore,
        *,
        keeps: bool = True,
        keep_days: int,
        capacity: int = CAPACITY,
        write_every_s: float = WRITE_EVERY_S,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._keeps = keeps
        self._keep = timedelta(days=keep_days)
        self._capacity = capacity
        self._now = now
        self._unwritten: list[Event] = []  # of the thread alone
        self._pruned: float | None = None
        self.n_lost = 0
        self._writer: Writer[Event] = Writer(
            "events", self._work, capacity=capacity, every_s=write_every_s, hasty=True
        )

    @property
    def keeps(self) -> bool:
        """Whether anything is noted at all."""
        return self._keeps

    def note(self, events: Sequence[Event]) -> int:
        """Note events, all or none; how many. Raises `EventsBusy`."""
        if not self._keeps or not events:
            return 0
        if not self._writer.put(events):
            raise EventsBusy(len(events), self._capacity)
        return len(events)

    def begin(self) -> None:
        """Start the thread, where it does not run yet."""
        self._writer.begin()

    def close(self, within_s: float = CLOSES_WITHIN_S) -> None:
        """Write what waits, and end; what takes longer is lost, and said."""
        self._writer.close(within_s)

    def _work(self, events: Sequence[Event], is_last: bool) -> None:
        if not is_last:
            self._prune_when_due()
        waiting = [*self._unwritten, *events]
        n_written = self._write(waiting)
        self._unwritten = waiting[n_written:]
        if is_last and self._unwritten:
            self._lose(len(self._unwritten))
        self._writer.hold(len(self._unwritten))

    def _write(self, events: Sequence[Event]) -> int:
        """How many of the first are done with: written, or such as no try will write."""
        for start in range(0, len(events), WRITTEN_AT_ONCE):
            some = events[start : start + WRITTEN_AT_ONCE]
            try:
                self._store.write(some)
            except StoreUnavailable as error:
                tell("events could not be written; they are tried again", error)
                return start
            except Exception as error:  # noqa: BLE001 - the thread outlives whatever happens
                tell("events could not be written", error)
                self._lose(len(some))
        return len(events)

    def _lose(self, n: int) -> None:
        self.n_lost += n
        _log.error("events are lost", events=n, lost=self.n_lost)

    def _prune_when_due(self) -> None:
        now = time.monotonic()
        if self._pruned is not None and now - self._pruned < TIDY_EVERY_S:
            return
        self._pruned = now
        try:
            n_gone = self._store.prune(self._now() - self._keep)
        except Exception as error:  # noqa: BLE001 - the thread outlives whatever happens
            tell("old events could not be forgotten", error)
        else:
            if n_gone:
                _log.info("old events are forgotten", events=n_gone)
