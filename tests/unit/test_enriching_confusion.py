"""What a picture of a confusion matrix shows."""

from __future__ import annotations

import numpy as np

from shopsearch.enriching.confusion import MAX_SHOWN, shown


def matrix(n_values: int) -> np.ndarray:
    """Value n has n + 1 products, all predicted rightly; one product has another value."""
    counts = np.zeros((n_values + 1, n_values), dtype=np.int64)
    counts[:-1] = np.diag(np.arange(1, n_values + 1))
    counts[-1, 0] = 1
    return counts


def test_a_small_matrix_is_shown_whole_most_products_first() -> None:
    counts, rows, columns = shown(matrix(3), ["a", "b", "c"])
    assert (rows, columns) == (["c", "b", "a", "(other values)"], ["c", "b", "a"])
    assert counts.tolist() == [[3, 0, 0], [0, 2, 0], [0, 0, 1], [0, 0, 1]]


def test_of_many_values_the_largest_are_shown_and_no_product_is_lost() -> None:
    whole = matrix(40)
    counts, rows, columns = shown(whole, [f"value {n}" for n in range(40)])
    assert len(rows) == len(columns) == MAX_SHOWN + 1
    assert (rows[0], rows[-1], columns[-1]) == ("value 39", "(other values)", "(other values)")
    assert counts.sum() == whole.sum()
    assert counts[-1, -1] == sum(range(1, 11)) + 1


def test_a_row_of_other_values_is_left_out_where_there_are_none() -> None:
    counts, rows, _ = shown(np.array([[2, 0], [1, 3], [0, 0]]), ["a", "b"])
    assert rows == ["b", "a"]
    assert counts.tolist() == [[3, 1], [0, 2]]


def test_long_names_keep_both_of_their_ends() -> None:
    path = "Clothing and Accessories > Women > Winter > Hooded Sweatshirts"
    _, rows, _ = shown(np.array([[1, 0], [0, 1], [0, 0]]), [path, "b"])
    assert len(rows[0]) <= 48
    assert rows[0].startswith("Clothing")
    assert rows[0].endswith("Hooded Sweatshirts")
