"""Makes, rotates and revokes keys, and leaves a trail of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from shopsearch.access.spelling import SpeltKey, new_key, without_secrets
from shopsearch.access.trail import AuditTrail
from shopsearch.domain import COMMAND_LINE, ApiKey, Scope
from shopsearch.errors import KeyUnknown
from shopsearch.store import KeyStore


class Issued(NamedTuple):
    """A key as it is kept, and as its holder is told it, once."""

    key: ApiKey
    spelt: SpeltKey


class KeyIssuer:
    """What the shop does with keys, at the command line."""

    def __init__(
        self,
        store: KeyStore,
        trail: AuditTrail,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._trail = trail
        self._now = now

    def make(self, name: str, scopes: Iterable[Scope], expires_days: int | None = None) -> Issued:
        """A new key."""
        spelt, now = new_key(), self._now()
        key = ApiKey(
            key_id=spelt.key_id,
            name=name,
            scopes=frozenset(scopes),
            secret_sha256=spelt.sha256,
            created_at=now,
            expires_at=None if expires_days is None else now + timedelta(days=expires_days),
        )
        self._store.add(key)
        self._trail.note(COMMAND_LINE, "keys make", key.key_id)
        return Issued(key, spelt)

    def rotate(self, key_id: str, grace_hours: int) -> Issued:
        """Another secret for a key; the one before is good for some hours. Raises `KeyUnknown`."""
        spelt = new_key(key_id)
        until = self._now() + timedelta(hours=grace_hours)
        if not self._store.rotate(key_id, spelt.sha256, until):
            raise self._unknown(key_id)
        self._trail.note(COMMAND_LINE, "keys rotate", key_id)
        key = self._store.find(key_id)
        if key is None:
            raise self._unknown(key_id)
        return Issued(key, spelt)

    def revoke(self, key_id: str) -> None:
        """Close a key for good. Raises `KeyUnknown`."""
        if not self._store.revoke(key_id, self._now()):
            raise self._unknown(key_id)
        self._trail.note(COMMAND_LINE, "keys revoke", key_id)

    def _unknown(self, key_id: str) -> KeyUnknown:
        key = self._store.find(key_id)
        if key is not None:
            return KeyUnknown(
                f"the key {key_id} ({key.name}) was revoked at {key.revoked_at:%Y-%m-%d %H:%M} "
                "UTC, for good: `shopsearch keys make` makes another"
            )
        return KeyUnknown(
            f"there is no key {without_secrets(key_id)!r}: `shopsearch keys list` names those that "
            "are there; an id is what stands between sk_ and the secret"
        )
