"""The order of numbers that hits are sorted by."""

from __future__ import annotations

import itertools
import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shopsearch.ranking.order import by_number

NAN = math.nan
numbers = st.lists(st.just(NAN) | st.integers(0, 5).map(float), max_size=12)


def order(values: list[float], groups: list[int] | None = None, *, descending: bool) -> list[int]:
    of = None if groups is None else np.array(groups, dtype=np.int64)
    return by_number(np.array(values, dtype=np.float64), of, descending=descending).tolist()


@given(numbers, st.booleans(), st.data())
def test_every_order_keeps_all_is_stable_and_puts_the_unknown_last(
    values: list[float], descending: bool, data: st.DataObject
) -> None:
    groups = [data.draw(st.integers(0, 2)) for _ in values]
    found = order(values, groups, descending=descending)
    assert sorted(found) == list(range(len(values)))
    for one, other in itertools.pairwise(found):
        known = (not math.isnan(values[one]), not math.isnan(values[other]))
        assert known != (False, True)
        if all(known):
            assert groups[one] <= groups[other]
            if groups[one] == groups[other]:
                rising = values[one] <= values[other]
                assert values[one] == values[other] or rising is not descending
                assert values[one] != values[other] or one < other
        elif not any(known):
            assert one < other


def test_numbers_are_compared_within_a_group() -> None:
    assert order([3.0, NAN, 1.0, 2.0], [1, 0, 1, 2], descending=False) == [2, 0, 3, 1]
    assert order([3.0, NAN, 1.0, 2.0], [1, 0, 1, 2], descending=True) == [0, 2, 3, 1]
    assert order([3.0, NAN, 1.0, 2.0], descending=True) == [0, 3, 2, 1]
