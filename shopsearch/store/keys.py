"""The keys of the API in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, or_, select, update

from shopsearch.domain import ApiKey, Scope
from shopsearch.store.database import Database
from shopsearch.store.statements import askable
from shopsearch.store.tables import API_KEYS


class SqlKeyStore:
    """The `KeyStore` on SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, key: ApiKey) -> None:
        """See `KeyStore.add`."""
        row = {**asdict(key), "scopes": sorted(key.scopes)}
        with self._database.writing() as connection:
            connection.execute(insert(API_KEYS), [row])

    def find(self, key_id: str) -> ApiKey | None:
        """See `KeyStore.find`."""
        if not askable([key_id]):
            return None
        asked = select(API_KEYS).where(API_KEYS.c.key_id == key_id)
        with self._database.reading() as connection:
            row = connection.execute(asked).one_or_none()
        return None if row is None else _key(row)

    def kept(self) -> Sequence[ApiKey]:
        """See `KeyStore.kept`."""
        asked = select(API_KEYS).order_by(API_KEYS.c.created_at, API_KEYS.c.key_id)
        with self._database.reading() as connection:
            return [_key(row) for row in connection.execute(asked)]

    def revoke(self, key_id: str, at: datetime) -> bool:
        """See `KeyStore.revoke`."""
        return self._changed(key_id, {"revoked_at": at})

    def rotate(self, key_id: str, secret_sha256: bytes, previous_until: datetime) -> bool:
        """See `KeyStore.rotate`."""
        values = {
            "previous_sha256": API_KEYS.c.secret_sha256,
            "previous_until": previous_until,
            "secret_sha256": secret_sha256,
        }
        return self._changed(key_id, values)

    def note_uses(self, uses: Mapping[str, datetime]) -> None:
        """See `KeyStore.note_uses`."""
        used = API_KEYS.c.last_used_at
        with self._database.writing() as connection:
            for key_id in sorted(askable(uses)):  # in one order, so that no two wait for each other
                at = uses[key_id]
                later = update(API_KEYS).where(or_(used.is_(None), used < at))
                connection.execute(later.where(API_KEYS.c.key_id == key_id).values(last_used_at=at))

    def _changed(self, key_id: str, values: Mapping[str, Any]) -> bool:
        if not askable([key_id]):
            return False
        open_ones = update(API_KEYS).where(API_KEYS.c.revoked_at.is_(None))
        change = open_ones.where(API_KEYS.c.key_id == key_id).values(**values)
        with self._database.writing() as connection:
            return bool(connection.execute(change).rowcount)


def _key(row: Row[Any]) -> ApiKey:
    previous = row.previous_sha256
    return ApiKey(
        key_id=row.key_id,
        name=row.name,
        scopes=frozenset(Scope(scope) for scope in row.scopes),
        secret_sha256=bytes(row.secret_sha256),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
        previous_sha256=None if previous is None else bytes(previous),
        previous_until=row.previous_until,
    )
