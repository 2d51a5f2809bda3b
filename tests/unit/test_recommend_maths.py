"""The arithmetic of recommendations, against what anybody could work out by hand."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsearch.domain import Event, EventKind
from shopsearch.ranking.cooccurrence import (
    expected_together,
    lift,
    score_of_lift,
    shares,
    together_lift,
)
from shopsearch.ranking.examples import average_vector, best_scores
from shopsearch.ranking.interests import decayed, interests_of
from shopsearch.ranking.interleaving import interleaved
from shopsearch.ranking.rules import lifted
from shopsearch.store.event_list import ListedEvents

NOW = datetime(2026, 11, 1, tzinfo=UTC)
NONE = np.empty((0, 3), dtype=np.float32)


def units(*rows: tuple[float, ...]) -> np.ndarray:
    matrix = np.array(rows, dtype=np.float32)
    return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


X, Y, Z = units((1, 0, 0), (0, 1, 0), (0, 0, 1))


def test_the_average_vector_is_twice_the_liked_less_the_disliked() -> None:
    liked, disliked = units((1, 0, 0), (0, 1, 0)), units((0, 0, 1))
    wanted = 2 * np.array([0.5, 0.5, 0.0]) - np.array([0.0, 0.0, 1.0])
    np.testing.assert_allclose(
        average_vector(liked, disliked), wanted / np.linalg.norm(wanted), atol=1e-6
    )
    np.testing.assert_allclose(average_vector(liked, NONE), units((1, 1, 0))[0], atol=1e-6)
    np.testing.assert_allclose(average_vector(NONE, disliked), -Z, atol=1e-6)


def test_examples_that_cancel_out_leave_the_first_liked_one() -> None:
    np.testing.assert_array_equal(average_vector(np.array([X, -X]), NONE), X)


def test_the_best_score_is_that_of_the_nearest_example_squared_and_negative_where_disliked() -> (
    None
):
    rows = units((1, 0, 0), (0.6, 0.8, 0), (0.8, 0.6, 0), (0, 0, 1))
    scores = best_scores(rows, np.array([X]), np.array([Y]))
    np.testing.assert_allclose(scores, [1.0, -0.64, 0.8, 0.0], atol=1e-6)


def test_of_dislikes_alone_the_least_like_them_has_the_best_score() -> None:
    rows = units((0, 1, 0), (0, 0.6, 0.8), (1, 0, 0), (0, -1, 0))
    scores = best_scores(rows, NONE, np.array([Y]))
    np.testing.assert_allclose(scores, [-1.0, -0.36, 0.0, 1.0], atol=1e-6)


@given(st.lists(st.lists(st.integers(0, 30), max_size=15, unique=True), max_size=5), st.data())
def test_interleaving_gives_every_key_once_and_each_list_in_its_order(lists, data) -> None:
    weights = [data.draw(st.floats(0.01, 1.0)) for _ in lists]
    taken = list(interleaved(lists, weights))
    keys = [key for _, key in taken]
    assert sorted(keys) == sorted(set(itertools.chain(*lists)))
    for n, one in enumerate(lists):
        own = [key for of, key in taken if of == n]
        assert own == [key for key in one if key in own]


def test_places_are_shared_by_weight_at_every_length() -> None:
    lists = [[*range(100)], [*range(100, 200)], [*range(200, 300)]]
    weights = [0.5, 0.3, 0.2]
    taken = [n for n, _ in itertools.islice(interleaved(lists, weights), 60)]
    for length in (10, 20, 60):
        for n, weight in enumerate(weights):
            assert abs(taken[:length].count(n) - weight * length) <= 1


def test_a_half_life_halves() -> None:
    ages = np.array([0.0, 14.0, 28.0, -3.0])
    np.testing.assert_allclose(decayed(ages, 14.0), [1.0, 0.5, 0.25, 1.0])


def test_products_of_two_kinds_are_two_interests_the_weightier_first() -> None:
    rows = units((1, 0.1, 0), (0, 1, 0.1), (1, 0, 0.1), (0.1, 1, 0))
    found = interests_of(
        rows,
        np.array([1.0, 5.0, 1.0, 2.0]),
        centre=np.zeros(3, dtype=np.float32),
        threshold=0.5,
        at_most=5,
    )
    assert [(one.members, one.weight) for one in found] == [((1, 3), 7.0), ((0, 2), 2.0)]
    wanted = 5 * rows[1] + 2 * rows[3]
    np.testing.assert_allclose(found[0].vector, wanted / np.linalg.norm(wanted), atol=1e-6)


@given(st.integers(1, 12), st.integers(1, 5), st.floats(-1, 1), st.integers(0, 1000))
def test_every_product_is_of_one_interest_and_no_two_interests_are_alike(
    n, at_most, threshold, seed
) -> None:
    chance = np.random.default_rng(seed)
    rows = units(*chance.normal(size=(n, 4)))
    weights = chance.uniform(0.1, 1.0, n)
    centre = np.zeros(4, dtype=np.float32)
    found = interests_of(rows, weights, centre=centre, threshold=threshold, at_most=n)
    assert sorted(itertools.chain(*(one.members for one in found))) == list(range(n))
    assert sum(one.weight for one in found) == pytest.approx(weights.sum())
    for one, other in itertools.combinations(found, 2):
        assert float(one.vector @ other.vector) < threshold + 1e-5
    fewer = interests_of(rows, weights, centre=centre, threshold=threshold, at_most=at_most)
    assert [one.members for one in fewer] == [one.members for one in found[:at_most]]


def test_a_lift_is_as_often_as_seen_over_as_often_as_expected_drawn_towards_one() -> None:
    assert expected_together(20, 30, 100) == pytest.approx(6.0)
    assert lift(12, 6.0, 0.0) == pytest.approx(2.0)
    assert lift(12, 6.0, 6.0) == pytest.approx(1.5)
    assert lift(1, 0.01) < 1.2
    assert lift(1, 0.01, 0.0) == pytest.approx(100.0)
    assert lift(0, 0.0) == 1.0
    assert (expected_together(0, 0, 0), lift(0, 0, 0)) == (0.0, 1.0)


@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_the_score_of_a_lift_grows_with_it_and_a_boost_by_a_lift_gives_that_score(a, b) -> None:
    assert -1.0 < score_of_lift(a) < 1.0
    assert (score_of_lift(a) < score_of_lift(b)) == (a < b) or a == pytest.approx(b)
    assert lifted(0.0, float(np.log(a))) == pytest.approx(score_of_lift(a), abs=1e-6)


def test_several_products_at_hand_have_one_say_each() -> None:
    assert together_lift([4.0, 1.0]) == pytest.approx(2.0)
    assert together_lift([]) == 1.0


def test_shares_begin_as_assumed_and_become_what_is_counted() -> None:
    before = np.array([0.5, 0.5, 0.0])
    np.testing.assert_allclose(shares(np.zeros(3), before, 4.0), before)
    np.testing.assert_allclose(shares(np.array([0, 0, 4.0]), before, 4.0), [0.25, 0.25, 0.5])
    np.testing.assert_allclose(shares(np.array([0, 0, 4e6]), before, 4.0), [0, 0, 1], atol=1e-5)
    np.testing.assert_allclose(shares(np.zeros(3), before, 0.0), before)


def bought(product_id: str, order: str, *, visitor: str = "", days_ago: float = 1.0) -> Event:
    return Event(
        event_id=f"{order or visitor}-{product_id}-{days_ago}",
        kind=EventKind.PURCHASE,
        product_id=product_id,
        at=NOW - timedelta(days=days_ago),
        visitor=visitor,
        order_id=order,
    )


def test_listed_events_count_baskets_by_order_or_by_visitor_and_day() -> None:
    events = ListedEvents(
        [
            *(bought(one, "o1") for one in "ab"),
            *(bought(one, "o2") for one in "abc"),
            *(bought(one, "", visitor="v") for one in "ad"),
            bought("d", "", visitor="v", days_ago=9.0),
            bought("b", "old", days_ago=99.0),
        ]
    )
    found = events.together("a", NOW - timedelta(days=50), limit=2)
    assert (found.n_all, found.n_baskets) == (4, 3)
    assert [(one.product_id, one.n_together, one.n_baskets) for one in found.together] == [
        ("b", 2, 2),
        ("c", 1, 1),
    ]
    assert events.write([bought("a", "o1")]) == 0
    assert events.prune(NOW - timedelta(days=50)) == 1
    assert [one.product_id for one in events.of_visitor("v", limit=2)] == ["a", "d"]
    assert (events.erase("v"), list(events.of_visitor("v", limit=9))) == (3, [])
    assert events.together("d", NOW - timedelta(days=50), limit=9).n_baskets == 0
    popular = events.popular(NOW - timedelta(days=2), NOW, (EventKind.PURCHASE,), limit=1)
    assert [(one.product_id, one.n_events) for one in popular] == [("a", 2)]
