"""What every `AuditLog` promises, against a list."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shopsearch.domain import COMMAND_LINE, PUBLIC, AuditEntry
from shopsearch.store import AuditLog
from shopsearch.store import audit_log as adapter
from shopsearch.store.sql import Database, SqlAuditLog

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ENTRIES = [
    AuditEntry(at=NOON, actor="abcdefgh", operation="put-product", target="ünï ☕", status=200),
    AuditEntry(
        at=NOON + timedelta(hours=1),
        actor=PUBLIC,
        operation="remove-product",
        target="'; DROP TABLE audit_log; --",
        request_id="trace-1",
        status=401,
    ),
    AuditEntry(
        at=NOON + timedelta(hours=1), actor=COMMAND_LINE, operation="keys make", target="abcdefgh"
    ),
]


@pytest.fixture
def audit_log(database: Database) -> AuditLog:
    return SqlAuditLog(database)


def test_what_was_written_comes_back_the_newest_first(audit_log: AuditLog) -> None:
    audit_log.write([])
    audit_log.write(ENTRIES[:1])
    audit_log.write(ENTRIES[1:])
    assert audit_log.read(NOON, limit=10) == ENTRIES[::-1]
    assert audit_log.read(NOON + timedelta(seconds=1), limit=10) == ENTRIES[:0:-1]
    assert audit_log.read(NOON, limit=1) == ENTRIES[-1:]


def test_what_is_old_is_forgotten_in_pieces(
    audit_log: AuditLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "PRUNED_AT_ONCE", 2)
    old = AuditEntry(at=NOON - timedelta(days=1), actor=PUBLIC, operation="o", target="")
    audit_log.write([old] * 5 + ENTRIES)
    assert audit_log.prune(NOON) == 5
    assert audit_log.prune(NOON) == 0
    assert audit_log.read(old.at, limit=10) == ENTRIES[::-1]
