"""What every `EventStore` promises, against a list of events that is gone through each time."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from shopsearch.domain import Event, EventKind, Popular, Together
from shopsearch.store import Baskets, EventStore
from shopsearch.store.sql import Database, SqlEventStore
from shopsearch.store.tables import EVENTS

NOON = datetime(2026, 3, 5, 12, 0, 0, 250_000, tzinfo=UTC)
EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
ALL = 1_000
ANNA, BERT = "anna-7f3a", "bert"


@pytest.fixture
def store(database: Database) -> EventStore:
    return SqlEventStore(database)


def event(event_id: str = "e", product_id: str = "a", **changes: object) -> Event:
    told = {"kind": EventKind.VIEW, "at": NOON, "visitor": ANNA, **changes}
    return Event(event_id=event_id, product_id=product_id, **told)  # type: ignore[arg-type]


def bought(event_id: str, product_id: str, order_id: str = "", **changes: object) -> Event:
    return event(event_id, product_id, kind=EventKind.PURCHASE, order_id=order_id, **changes)


def without_basket(events: Sequence[Event]) -> list[Event]:
    return [replace(one, order_id="") for one in events]


def test_nothing_is_remembered_at_first(store: EventStore) -> None:
    assert store.of_visitor(ANNA, limit=ALL) == []
    assert store.together("a", EVER[0], limit=ALL) == Baskets(0, 0, [])
    assert store.popular(*EVER, list(EventKind), limit=ALL) == []
    assert (store.erase(ANNA), store.prune(EVER[1]), store.write([])) == (0, 0, 0)


def test_events_come_back_as_they_were_written_the_newest_first(store: EventStore) -> None:
    first = event("1", "größe 😀", kind=EventKind.CART, quantity=10_000)
    second = event("2", "A//3'; DROP TABLE events; --", at=NOON + timedelta(microseconds=1))
    in_another_zone = event("3", at=datetime(2026, 3, 5, 23, tzinfo=timezone(timedelta(hours=2))))
    third = bought("4", "c", "order 4", at=NOON + timedelta(hours=20))
    assert store.write([second, third, first, in_another_zone]) == 4
    found = store.of_visitor(ANNA, limit=ALL)
    assert without_basket(found) == [replace(third, order_id=""), in_another_zone, second, first]
    assert store.of_visitor(ANNA, limit=2) == found[:2]
    assert store.of_visitor(ANNA, limit=0) == []


def test_an_event_that_is_sent_again_is_kept_once_and_the_first_stays(store: EventStore) -> None:
    again = event("1", "b", at=NOON + timedelta(days=1))
    assert store.write([event("1", "a"), again]) == 1
    assert store.write([again, event("2", "c")]) == 1
    assert {one.product_id for one in store.of_visitor(ANNA, limit=ALL)} == {"a", "c"}


def test_a_purchase_that_is_sent_again_later_moves_no_basket(store: EventStore) -> None:
    store.write([bought("1", "a", "o")])
    store.write([bought("1", "a", "o", at=NOON + timedelta(days=9))])
    assert store.together("a", NOON + timedelta(days=1), limit=ALL) == Baskets(0, 0, [])


@pytest.mark.parametrize("product_id", ["\x00", "\ud800"])
def test_an_id_that_no_product_can_have_is_passed_over(store: EventStore, product_id: str) -> None:
    assert store.write([bought("1", product_id, "o"), bought("2", "a", "o")]) == 1
    assert store.together("a", EVER[0], limit=ALL) == Baskets(1, 1, [])
    assert store.together(product_id, EVER[0], limit=ALL) == Baskets(1, 0, [])


@pytest.mark.parametrize("visitor", ["", "\x00", "\ud800", "anna", ANNA + " "])
def test_nobody_else_is_found_or_erased(store: EventStore, visitor: str) -> None:
    store.write([event("1"), event("2", visitor="")])
    assert store.of_visitor(visitor, limit=ALL) == []
    assert store.erase(visitor) == 0
    assert store.popular(*EVER, list(EventKind), limit=ALL) == [Popular("a", 2)]


def test_erasing_a_visitor_leaves_the_others(store: EventStore) -> None:
    store.write([event("1"), event("2", visitor=BERT), bought("3", "a"), event("4", visitor="")])
    assert store.erase(ANNA) == 2
    assert store.of_visitor(ANNA, limit=ALL) == []
    assert [one.event_id for one in store.of_visitor(BERT, limit=ALL)] == ["2"]
    assert store.popular(*EVER, list(EventKind), limit=ALL) == [Popular("a", 2)]
    assert store.together("a", EVER[0], limit=ALL) == Baskets(0, 0, [])
    assert store.erase(ANNA) == 0


def test_who_has_been_erased_may_come_back(store: EventStore) -> None:
    store.write([event("1")])
    store.erase(ANNA)
    assert store.write([event("1")]) == 1
    assert [one.event_id for one in store.of_visitor(ANNA, limit=ALL)] == ["1"]


def test_no_column_holds_a_visitor_or_an_order(store: EventStore, database: Database) -> None:
    store.write([bought("1", "a", "order-4711"), bought("2", "b"), event("3")])
    unkeyed = [hashlib.sha256(name.encode()).digest() for name in (ANNA, "order-4711")]
    with database.reading() as connection:
        rows = [tuple(row) for row in connection.execute(select(EVENTS))]
    assert len(rows) == 3
    for value in (value for row in rows for value in row):
        assert ANNA not in str(value)
        assert "4711" not in str(value)
        assert not (isinstance(value, bytes) and any(value in one for one in unkeyed))


def test_each_installation_hashes_in_its_own_way(new_database: Callable[[], Database]) -> None:
    hashes = []
    for _ in range(2):
        database = new_database()
        SqlEventStore(database).write([event("1")])
        with database.reading() as connection:
            hashes.append(bytes(connection.execute(select(EVENTS.c.visitor)).scalar_one()))
    assert hashes[0] != hashes[1]


def test_many_that_write_first_agree_on_the_secret(database: Database) -> None:
    gate = threading.Barrier(4)

    def write(n: int) -> None:
        gate.wait(20)
        SqlEventStore(database).write([event(f"{n}-{k}") for k in range(50)] + [event("same")])

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    assert len(SqlEventStore(database).of_visitor(ANNA, limit=ALL)) == 201


def test_what_was_bought_together_is_of_one_order_or_one_day(store: EventStore) -> None:
    store.write(
        [
            bought("1", "a", "o1"),
            bought("2", "b", "o1", visitor=BERT),  # one order, whoever pays
            bought("3", "a", visitor=BERT),
            bought("4", "b", visitor=BERT, at=NOON + timedelta(hours=11)),
            bought("5", "c", visitor=BERT, at=NOON + timedelta(hours=12)),  # the next day
            bought("6", "a", visitor=""),
            bought("7", "b", visitor=""),  # of nobody: a basket of its own
            event("8", "d", kind=EventKind.CART, order_id="o1"),  # not bought
        ]
    )
    assert store.together("a", EVER[0], limit=ALL) == Baskets(5, 3, [Together("b", 2, 3)])


def test_purchases_of_one_basket_come_back_with_one_order(store: EventStore) -> None:
    store.write([bought("1", "a", "o1"), bought("2", "b", "o1"), bought("3", "c")])
    orders = {one.event_id: one.order_id for one in store.of_visitor(ANNA, limit=ALL)}
    assert orders["1"] == orders["2"] != orders["3"]
    assert "o1" not in orders.values()


def test_a_product_counts_once_in_a_basket(store: EventStore) -> None:
    store.write([bought(str(n), "ab"[n % 2], "o", quantity=7) for n in range(6)])
    assert store.together("a", EVER[0], limit=ALL) == Baskets(1, 1, [Together("b", 1, 1)])


@pytest.mark.parametrize("n_old", [19, 20, 21, 40])
def test_events_are_pruned_batch_by_batch(
    store: EventStore, monkeypatch: pytest.MonkeyPatch, n_old: int
) -> None:
    monkeypatch.setattr("shopsearch.store.events.PRUNED_AT_ONCE", 20)
    old = [bought(f"{n}", "old", f"o{n}", at=NOON - timedelta(days=2)) for n in range(n_old)]
    assert store.write([*old, bought("new", "new")]) == n_old + 1
    assert store.prune(NOON) == n_old
    assert store.popular(*EVER, list(EventKind), limit=ALL) == [Popular("new", 1)]
    assert store.together("new", EVER[0], limit=ALL) == Baskets(1, 1, [])


def test_a_batch_is_written_whole_or_not_at_all(store: EventStore, database: Database) -> None:
    broken = replace(event("2"), quantity=None)  # type: ignore[arg-type]
    with pytest.raises(Exception, match="refuses what should be written"):
        store.write([event("1"), broken])
    assert SqlEventStore(database).of_visitor(ANNA, limit=ALL) == []


# Against the obvious truth

EVENTS_OF_A_SMALL_SHOP = st.lists(
    st.builds(
        Event,
        event_id=st.integers(0, 40).map(str),
        kind=st.sampled_from(EventKind),
        product_id=st.sampled_from("abcd"),
        at=st.integers(-100, 100).map(lambda hours: NOON + timedelta(hours=hours)),
        visitor=st.sampled_from(["", ANNA, BERT]),
        order_id=st.sampled_from(["", "", "o1", "o2"]),
        quantity=st.integers(1, 3),
    ),
    max_size=40,
)
MOMENT = st.integers(-110, 110).map(lambda hours: NOON + timedelta(hours=hours))


def basket_of(one: Event) -> tuple[object, ...]:
    if one.order_id:
        return ("order", one.order_id)
    return (one.visitor, one.at.date()) if one.visitor else ("alone", one.event_id)


def together_in(kept: Sequence[Event], product_id: str, since: datetime) -> Baskets:
    baskets: dict[tuple[object, ...], set[str]] = {}
    for one in kept:
        if one.kind is EventKind.PURCHASE and one.at >= since:
            baskets.setdefault(basket_of(one), set()).add(one.product_id)
    counts = Counter(each for basket in baskets.values() for each in basket)
    met = Counter(each for basket in baskets.values() if product_id in basket for each in basket)
    del met[product_id]
    ordered = sorted(met.items(), key=lambda pair: (-pair[1], pair[0]))
    together = [Together(other, n, counts[other]) for other, n in ordered]
    return Baskets(len(baskets), counts[product_id], together)


def popular_in(
    kept: Sequence[Event], since: datetime, until: datetime, kinds: Sequence[EventKind]
) -> list[Popular]:
    counts = Counter(
        one.product_id for one in kept if one.kind in kinds and since <= one.at < until
    )
    return [Popular(*pair) for pair in sorted(counts.items(), key=lambda one: (-one[1], one[0]))]


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    told=st.lists(EVENTS_OF_A_SMALL_SHOP, max_size=3),
    since=MOMENT,
    until=MOMENT,
    before=MOMENT,
    kinds=st.lists(st.sampled_from(EventKind), max_size=4, unique=True),
)
def test_figures_are_those_of_counting_by_hand(
    database: Database,
    *,
    told: list[list[Event]],
    since: datetime,
    until: datetime,
    before: datetime,
    kinds: list[EventKind],
) -> None:
    store = SqlEventStore(database)
    store.prune(EVER[1])
    kept: dict[str, Event] = {}
    for batch in told:
        new = {one.event_id for one in batch} - set(kept)
        assert store.write(batch) == len(new)
        for one in batch:
            kept.setdefault(one.event_id, one)

    def agree() -> None:
        events = list(kept.values())
        for product_id in "abcd":
            truth = together_in(events, product_id, since)
            assert store.together(product_id, since, limit=ALL) == truth
            first = store.together(product_id, since, limit=1)
            assert first == truth._replace(together=truth.together[:1])
        assert store.popular(since, until, kinds, limit=ALL) == popular_in(
            events, since, until, kinds
        )
        for visitor in (ANNA, BERT):
            mine = [one for one in events if one.visitor == visitor]
            newest = sorted(mine, key=lambda one: (-one.at.timestamp(), one.event_id))
            assert [one.event_id for one in store.of_visitor(visitor, limit=ALL)] == [
                one.event_id for one in newest
            ]

    agree()
    assert store.erase(ANNA) == sum(one.visitor == ANNA for one in kept.values())
    kept = {id_: one for id_, one in kept.items() if one.visitor != ANNA}
    agree()
    assert store.prune(before) == sum(one.at < before for one in kept.values())
    kept = {id_: one for id_, one in kept.items() if one.at >= before}
    agree()
    assert store.together("a", EVER[0], limit=ALL) == together_in(list(kept.values()), "a", EVER[0])
