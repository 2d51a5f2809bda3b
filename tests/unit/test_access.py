"""How keys are spelt, whose they are, and the trail of writes; on a real database."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import pytest
import structlog
from hypothesis import example, given
from hypothesis import strategies as st

from shopsearch.access import key_ring
from shopsearch.access.issuing import KeyIssuer
from shopsearch.access.key_ring import KeyRing
from shopsearch.access.spelling import (
    SpeltKey,
    holds_key,
    new_key,
    read_key,
    without_secrets,
)
from shopsearch.access.trail import AuditTrail
from shopsearch.bootstrap import Services
from shopsearch.domain import COMMAND_LINE, PUBLIC, ApiKey, Scope
from shopsearch.errors import KeyRefused, StoreUnavailable

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
SPELT = f"sk_abcdefgh_{'0123456789abcdef' * 4}"
KEYS = st.builds(
    SpeltKey,
    st.text("abcdefghijkmnpqrstuvwxyz23456789", min_size=8, max_size=8),
    st.binary(min_size=32, max_size=32).map(bytes.hex),
)
NEARLY = st.builds(
    "{}_{}_{}".format,
    st.sampled_from(["sk", "SK", "sk ", "pk"]),
    st.text("ab23_ \N{ARABIC-INDIC DIGIT ONE}", min_size=7, max_size=9),
    st.text("09afAF_", min_size=62, max_size=66),
)


@given(key=KEYS)
def test_a_key_is_read_as_it_is_written(key: SpeltKey) -> None:
    assert read_key(str(key)) == key
    assert key.secret not in repr(key)


@given(text=st.text() | NEARLY)
@example(text=f"{SPELT}\n")
@example(text=f" {SPELT}")
@example(text=SPELT.upper())
@example(text=SPELT.replace("_", "\N{FULLWIDTH LOW LINE}"))
@example(text="sk_" + "\N{ARABIC-INDIC DIGIT TWO}" * 8 + "_" + "0" * 64)
def test_what_is_read_as_a_key_is_one_character_by_character(text: str) -> None:
    key = read_key(text)
    assert key is None or str(key) == text


@given(before=st.text(max_size=20), key=KEYS, after=st.text(max_size=20))
def test_no_secret_is_left_in_a_text(before: str, key: SpeltKey, after: str) -> None:
    text = f"{before}{key}{after}"
    assert holds_key(text)
    shown = without_secrets(text)
    assert key.secret not in shown or key.secret in before + after
    assert f"sk_{key.key_id}_(secret)" in shown


@given(key=KEYS, other=KEYS)
def test_a_secret_has_its_own_hash_alone(key: SpeltKey, other: SpeltKey) -> None:
    assert key.has_hash(key.sha256)
    assert key.has_hash(other.sha256) == (key.secret == other.secret)
    assert not key.has_hash(b"")


def test_two_keys_are_never_the_same() -> None:
    made = {new_key() for _ in range(1000)}
    assert len({key.secret for key in made}) == len({key.key_id for key in made}) == 1000


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        return self.s

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.s)


class CountingStore:
    """A real store, and how often it was asked."""

    def __init__(self, services: Services) -> None:
        self.store = services.keys
        self.n_found = 0

    def find(self, key_id: str) -> ApiKey | None:
        self.n_found += 1
        return self.store.find(key_id)

    def note_uses(self, uses: Mapping[str, datetime]) -> None:
        self.store.note_uses(uses)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(services: Services) -> CountingStore:
    return CountingStore(services)


@pytest.fixture
def ring(store: CountingStore, clock: Clock) -> Iterator[KeyRing]:
    opened = KeyRing(store, now=clock.now, clock=clock)  # type: ignore[arg-type]
    yield opened
    opened.close()


@pytest.fixture
def issuer(services: Services, clock: Clock) -> KeyIssuer:
    return KeyIssuer(services.keys, services.audit_trail, now=clock.now)


def test_a_key_is_known_by_its_secret_and_asked_for_once_in_a_while(
    ring: KeyRing, issuer: KeyIssuer, store: CountingStore, clock: Clock
) -> None:
    issued = issuer.make("till", [Scope.SEARCH, Scope.EVENTS])
    for _ in range(50):
        assert ring.authenticate(str(issued.spelt)) == issued.key
    assert store.n_found == 1
    clock.s += key_ring.REMEMBERS_S
    ring.authenticate(str(issued.spelt))
    assert store.n_found == 2


def test_a_key_that_is_not_there_is_not_asked_for_again_and_again(
    ring: KeyRing, store: CountingStore
) -> None:
    key = str(new_key())
    for _ in range(50):
        with pytest.raises(KeyRefused, match="not known"):
            ring.authenticate(key)
    assert store.n_found == 1


def test_whoever_guesses_ids_fills_no_memory(
    ring: KeyRing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(key_ring, "CAPACITY", 5)
    for _ in range(30):
        with pytest.raises(KeyRefused):
            ring.authenticate(str(new_key()))
    assert len(ring._seen) <= 5


def test_a_revoked_key_opens_nothing_once_it_is_forgotten(
    ring: KeyRing, issuer: KeyIssuer, clock: Clock
) -> None:
    issued = issuer.make("till", [Scope.SEARCH])
    ring.authenticate(str(issued.spelt))
    issuer.revoke(issued.key.key_id)
    clock.s += key_ring.REMEMBERS_S
    with pytest.raises(KeyRefused, match="was revoked"):
        ring.authenticate(str(issued.spelt))
    with pytest.raises(KeyRefused, match="not known"):  # whoever only knows the id learns nothing
        ring.authenticate(str(new_key(issued.key.key_id)))


def test_a_key_expires_to_the_second_though_it_is_remembered(
    ring: KeyRing, issuer: KeyIssuer, clock: Clock
) -> None:
    issued = issuer.make("till", [Scope.SEARCH], expires_days=1)
    clock.s = 24 * 3600 - 1
    ring.authenticate(str(issued.spelt))
    clock.s += 1
    with pytest.raises(KeyRefused, match="expired at 2026-03-02 12:00 UTC"):
        ring.authenticate(str(issued.spelt))


def test_the_secret_before_is_good_until_the_grace_is_over_and_one_before_that_is_not(
    ring: KeyRing, issuer: KeyIssuer, clock: Clock
) -> None:
    first = issuer.make("till", [Scope.SEARCH])
    second = issuer.rotate(first.key.key_id, grace_hours=1)
    assert ring.authenticate(str(first.spelt)) == ring.authenticate(str(second.spelt))
    clock.s = 3600
    with pytest.raises(KeyRefused, match="not known"):
        ring.authenticate(str(first.spelt))
    third = issuer.rotate(first.key.key_id, grace_hours=1)
    clock.s += key_ring.REMEMBERS_S
    ring.authenticate(str(second.spelt))
    ring.authenticate(str(third.spelt))
    with pytest.raises(KeyRefused):
        ring.authenticate(str(first.spelt))


def test_when_a_key_was_used_is_written_once_a_minute_and_at_the_end(
    ring: KeyRing, issuer: KeyIssuer, services: Services, clock: Clock
) -> None:
    issued = issuer.make("till", [Scope.SEARCH])

    def last_used() -> datetime | None:
        if ring._thread is not None:
            ring._thread.join()
        kept = services.keys.find(issued.key.key_id)
        assert kept is not None
        return kept.last_used_at

    ring.authenticate(str(issued.spelt))
    assert last_used() is None
    clock.s = 60
    ring.authenticate(str(issued.spelt))
    assert last_used() == clock.now()
    clock.s = 90
    ring.authenticate(str(issued.spelt))
    assert last_used() == clock.now() - timedelta(seconds=30)
    ring.close()
    assert last_used() == clock.now()


def test_uses_that_cannot_be_written_are_logged_and_refuse_nobody(
    ring: KeyRing, issuer: KeyIssuer, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_: object) -> None:
        raise StoreUnavailable("the disk is full")

    issued = issuer.make("till", [Scope.SEARCH])
    ring.authenticate(str(issued.spelt))
    monkeypatch.setattr(services.keys, "note_uses", gone)
    with structlog.testing.capture_logs() as lines:
        ring.close()
    assert [line["reason"] for line in lines] == ["the disk is full"]


@pytest.fixture
def trail(services: Services, clock: Clock) -> AuditTrail:
    return AuditTrail(
        services.audit_log, keep_days=10, refused_per_minute=3, now=clock.now, clock=clock
    )


def test_a_flood_of_refused_writes_fills_no_database_and_is_said(
    trail: AuditTrail, services: Services, clock: Clock
) -> None:
    with structlog.testing.capture_logs() as lines:
        for _ in range(50):
            trail.note(PUBLIC, "put-product", "x", status=429)
        trail.note("abcdefgh", "put-product", "y", status=200)  # what was done is always kept
        clock.s = 60
        trail.note(PUBLIC, "put-product", "z", status=401)
    entries = services.audit_log.read(LONG_AGO, limit=100)
    assert [one.target for one in entries] == ["z", "y", "x", "x", "x"]
    assert [line["n"] for line in lines] == [47]


def test_old_entries_are_forgotten_about_once_an_hour(
    trail: AuditTrail, services: Services, clock: Clock
) -> None:
    trail.note(COMMAND_LINE, "keys make", "old")
    clock.s = 10 * 24 * 3600 + 1
    trail.note(COMMAND_LINE, "keys make", "new")
    assert [one.target for one in services.audit_log.read(LONG_AGO, limit=9)] == ["new"]


@pytest.mark.parametrize("target", ["", "\0", "\ud800", "x" * 100_000, SPELT, "ünï ☕"])
def test_any_target_can_be_kept_and_no_secret_is(
    trail: AuditTrail, services: Services, target: str
) -> None:
    trail.note(PUBLIC, "put-product", target, status=401)
    [entry] = services.audit_log.read(LONG_AGO, limit=9)
    assert len(entry.target) <= 128
    assert not holds_key(entry.target)


def _authenticated_in_child(ring: KeyRing, key: str) -> None:
    ring.authenticate(key)
    ring.close()


def test_a_forked_process_has_a_ring_of_its_own(
    ring: KeyRing, issuer: KeyIssuer, services: Services
) -> None:
    issued = issuer.make("till", [Scope.SEARCH])
    ring._lock.acquire()  # another thread of the parent is in the middle of something
    context = multiprocessing.get_context("fork")
    child = context.Process(target=_authenticated_in_child, args=(ring, str(issued.spelt)))
    child.start()
    child.join(20)
    ring._lock.release()
    assert child.exitcode == 0
    kept = services.keys.find(issued.key.key_id)
    assert kept is not None
    assert kept.last_used_at is not None
