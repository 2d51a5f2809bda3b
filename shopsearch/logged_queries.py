"""What many have searched for, at hand for suggestions."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice

import structlog

from shopsearch.domain import AskedText
from shopsearch.errors import ShopsearchError
from shopsearch.languages import ENGLISH, Language
from shopsearch.ranking.words import fold
from shopsearch.store import LexicalIndex, SearchLog

MIN_SESSIONS = 3  # fewer could point at one person, or be one person's joke
MAX_REMEMBERED = 2_000
RENEW_EVERY_S = 300.0
CLOSES_WITHIN_S = 5.0
_PER_CALL = 64  # terms that a lexical index looks at in one call
_WORD = re.compile(r"\w+")

_log = structlog.get_logger(__name__)


class LoggedQueries:
    """The words that at least `MIN_SESSIONS` sessions searched for, the most frequent first.

    Only those of which products hold every word: whatever strangers type, no suggestion has a word
    that the shop does not use itself. They are read out of the log every few minutes, in a thread
    beside the requests: who asks meanwhile gets those from before, and the very first ones none.
    """

    def __init__(
        self,
        log: SearchLog,
        lexical: LexicalIndex,
        *,
        days: int,
        language: Language = ENGLISH,
        renew_every_s: float = RENEW_EVERY_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._lexical = lexical
        self._language = language
        self._days = timedelta(days=days)
        self._renew_every_s = renew_every_s
        self._clock = clock
        self._texts: tuple[str, ...] = ()
        self._read: float | None = None
        self._renewing: threading.Thread | None = None
        self._lock = threading.Lock()

    def texts(self) -> Sequence[str]:
        """Those at hand; where they are old, others are on their way from now on."""
        now = self._clock()
        if self._read is None or now - self._read >= self._renew_every_s:
            self._renew_beside(now)
        return self._texts

    def renew(self) -> None:
        """Read them anew, and wait for it. Raises what the store raises."""
        since = datetime.now(UTC) - self._days
        asked = self._log.asked(since, min_sessions=MIN_SESSIONS, limit=MAX_REMEMBERED)
        self._texts = tuple(self._of_the_catalog(asked))

    def close(self) -> None:
        """Wait until nothing is being read any more, but not for long."""
        if self._renewing is not None:
            self._renewing.join(CLOSES_WITHIN_S)

    def _renew_beside(self, now: float) -> None:
        with self._lock:
            if self._read is not None and now - self._read < self._renew_every_s:
                return  # another request was faster
            self._read = now
            self._renewing = threading.Thread(
                target=self._renew_quietly, name="logged-queries", daemon=True
            )
            self._renewing.start()

    def _renew_quietly(self) -> None:
        try:
            self.renew()
        except ShopsearchError as error:
            _log.warning("logged queries are not suggested anew", reason=str(error))

    def _of_the_catalog(self, asked: Sequence[AskedText]) -> list[str]:
        words = {one.text: _WORD.findall(fold(one.text, self._language)) for one in asked}
        held_by = self._held_by(sorted({word for some in words.values() for word in some}))
        return [text for text, some in words.items() if some and all(held_by[w] for w in some)]

    def _held_by(self, terms: Sequence[str]) -> Mapping[str, int]:
        held_by: dict[str, int] = {}
        rest = iter(terms)
        while some := list(islice(rest, _PER_CALL)):
            held_by |= self._lexical.frequencies(some)
        return held_by
