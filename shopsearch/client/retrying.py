"""When to ask again, and after how long."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

_PASSING = frozenset({429, 503})
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)

Outcome = httpx.Response | httpx.TransportError


@dataclass(frozen=True, slots=True)
class Retries:
    """How often what may pass by itself is tried again, and how long that may take.

    Pauses double, each anywhere between nothing and its length, so that clients which failed
    together do not come back together. What the server asks for with `Retry-After` comes first; a
    wait beyond `longest_s` is left to the caller: the error says how long it is.
    """

    n_more: int = 3
    first_s: float = 0.2
    longest_s: float = 30.0

    def pause_s(self, outcome: Outcome, n_tried: int, *, repeatable: bool) -> float | None:
        """Seconds to wait before the next try; None where there shall be none.

        What is not `repeatable` is tried again only where the server has not begun to do it.
        """
        if n_tried > self.n_more or not _may_pass(outcome, repeatable=repeatable):
            return None
        if isinstance(outcome, httpx.Response):
            asked_s = retry_after_s(outcome)
            if asked_s is not None:
                return asked_s if asked_s <= self.longest_s else None
        pause_s = min(self.longest_s, self.first_s * 2.0 ** (n_tried - 1))
        return random.uniform(0.0, pause_s)  # noqa: S311 - no secret


def retry_after_s(answer: httpx.Response) -> float | None:
    """In how many seconds a server wants to be asked again (RFC 9110, 10.2.3)."""
    told = answer.headers.get("Retry-After", "")
    if told.isascii() and told.isdigit():
        return float(told)
    try:
        moment = parsedate_to_datetime(told)
    except ValueError:
        return None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())


def _may_pass(outcome: Outcome, *, repeatable: bool) -> bool:
    if isinstance(outcome, httpx.Response):
        return outcome.status_code in _PASSING
    if isinstance(outcome, _NOT_SENT):
        return True
    return repeatable and not isinstance(outcome, httpx.TimeoutException)
