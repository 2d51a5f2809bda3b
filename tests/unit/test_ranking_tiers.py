"""Scores that respect tiers."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shopsearch.ranking.tiers import in_tiers

rows = st.lists(st.tuples(st.floats(-1, 1, width=32), st.integers(-2, 3)), min_size=1, max_size=20)


def of(rows: list[tuple[float, int]]) -> tuple[np.ndarray, np.ndarray]:
    scores, tiers = zip(*rows, strict=True)
    return np.array(scores, dtype=np.float32), np.array(tiers, dtype=np.int64)


@given(rows)
def test_no_score_is_below_one_of_a_lower_tier(rows: list[tuple[float, int]]) -> None:
    scores, tiers = of(rows)
    found = in_tiers(scores, tiers)
    order = np.lexsort((-scores, -tiers))
    assert (np.diff(found[order]) <= 1e-6).all()
    assert (np.abs(found) <= 1.0).all()
    assert (found[tiers == 0] == scores[tiers == 0]).all()


def test_one_tier_alone_keeps_its_scores() -> None:
    scores, tiers = of([(0.5, 4), (-0.5, 4)])
    assert in_tiers(scores, tiers).tolist() == [0.5, -0.5]
    assert in_tiers(scores[:0], tiers[:0]).tolist() == []


def test_tiers_above_go_between_the_best_below_and_1_and_tiers_below_likewise() -> None:
    scores, tiers = of([(0.5, 0), (0.0, 2), (-1.0, 0), (0.0, -1), (0.5, 4)])
    assert in_tiers(scores, tiers).tolist() == [0.5, 0.75, -1.0, -1.0, 0.9375]
