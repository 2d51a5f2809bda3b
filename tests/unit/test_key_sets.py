"""Sets of keys are those of Python."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from shopsearch.domain.key_sets import are_in, common, union

NUMBERS = st.integers(-5, 40) | st.integers(-(1 << 62), 1 << 62)
SETS = st.sets(NUMBERS, max_size=30)


def array(numbers: list[int]) -> NDArray[np.int64]:
    return np.array(numbers, dtype=np.int64)


@given(SETS, SETS)
def test_what_two_sets_have_in_common(first: set[int], second: set[int]) -> None:
    found = common(array(sorted(first)), array(sorted(second)))
    assert found.tolist() == sorted(first & second)


@given(st.lists(st.lists(NUMBERS, max_size=20), max_size=4))
def test_what_any_part_has_comes_once_and_in_order(parts: list[list[int]]) -> None:
    assert union([array(one) for one in parts]).tolist() == sorted({n for p in parts for n in p})


@given(st.lists(NUMBERS, max_size=20), SETS)
def test_which_are_in_a_set(some: list[int], among: set[int]) -> None:
    assert are_in(array(some), array(sorted(among))).tolist() == [one in among for one in some]
