"""Idempotency keys in SQL."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, delete, or_, select, update

from shopsearch.domain import KeptAnswer
from shopsearch.store.base import CLAIM_LASTS, KEY_LASTS
from shopsearch.store.database import Database
from shopsearch.store.statements import insert_or_skip
from shopsearch.store.tables import IDEMPOTENCY

_KEPT = IDEMPOTENCY.c


class SqlIdempotencyKeys:
    """The `IdempotencyKeys` on SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(
        self, writer: str, key: str, request_hash: str, *, now: datetime
    ) -> KeptAnswer | None:
        """See `IdempotencyKeys.claim`."""
        row = {
            "writer": writer,
            "key": key,
            "request_hash": request_hash,
            "claimed_at": now,
            "status": None,
            "body": "",
        }
        with self._database.writing() as connection:
            connection.execute(delete(IDEMPOTENCY).where(_is_over(now)))
            claimed = insert_or_skip(connection, IDEMPOTENCY).returning(_KEPT.key)
            if connection.execute(claimed, [row]).scalars().all():
                return None
            return _kept(connection, writer, key, request_hash)

    def answer(self, writer: str, key: str, status: int, body: str) -> None:
        """See `IdempotencyKeys.answer`."""
        answered = update(IDEMPOTENCY).where(_is(writer, key)).values(status=status, body=body)
        with self._database.writing() as connection:
            connection.execute(answered)

    def release(self, writer: str, key: str) -> None:
        """See `IdempotencyKeys.release`."""
        with self._database.writing() as connection:
            connection.execute(delete(IDEMPOTENCY).where(_is(writer, key), _KEPT.status.is_(None)))


def _kept(connection: Connection, writer: str, key: str, request_hash: str) -> KeptAnswer:
    asked = select(_KEPT.request_hash, _KEPT.status, _KEPT.body).where(_is(writer, key))
    row = connection.execute(asked).one_or_none()
    if row is None:  # given back at this very moment: who asks again will have it
        return KeptAnswer(request_hash, None)
    return KeptAnswer(row.request_hash, row.status, row.body)


def _is(writer: str, key: str) -> ColumnElement[bool]:
    return and_(_KEPT.writer == writer, _KEPT.key == key)


def _is_over(now: datetime) -> ColumnElement[bool]:
    """Old, or claimed by somebody who must have died."""
    dead = and_(_KEPT.status.is_(None), _KEPT.claimed_at < now - CLAIM_LASTS)
    return or_(_KEPT.claimed_at < now - KEY_LASTS, dead)
