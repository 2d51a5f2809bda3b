"""What every `IdempotencyKeys` promises."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from shopsearch.domain import KeptAnswer
from shopsearch.store import IdempotencyKeys
from shopsearch.store.base import CLAIM_LASTS, KEY_LASTS
from shopsearch.store.sql import Database, SqlIdempotencyKeys

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
MOMENT = timedelta(seconds=1)


@pytest.fixture
def keys(database: Database) -> IdempotencyKeys:
    return SqlIdempotencyKeys(database)


def test_a_key_belongs_to_who_asks_first(keys: IdempotencyKeys) -> None:
    assert keys.claim("shop", "k", "hash", now=NOW) is None
    assert keys.claim("shop", "k", "hash", now=NOW) == KeptAnswer("hash", None)
    assert keys.claim("shop", "k", "other", now=NOW) == KeptAnswer("hash", None)


def test_two_writers_may_use_the_same_key(keys: IdempotencyKeys) -> None:
    assert keys.claim("shop", "k", "hash", now=NOW) is None
    assert keys.claim("other", "k", "hash", now=NOW) is None


def test_what_was_answered_is_kept_for_a_day(keys: IdempotencyKeys) -> None:
    body = '{"title": "größe ☕ \'; DROP TABLE idempotency; --"}' * 10_000
    keys.claim("shop", "k", "hash", now=NOW)
    keys.answer("shop", "k", 200, body)

    kept = KeptAnswer("hash", 200, body)
    assert keys.claim("shop", "k", "hash", now=NOW + KEY_LASTS) == kept
    assert keys.claim("shop", "k", "other", now=NOW + KEY_LASTS + MOMENT) is None


def test_what_is_given_back_can_be_claimed_again(keys: IdempotencyKeys) -> None:
    keys.claim("shop", "k", "hash", now=NOW)
    keys.release("shop", "k")

    assert keys.claim("shop", "k", "other", now=NOW) is None


def test_what_is_answered_is_not_given_back(keys: IdempotencyKeys) -> None:
    keys.claim("shop", "k", "hash", now=NOW)
    keys.answer("shop", "k", 200, "{}")
    keys.release("shop", "k")

    assert keys.claim("shop", "k", "hash", now=NOW) == KeptAnswer("hash", 200, "{}")


def test_the_claim_of_who_has_died_is_free_again(keys: IdempotencyKeys) -> None:
    keys.claim("shop", "k", "hash", now=NOW)

    assert keys.claim("shop", "k", "hash", now=NOW + CLAIM_LASTS) == KeptAnswer("hash", None)
    assert keys.claim("shop", "k", "hash", now=NOW + CLAIM_LASTS + MOMENT) is None


def test_of_many_at_once_exactly_one_has_the_key(keys: IdempotencyKeys) -> None:
    claims: list[KeptAnswer | None] = []
    threads = [
        threading.Thread(target=lambda: claims.append(keys.claim("shop", "k", "hash", now=NOW)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert claims.count(None) == 1
    assert claims.count(KeptAnswer("hash", None)) == 7
