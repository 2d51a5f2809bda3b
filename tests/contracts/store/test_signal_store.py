"""What every `SignalStore` promises, against a dictionary."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shopsearch.domain import Signal
from shopsearch.store import SignalStore
from shopsearch.store.sql import Database, SqlProductStore, SqlSignalStore

NAMES = ("popularity", "freshness", "größe", "'; DROP TABLE signals; --", "Z")
SIGNALS = st.builds(
    Signal, st.sampled_from(NAMES), st.sampled_from([-5.0, 0.0, 0.1, 1 / 3]), st.sampled_from([1.5])
)
WRITES = st.lists(
    st.lists(SIGNALS, max_size=3) | st.lists(st.sampled_from((*NAMES, "\0", "none")), max_size=3),
    max_size=8,
)


@pytest.fixture
def signals(database: Database) -> SignalStore:
    return SqlSignalStore(database)


def test_there_are_none_at_first(signals: SignalStore) -> None:
    assert (list(signals.signals()), signals.revision()) == ([], 0)


@given(writes=WRITES)
@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_it_holds_what_a_dictionary_would_and_each_change_is_a_revision(
    new_database: Callable[[], Database], writes: Sequence[Sequence[Signal | str]]
) -> None:
    signals = SqlSignalStore(new_database())
    truth: dict[str, Signal] = {}
    n_changes = 0
    for write in writes:
        before = dict(truth)
        if put := [one for one in write if isinstance(one, Signal)]:
            signals.put(put)
            truth |= {one.name: one for one in put}
        else:
            names = [one for one in write if isinstance(one, str)]
            expected = [name for name in dict.fromkeys(names) if name in truth]
            assert list(signals.remove(names)) == expected
            truth = {name: one for name, one in truth.items() if name not in names}
        n_changes += before != truth
        assert list(signals.signals()) == [truth[name] for name in sorted(truth)]
        assert signals.revision() == n_changes


def test_signals_leave_the_revision_of_the_catalog_as_it_is(
    signals: SignalStore, database: Database
) -> None:
    before = SqlProductStore(database).revision()
    signals.put([Signal("stock", 1.0)])
    assert SqlProductStore(database).revision() == before
