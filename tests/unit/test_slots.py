"""Few keys and many, looked up in this way and that: a filter lets the same through."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopsearch.domain import (
    Among,
    AnyOf,
    Between,
    Exists,
    FilterRow,
    ProductFilter,
    Withheld,
)
from shopsearch.index import slots as room
from shopsearch.index.slots import Slots

WORDS = ("red", "Blue", "42", "4.5")
FIELDS = st.sampled_from(["color", "size", "price", "none"])
VALUES = st.lists(st.sampled_from(WORDS), max_size=2).map(tuple) | st.sampled_from([1.0, 4.5, 42.0])
ROWS: st.SearchStrategy[FilterRow] = st.dictionaries(FIELDS, VALUES, max_size=3)
KEYS = st.integers(0, 40)
BOUNDS = st.none() | st.sampled_from([1.0, 4.5, 50.0])
PLAIN = st.one_of(
    st.builds(
        AnyOf, FIELDS, st.lists(st.sampled_from(WORDS), max_size=2).map(tuple), st.booleans()
    ),
    st.builds(Between, FIELDS, BOUNDS, BOUNDS),
    st.builds(Exists, FIELDS, st.booleans()),
)
ASKED = st.integers(-3, 45)
SETS = st.sets(ASKED, max_size=12).map(sorted)
NESTED = st.lists(PLAIN, max_size=2).map(tuple).map(ProductFilter)
FILTERS = st.lists(
    PLAIN
    | st.builds(Withheld, SETS.map(tuple), st.lists(NESTED, max_size=2).map(tuple))
    | SETS.map(lambda keys: Among(np.array(keys, dtype=np.int64))),
    max_size=4,
).map(lambda conditions: ProductFilter(tuple(conditions)))
CHANGES = st.lists(
    st.dictionaries(KEYS, ROWS, min_size=1, max_size=8) | st.sets(KEYS, min_size=1, max_size=4),
    min_size=1,
    max_size=6,
)


Changes = list[dict[int, FilterRow] | set[int]]  # rows that are put in, and keys that are taken out


def change(slots: Slots, changes: Changes) -> None:
    for one in changes:
        if isinstance(one, dict):
            slots.extend(np.array(list(one), dtype=np.int64), list(one.values()))
        else:
            slots.delete(np.array(sorted(one), dtype=np.int64))


@pytest.fixture(scope="module", autouse=True)
def put_back() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "FEW", room.FEW)
        patch.setattr(room, "SINGLE", room.SINGLE)
        yield


@settings(deadline=None)
@given(CHANGES, FILTERS)
def test_a_filter_lets_the_same_through_whether_few_are_looked_at_or_all(
    changes: Changes, where: ProductFilter
) -> None:
    slots, masks = Slots(), []
    change(slots, changes)
    for room.FEW in (0, 1, 10**9):
        for room.SINGLE in (0, 1000):
            masks.append(slots.mask(ProductFilter(where.conditions)).tolist())
    assert masks == [masks[0]] * 6


@settings(deadline=None)
@given(CHANGES, st.lists(ASKED, max_size=20), CHANGES)
def test_keys_are_where_they_were_put_last(
    changes: Changes, asked: list[int], further: Changes
) -> None:
    slots = Slots()
    for some in (changes, further):  # what is remembered of the first is not told of the second
        change(slots, some)
        expected = [slots._position_of.get(key, -1) for key in asked]
        for room.SINGLE in (0, 1000):
            assert slots.positions(np.array(asked, dtype=np.int64)).tolist() == expected
    prices = slots.numbers("price", np.array(asked, dtype=np.int64))
    again = [slots.numbers("price", np.array([key]))[0] for key in asked]
    np.testing.assert_array_equal(prices, again)
