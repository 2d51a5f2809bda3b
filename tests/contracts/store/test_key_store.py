"""What every `KeyStore` promises, against a dictionary."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shopsearch.domain import ApiKey, KeyState, Scope
from shopsearch.errors import StoreError
from shopsearch.store import KeyStore
from shopsearch.store.sql import Database, SqlKeyStore

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
IDS = ("aaaaaaaa", "'; DROP TABLE api_keys; --", "ключ")
MINUTES = st.integers(0, 5).map(lambda minutes: NOON + timedelta(minutes=minutes))
SECRETS = st.sampled_from([b"\x00" * 32, b"\xff" * 32, bytes(range(32))])
KEYS = st.builds(
    ApiKey,
    key_id=st.sampled_from(IDS),
    name=st.sampled_from(["till 3", "", "größe ☕"]),
    scopes=st.frozensets(st.sampled_from(Scope)),
    secret_sha256=SECRETS,
    created_at=MINUTES,
    expires_at=st.none() | MINUTES,
)
CALLS = st.lists(
    st.tuples(st.just("add"), KEYS)
    | st.tuples(st.just("revoke"), st.sampled_from(IDS), MINUTES)
    | st.tuples(st.just("rotate"), st.sampled_from(IDS), SECRETS, MINUTES)
    | st.tuples(st.just("note_uses"), st.dictionaries(st.sampled_from(IDS), MINUTES)),
    max_size=10,
)


def new_key(**fields: Any) -> ApiKey:
    known: dict[str, Any] = {
        "key_id": "abcdefgh",
        "name": "till",
        "scopes": frozenset({Scope.SEARCH}),
        "secret_sha256": b"\x01" * 32,
        "created_at": NOON,
    }
    return ApiKey(**{**known, **fields})


@pytest.fixture
def keys(database: Database) -> KeyStore:
    return SqlKeyStore(database)


class Truth(dict[str, ApiKey]):
    """The same in a dictionary."""

    def add(self, key: ApiKey) -> None:
        if key.key_id in self:
            raise StoreError(key.key_id)
        self[key.key_id] = key

    def _change(self, key_id: str, **values: Any) -> bool:
        kept = self.get(key_id)
        if kept is None or kept.revoked_at is not None:
            return False
        self[key_id] = replace(kept, **values)
        return True

    def revoke(self, key_id: str, at: datetime) -> bool:
        return self._change(key_id, revoked_at=at)

    def rotate(self, key_id: str, secret: bytes, until: datetime) -> bool:
        before = self[key_id].secret_sha256 if key_id in self else b""
        return self._change(
            key_id, secret_sha256=secret, previous_sha256=before, previous_until=until
        )

    def note_uses(self, uses: dict[str, datetime]) -> None:
        for key_id, at in uses.items():
            if kept := self.get(key_id):
                known = kept.last_used_at
                self[key_id] = replace(kept, last_used_at=at if known is None else max(known, at))


@given(calls=CALLS)
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_it_holds_what_a_dictionary_would(
    new_database: Callable[[], Database], calls: Sequence[tuple[Any, ...]]
) -> None:
    keys, truth = SqlKeyStore(new_database()), Truth()
    for name, *arguments in calls:
        outcomes = []
        for one in (keys, truth):
            try:
                outcomes.append(getattr(one, name)(*arguments))
            except StoreError:
                outcomes.append(StoreError)
        assert outcomes[0] == outcomes[1], name
        assert {key_id: keys.find(key_id) for key_id in IDS} == {i: truth.get(i) for i in IDS}
    oldest_first = sorted(truth.values(), key=lambda key: key.created_at)
    assert [key.created_at for key in keys.kept()] == [key.created_at for key in oldest_first]
    assert {key.key_id for key in keys.kept()} == set(truth)


@pytest.mark.parametrize("asked", ["", "nobody", "\0", "\ud800", "x" * 10_000])
def test_no_id_that_is_not_there_finds_or_changes_a_key(keys: KeyStore, asked: str) -> None:
    keys.add(new_key())
    assert keys.find(asked) is None
    assert not keys.revoke(asked, NOON)
    assert not keys.rotate(asked, b"\x02" * 32, NOON)
    keys.note_uses({asked: NOON})
    assert list(keys.kept()) == [new_key()]


def test_a_key_is_active_until_it_expires_and_never_after_it_was_revoked() -> None:
    key = new_key(expires_at=NOON + timedelta(days=1))
    assert key.state(NOON) is KeyState.ACTIVE
    assert key.state(NOON + timedelta(days=1)) is KeyState.EXPIRED
    assert replace(key, revoked_at=NOON).state(NOON) is KeyState.REVOKED


@pytest.mark.parametrize("scope", list(Scope))
def test_admin_may_all_and_any_other_scope_itself_alone(scope: Scope) -> None:
    assert new_key(scopes=frozenset({Scope.ADMIN})).may(scope)
    alone = new_key(scopes=frozenset({Scope.SEARCH}))
    assert alone.may(scope) == (scope is Scope.SEARCH)
