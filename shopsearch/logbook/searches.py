"""Notes searches and clicks, and who searched is forgotten before it is written.

What is noted is written about once a second, in one transaction. What does not fit into the queue,
or cannot be written, is dropped, counted, and said in the log of the server; no visitor notices.

Whose a search was is forgotten before it is written: address and user agent become a hash
(HMAC-SHA256, RFC 2104) under a salt that is random and another one each day, of which no older one
is kept. So the searches of a day can be told to be one visitor's, and those of two days cannot.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from weakref import WeakMethod

import structlog

from shopsearch.domain import LoggedClick, LoggedSearch
from shopsearch.logbook.writing import (
    CLOSES_WITHIN_S,
    TIDY_EVERY_S,
    WRITE_EVERY_S,
    Writer,
    tell,
)
from shopsearch.store import SearchLog

CAPACITY = 10_000  # searches and clicks that wait to be written
HOLD_CLICKS_S = 3.0  # until another process has written the search that was clicked in
SESSION_CHARS = 16  # hexadecimal: 64 bits
_SAY_DROPPED_EVERY_S = 60.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whose a request was; never written anywhere."""

    address: str
    user_agent: str

    def session(self, salt: bytes) -> str:
        """What the searches of one visitor on one day have in common."""
        known = f"{self.address}\x00{self.user_agent}".encode(errors="replace")
        return hmac.new(salt, known, hashlib.sha256).hexdigest()[:SESSION_CHARS]


@dataclass(frozen=True, slots=True)
class _Noted:
    """A search that waits to be written."""

    search: LoggedSearch  # without its session
    visitor: Visitor


def new_search_id() -> str:
    """An id that nobody guesses: 96 random bits."""
    return secrets.token_urlsafe(12)


class Logbook:
    """Takes note of searches and clicks for a `SearchLog`. Threads may share it.

    What is older than `keep_days` is forgotten about once an hour, also where nothing is noted any
    more (`keeps=False`).
    """

    def __init__(
        self,
        log: SearchLog,
        *,
        keeps: bool = True,
        keep_days: int,
        capacity: int = CAPACITY,
        write_every_s: float = WRITE_EVERY_S,
        hold_clicks_s: float = HOLD_CLICKS_S,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._log = log
        self._keeps = keeps
        self._keep = timedelta(days=keep_days)
        self._hold_clicks_s = hold_clicks_s
        self._now = now
        self._salt: tuple[date, bytes | None] | None = None
        self._writer: Writer[_Noted | LoggedClick] = Writer(
            "search log", self._work, capacity=capacity, every_s=write_every_s
        )
        self._start_anew()
        start_anew = WeakMethod(self._start_anew)
        os.register_at_fork(after_in_child=lambda: (call := start_anew()) and call())

    def _start_anew(self) -> None:
        self._held: list[tuple[float, LoggedClick]] = []  # with the time from which they are due
        self.n_dropped = 0
        self._said_dropped = -_SAY_DROPPED_EVERY_S
        self._forgot: float | None = None

    @property
    def keeps(self) -> bool:
        """Whether anything is noted at all."""
        return self._keeps

    def note_search(self, search: LoggedSearch, visitor: Visitor) -> bool:
        """Note a search, whose session is made of the visitor; False where it was dropped."""
        return self._put(_Noted(search, visitor))

    def note_clicks(self, clicks: Sequence[LoggedClick]) -> int:
        """Note clicks; how many were not dropped."""
        return sum(self._put(click) for click in clicks)

    def begin(self) -> None:
        """Start the thread, where it does not run yet."""
        self._writer.begin()

    def close(self, within_s: float = CLOSES_WITHIN_S) -> None:
        """Write what waits, and end; what takes longer is lost, and said."""
        self._writer.close(within_s)

    def _put(self, note: _Noted | LoggedClick) -> bool:
        if not self._keeps or self._writer.has_ended:
            return False
        is_taken = self._writer.put([note])
        if not is_taken:
            self._drop(1, "the queue is full")
        return is_taken

    def _drop(self, n: int, reason: str) -> None:
        self.n_dropped += n
        if time.monotonic() - self._said_dropped >= _SAY_DROPPED_EVERY_S:
            self._said_dropped = time.monotonic()
            _log.warning("searches are not logged", reason=reason, dropped=self.n_dropped)

    def _work(self, notes: Sequence[_Noted | LoggedClick], is_last: bool) -> None:
        if not is_last:
            self._forget_when_due()
        searches = self._sorted_out(notes)
        self._write(searches, self._due_clicks(float("inf") if is_last else time.monotonic()))

    def _sorted_out(self, notes: Sequence[_Noted | LoggedClick]) -> list[_Noted]:
        """The searches among notes; clicks are put aside until they are due."""
        due = time.monotonic() + self._hold_clicks_s
        self._held += [(due, note) for note in notes if isinstance(note, LoggedClick)]
        return [note for note in notes if isinstance(note, _Noted)]

    def _due_clicks(self, until: float) -> list[LoggedClick]:
        due = [click for at, click in self._held if at <= until]
        self._held = [(at, click) for at, click in self._held if at > until]
        return due

    def _write(self, noted: Sequence[_Noted], clicks: Sequence[LoggedClick]) -> None:
        if not noted and not clicks:
            return
        try:
            searches = [replace(one.search, session=self._session(one)) for one in noted]
            self._log.write(searches, clicks)
        except Exception as error:  # noqa: BLE001 - the thread outlives whatever happens
            tell("searches could not be logged", error)
            self._drop(len(noted) + len(clicks), "the database")

    def _session(self, noted: _Noted) -> str | None:
        """None for a search of a day whose salt is gone already."""
        day = noted.search.at.astimezone(UTC).date()
        if self._salt is None or self._salt[0] != day:
            self._salt = (day, self._log.salt(day))
        salt = self._salt[1]
        return None if salt is None else noted.visitor.session(salt)

    def _forget_when_due(self) -> None:
        """Old searches, and the salt of yesterday where nobody has searched since."""
        now = time.monotonic()
        if self._forgot is not None and now - self._forgot < TIDY_EVERY_S:
            return
        self._forgot = now
        try:
            n_gone = self._log.prune(self._now() - self._keep)
            self._log.salt(self._now().astimezone(UTC).date())
        except Exception as error:  # noqa: BLE001 - the thread outlives whatever happens
            tell("old searches could not be forgotten", error)
        else:
            if n_gone:
                _log.info("old searches are forgotten", searches=n_gone)
