"""Pictures that do not match their words, in catalogs where it is known which these are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shopsearch.auditing.calibrating import Pairs, doubt
from shopsearch.auditing.mismatches import MIN_PRODUCTS, mismatched
from shopsearch.auditing.neighbours import Nearest, nearest
from shopsearch.auditing.union import Joined

from .auditing_world import kinds_of_things, near, new_index, silent, snapshot_of

N = 300


def things(swapped: int = 0):
    """A catalog in which the pictures of some products, in a ring, are those of the next kind."""
    products, words, sights, looks = kinds_of_things(N)
    kinds = np.array([one.product_type for one in products])
    order, left = np.arange(N), list(range(N))
    while swapped > 0:
        one = left.pop(0)
        other = next(n for n in left if kinds[n] != kinds[one])
        left.remove(other)
        order[one], order[other] = other, one
        swapped -= 2
    snapshot = snapshot_of(
        products,
        image_hashes=[f"hash{n}" for n in order],
        words=words,
        sights=sights[order],
        looks=looks[order],
    )
    return snapshot, {products[n].product_id for n in np.flatnonzero(order != np.arange(N))}


def test_swapped_pictures_are_listed_and_hardly_any_other() -> None:
    snapshot, swapped = things(16)

    section, doubtful = mismatched(snapshot, near(snapshot.words), near(snapshot.looks), silent)

    listed = {one.product_id for one in section.findings}
    assert len(listed & swapped) >= 14
    assert len(listed - swapped) <= 2
    assert section.n_checked == N
    assert not listed & {one.product_id for one in doubtful}
    suspicions = [one.suspicion for one in section.findings]
    assert min(suspicions) >= 0.5
    assert max(suspicions) <= 1.0
    assert [one.suspicion for one in doubtful] == sorted(
        (one.suspicion for one in doubtful), reverse=True
    )


def test_a_finding_tells_what_the_picture_looks_like() -> None:
    snapshot, swapped = things(16)

    section, _ = mismatched(snapshot, near(snapshot.words), near(snapshot.looks), silent)

    right = 0
    for one in section.findings:
        if one.product_id in swapped:
            place = snapshot.ids.index(one.product_id)
            shown = int(snapshot.image_hashes[place].removeprefix("hash"))
            right += one.looks_like == snapshot.products[shown].product_type != one.category
    assert right >= 12


def test_nothing_is_listed_where_nothing_was_swapped() -> None:
    snapshot, _ = things()

    section, doubtful = mismatched(snapshot, near(snapshot.words), near(snapshot.looks), silent)

    assert len(section.findings) <= 1
    assert "at most 0.1 %" in section.remarks[0]
    assert doubtful


@pytest.mark.parametrize("n", [0, 1, MIN_PRODUCTS - 1])
def test_a_small_catalog_is_not_checked_and_the_remark_says_why(n: int) -> None:
    products, words, sights, looks = kinds_of_things(N)
    snapshot = snapshot_of(
        products[:n],
        image_hashes=["h"] * n,
        words=words[:n],
        sights=sights[:n],
        looks=looks[:n],
    )

    section, doubtful = mismatched(snapshot, near(snapshot.words), near(snapshot.looks), silent)

    assert (section.n_checked, section.score, doubtful) == (0, None, ())
    assert section.remarks[0].startswith(f"{n} products have")


def test_products_that_all_look_and_read_the_same_give_no_nan() -> None:
    snapshot, _ = things()
    same = {
        name: np.repeat(getattr(snapshot, name)[:1], N, axis=0)
        for name in ("words", "sights", "looks")
    }
    snapshot = replace(snapshot, **same)

    section, doubtful = mismatched(snapshot, near(snapshot.words), near(snapshot.looks), silent)

    assert np.isfinite([one.suspicion for one in (*section.findings, *doubtful)]).all()


def test_probabilities_mean_what_they_say() -> None:
    """One feature, told pairs of which one in ten is wrong: the share is found."""
    chance = np.random.default_rng(1)
    is_wrong = chance.random(4_000) < 0.1
    folds = np.arange(4_000) % 5
    told = Pairs(
        np.where(is_wrong, -2.0, 2.0)[:, None] + chance.normal(size=(4_000, 1)), folds, folds
    )
    wrong = Pairs(-2.0 + chance.normal(size=(4_000, 1)), folds, folds)

    found = doubt(told, wrong)

    assert found.share == pytest.approx(0.1, abs=0.02)
    assert is_wrong[found.probabilities > 0.9].mean() > 0.9
    assert is_wrong[found.probabilities < 0.1].mean() < 0.1


def test_the_nearest_are_others_the_best_first_and_none_where_there_is_no_row() -> None:
    rows = np.eye(4, dtype=np.float32)
    rows[1] = [0.8, 0.6, 0.0, 0.0]
    rows[3] = 0.0

    found = nearest(rows, new_index, silent, k=5)

    assert found.places[0, :2].tolist() == [1, 2]
    assert found.scores[0, 0] == pytest.approx(0.8)
    assert (found.places[3] == -1).all()
    assert (found.places[:3, 2:] == -1).all()
    assert found.pairs(0.5).tolist() == [[0, 1]]


def test_more_copies_than_neighbours_do_not_name_a_product_its_own_neighbour() -> None:
    rows = np.tile(np.eye(1, 8, dtype=np.float32), (9, 1))

    found = nearest(rows, new_index, silent, k=3)

    assert not (found.places == np.arange(9)[:, None]).any()
    assert (found.places >= 0).all()


def test_neighbours_of_the_own_group_are_left_out() -> None:
    places = np.array([[1, 2], [0, 2], [1, -1]])
    found = Nearest(places, np.array([[0.9, 0.8], [0.9, 0.7], [0.7, -np.inf]], dtype=np.float32))

    other = found.without_same(np.array([7, 7, 8]))

    assert other.places.tolist() == [[2, -1], [2, -1], [1, -1]]
    assert other.scores[0, 0] == np.float32(0.8)


def test_what_is_joined_by_way_of_others_is_one_cluster() -> None:
    joined = Joined()
    joined.join([(5, 4), (1, 2), (2, 3), (9, 1)])

    assert joined.clusters() == [[1, 2, 3, 9], [4, 5]]


def test_one_placeholder_for_all_products_is_no_mismatch() -> None:
    snapshot, _ = things()
    snapshot = replace(snapshot, image_hashes=["placeholder"] * N)

    section, _ = mismatched(snapshot, near(snapshot.words), near(snapshot.looks), silent)

    assert section.findings == []
