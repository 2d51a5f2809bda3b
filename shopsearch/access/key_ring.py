"""Tells who a key belongs to, from memory for a few seconds."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple
from weakref import WeakMethod

import structlog

from shopsearch.access.spelling import SpeltKey, read_key
from shopsearch.domain import ApiKey, KeyState
from shopsearch.errors import KeyRefused, ShopsearchError
from shopsearch.store import KeyStore

REMEMBERS_S = 3.0  # so long a revoked key may still work
NOTES_USES_EVERY_S = 60.0
CAPACITY = 10_000  # ids that are remembered, those included that are nobody's
CLOSES_WITHIN_S = 5.0

_log = structlog.get_logger(__name__)


class _Seen(NamedTuple):
    key: ApiKey | None  # None: there is none of this id
    until: float


class KeyRing:
    """Authenticates keys against a `KeyStore`. Threads may share it.

    What the store says is remembered for `remembers_s`, so that a search costs no query; a change
    to a key works everywhere when that time is over. When keys were last used is written about once
    a minute, by a thread of its own: nobody waits for it.
    """

    def __init__(
        self,
        store: KeyStore,
        *,
        remembers_s: float = REMEMBERS_S,
        notes_uses_every_s: float = NOTES_USES_EVERY_S,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._remembers_s = remembers_s
        self._notes_uses_every_s = notes_uses_every_s
        self._now = now
        self._clock = clock
        self._start_anew()
        start_anew = WeakMethod(self._start_anew)
        os.register_at_fork(after_in_child=lambda: (call := start_anew()) and call())

    def _start_anew(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, _Seen] = {}
        self._used: dict[str, datetime] = {}
        self._noted = self._clock()
        self._thread: threading.Thread | None = None

    def authenticate(self, given: str) -> ApiKey:
        """The key behind what was given. Raises `KeyRefused`, which never repeats it."""
        spelt = read_key(given)
        if spelt is None:
            raise KeyRefused(
                "that is no API key: one looks like sk_, 8 letters or digits, _, and 64 "
                "hexadecimal digits; see `shopsearch keys make`"
            )
        key, now = self._known(spelt.key_id), self._now()
        if key is None or not _opens(spelt, key, now):
            raise KeyRefused("this API key is not known; see `shopsearch keys list`")
        _refuse_closed(key, now)
        self._note_use(key.key_id, now)
        return key

    def close(self) -> None:
        """Write which keys were used since it was last written."""
        if self._thread is not None:
            self._thread.join(CLOSES_WITHIN_S)
        self._write_uses()

    def _known(self, key_id: str) -> ApiKey | None:
        now = self._clock()
        seen = self._seen.get(key_id)
        if seen is None or seen.until <= now:
            if len(self._seen) >= CAPACITY:  # somebody is guessing ids
                self._seen.clear()
            seen = self._seen[key_id] = _Seen(self._store.find(key_id), now + self._remembers_s)
        return seen.key

    def _note_use(self, key_id: str, now: datetime) -> None:
        self._used[key_id] = now
        if self._clock() - self._noted < self._notes_uses_every_s:
            return
        with self._lock:
            if self._clock() - self._noted < self._notes_uses_every_s:
                return  # another thread was faster
            self._noted = self._clock()
            self._thread = threading.Thread(target=self._write_uses, name="key-uses", daemon=True)
            self._thread.start()

    def _write_uses(self) -> None:
        before, self._used = self._used, {}
        uses = dict(before)  # a request may be writing into the one before
        if not uses:
            return
        try:
            self._store.note_uses(uses)
        except ShopsearchError as error:
            _log.warning("when keys were used could not be written", reason=str(error))


def _opens(spelt: SpeltKey, key: ApiKey, now: datetime) -> bool:
    """Whether the secret is the key's, or the one before while that is good."""
    if spelt.has_hash(key.secret_sha256):
        return True
    if key.previous_sha256 is None or key.previous_until is None or key.previous_until <= now:
        return False
    return spelt.has_hash(key.previous_sha256)


def _refuse_closed(key: ApiKey, now: datetime) -> None:
    """Said to the holder of the secret alone: nobody else learns which ids there are."""
    state = key.state(now)
    if state is KeyState.REVOKED:
        raise KeyRefused(f"the API key {key.key_id} was revoked; ask the shop for another one")
    if state is KeyState.EXPIRED:
        raise KeyRefused(
            f"the API key {key.key_id} expired at {key.expires_at:%Y-%m-%d %H:%M} UTC; "
            "ask the shop for another one"
        )
