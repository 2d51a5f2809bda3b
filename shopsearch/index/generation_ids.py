"""The names of generations: when each was made (UTC), so that their order is that of time."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

GENERATION_ID = re.compile(r"\d{8}T\d{9}-[0-9a-f]{4}")

_TIME = "%Y%m%dT%H%M%S"
_DATE_CHARS = 8


def next_id(ids: Iterable[str]) -> str:
    """An id greater than all these, even where the clock was set back."""
    now = datetime.now(UTC)
    newest = max(ids, default=None)
    while True:
        stamp = f"{now:{_TIME}}{now.microsecond // 1000:03}"
        if newest is None or stamp > newest.split("-")[0]:
            return f"{stamp}-{secrets.token_hex(2)}"
        date, millisecond = newest[:15], int(newest[15:18])
        now = datetime.strptime(date, _TIME).replace(tzinfo=UTC)
        now += timedelta(milliseconds=millisecond + 1)


def last_of_days(ids: Sequence[str], n_days: int) -> list[str]:
    """Of ids, newest first, the newest of each of the latest days (UTC) that have one.

    However many small updates a day brings, there is a way back to the days before.
    """
    newest = {id_[:_DATE_CHARS]: id_ for id_ in reversed(ids)}
    return [newest[day] for day in sorted(newest, reverse=True)[:n_days]]
