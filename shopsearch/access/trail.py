"""The trail of writes: who wrote to the shop, or tried to."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog

from shopsearch.access.spelling import without_secrets
from shopsearch.domain import MAX_PRODUCT_ID_CHARS, AuditEntry
from shopsearch.errors import ShopsearchError
from shopsearch.store import AuditLog

REFUSED_PER_MINUTE = 120  # so that a flood of refused requests cannot fill the database
FORGETS_EVERY_S = 3600.0
_SUCCESS = range(200, 300)

_log = structlog.get_logger(__name__)


class AuditTrail:
    """Notes entries in an `AuditLog`, at once: what was answered is on disk.

    Of requests that were refused, each process notes at most `refused_per_minute`, and says in the
    log of the server how many there were beyond. What is older than `keep_days` is forgotten about
    once an hour. An entry that cannot be written is logged, and changes no answer.
    """

    def __init__(
        self,
        log: AuditLog,
        *,
        keep_days: int,
        refused_per_minute: int = REFUSED_PER_MINUTE,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._keep = timedelta(days=keep_days)
        self._refused_per_minute = refused_per_minute
        self._now = now
        self._clock = clock
        self._minute = clock()
        self._n_refused = 0
        self._forgot: float | None = None

    def note(
        self,
        actor: str,
        operation: str,
        target: str,
        *,
        request_id: str = "",
        status: int | None = None,
    ) -> None:
        """Keep that an actor did, or was refused, an operation on a target."""
        if status is not None and status not in _SUCCESS and self._is_flood():
            return
        entry = AuditEntry(
            at=self._now(),
            actor=actor,
            operation=operation,
            target=_storable(target),
            request_id=request_id,
            status=status,
        )
        try:
            self._log.write([entry])
        except ShopsearchError as error:
            _log.error(
                "a write is missing in the audit log",
                actor=actor,
                operation=operation,
                status=status,
                reason=str(error),
            )
        self._forget_when_due()

    def forget_old(self) -> None:
        """Forget what is older than is kept."""
        try:
            n_gone = self._log.prune(self._now() - self._keep)
        except ShopsearchError as error:
            _log.warning("old entries of the audit log could not be forgotten", reason=str(error))
        else:
            if n_gone:
                _log.info("old entries of the audit log are forgotten", entries=n_gone)

    def _is_flood(self) -> bool:
        now = self._clock()
        if now - self._minute >= 60.0:
            beyond = self._n_refused - self._refused_per_minute
            if beyond > 0:
                _log.warning("refused writes are missing in the audit log", n=beyond)
            self._minute, self._n_refused = now, 0
        self._n_refused += 1
        return self._n_refused > self._refused_per_minute

    def _forget_when_due(self) -> None:
        now = self._clock()
        if self._forgot is None or now - self._forgot >= FORGETS_EVERY_S:
            self._forgot = now
            self.forget_old()


def _storable(target: str) -> str:
    """As both databases keep it, and no longer than an id: who was refused may send anything."""
    plain = without_secrets(target).replace("\x00", "�").encode(errors="replace").decode()
    return plain if len(plain) <= MAX_PRODUCT_ID_CHARS else plain[: MAX_PRODUCT_ID_CHARS - 1] + "…"
