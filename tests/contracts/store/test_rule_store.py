"""What every `RuleStore` promises."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shopsearch.domain import AnyOf, Between, Exists, ProductFilter
from shopsearch.errors import RuleError
from shopsearch.rules import Change, Lift, Pin, Rule, When
from shopsearch.store import RuleStore
from shopsearch.store.sql import Database, SqlRuleStore

PIN = Rule(name="pin", pins=(Pin(1, "A1"),))
HIDE = Rule(name="hide", hide=("A2",), when=When(words="mug"))
EVERYTHING_SAID = Rule(
    name="all.of-it_1",
    when=When(query_is="größe M", words="größe", pattern="gr*", category="A > B"),
    pins=(Pin(1, "😀'; DROP TABLE products; --"), Pin(7, 'quote " and \\ back')),
    hide=("\x01", "x" * 128),
    hide_where=ProductFilter((AnyOf("brand", ("acme", "ümlaut")), Exists("color", present=False))),
    boost=Lift(ProductFilter((Between("price", None, 9.5),)), 3.25),
    bury=Lift(ProductFilter((AnyOf("size", ("m",), negate=True),)), 100.0),
    start=datetime(2026, 12, 1, tzinfo=UTC),
    until=datetime(2026, 12, 24, 12, 30, 0, 5, tzinfo=UTC),
    paused=True,
)


@pytest.fixture
def store(database: Database) -> RuleStore:
    return SqlRuleStore(database)


def names(store: RuleStore) -> list[str]:
    return [one.rule.name for one in store.rules()]


def test_there_are_none_at_first(store: RuleStore) -> None:
    assert (list(store.rules()), store.revision(), list(store.history("pin"))) == ([], 0, [])


@pytest.mark.parametrize("rule", [PIN, HIDE, EVERYTHING_SAID], ids=lambda rule: rule.name)
def test_a_rule_comes_back_as_it_was_kept(store: RuleStore, rule: Rule) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    (given,) = store.put([rule])
    (kept,) = store.rules()
    assert kept.rule == rule
    assert (kept.version, kept.number) == (1, given.number)
    assert before <= kept.changed_at <= datetime.now(UTC)


def test_rules_are_in_the_order_in_which_they_came(store: RuleStore) -> None:
    store.put([replace(PIN, name=name) for name in ("c", "a")])
    store.put([replace(PIN, name="b")])
    assert names(store) == ["c", "a", "b"]
    numbers = [one.number for one in store.rules()]
    assert numbers == sorted(set(numbers))


def test_a_change_is_a_new_version_and_keeps_the_age(store: RuleStore) -> None:
    store.put([PIN, HIDE])
    (changed,) = store.put([replace(PIN, paused=True)], replace=True)
    assert (changed.version, changed.rule.paused) == (2, True)
    assert names(store) == ["pin", "hide"]


def test_every_version_is_kept_with_its_time(store: RuleStore) -> None:
    store.put([PIN])
    store.put([replace(PIN, paused=True)], replace=True)
    store.remove(["pin"])
    store.put([PIN])
    history = store.history("pin")
    assert [(one.version, one.change) for one in history] == [
        (1, Change.ADDED),
        (2, Change.CHANGED),
        (3, Change.REMOVED),
        (4, Change.ADDED),
    ]
    assert [one.rule for one in history] == [PIN, replace(PIN, paused=True), None, PIN]
    times = [one.changed_at for one in history]
    assert times == sorted(times)


def test_a_rule_added_again_is_younger_than_those_that_stayed(store: RuleStore) -> None:
    store.put([PIN, HIDE])
    store.remove(["pin"])
    store.put([PIN])
    assert names(store) == ["hide", "pin"]


def test_what_does_not_change_makes_no_version(store: RuleStore) -> None:
    store.put([PIN])
    revision = store.revision()
    (kept,) = store.put([PIN], replace=True)
    assert (kept.version, store.revision(), len(store.history("pin"))) == (1, revision, 1)
    assert store.remove(["nobody"]) == []
    assert store.revision() == revision


def test_each_change_raises_the_revision(store: RuleStore) -> None:
    revisions = [store.revision()]
    store.put([PIN, HIDE])
    revisions.append(store.revision())
    store.put([replace(PIN, paused=True)], replace=True)
    revisions.append(store.revision())
    store.remove(["hide"])
    revisions.append(store.revision())
    assert revisions == sorted(set(revisions))


def test_a_name_that_is_there_is_replaced_only_where_that_is_said(store: RuleStore) -> None:
    store.put([PIN])
    with pytest.raises(RuleError, match="a rule 'pin' already"):
        store.put([HIDE, replace(PIN, paused=True)])
    assert [one.rule for one in store.rules()] == [PIN]
    assert list(store.history("hide")) == []


def test_a_name_that_repeats_in_a_call_is_refused(store: RuleStore) -> None:
    with pytest.raises(RuleError, match="'pin' is there twice"):
        store.put([PIN, replace(PIN, paused=True)], replace=True)
    assert list(store.rules()) == []


@pytest.mark.parametrize("name", ["'; DROP TABLE merchandising_rules; --", "\x00", "\ud800", ""])
def test_a_name_that_no_rule_can_have_is_no_rules(store: RuleStore, name: str) -> None:
    store.put([PIN])
    assert list(store.history(name)) == []
    assert list(store.remove([name])) == []
    assert names(store) == ["pin"]


def test_thousands_of_rules_are_kept_and_removed_at_once(store: RuleStore) -> None:
    many = [replace(PIN, name=f"rule-{n}") for n in range(2500)]
    store.put(many)
    assert [one.rule for one in store.rules()] == many
    assert len(store.remove([one.name for one in many[:2000]])) == 2000
    assert [one.rule for one in store.rules()] == many[2000:]


def test_writers_at_once_lose_nothing_and_share_no_number(store: RuleStore) -> None:
    def write(writer: int) -> None:
        for n in range(5):
            store.put([replace(PIN, name=f"w{writer}-{n}")])

    writers = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for one in writers:
        one.start()
    for one in writers:
        one.join(60)
    kept = store.rules()
    assert len({one.number for one in kept}) == len(kept) == 20
    assert store.revision() == 20
