"""What the columns of a filter do beyond the contract of an index."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shopsearch.domain import EVERYTHING, AnyOf, Between, Exists, FilterRow, ProductFilter
from shopsearch.index.column import number
from shopsearch.index.columns import FilterColumns

ROWS: list[FilterRow] = [
    {"color": ("red",), "price": 5.0, "size": ("42",)},
    {"color": ("blue", "red"), "size": ("42.5",)},
    {"price": 7.5, "note": ("gone",)},
    {},
]
FILTERS = [
    EVERYTHING,
    ProductFilter((AnyOf("color", ("Red",)),)),
    ProductFilter((AnyOf("color", ("green", "blue")),)),
    ProductFilter((AnyOf("price", ("5", "7.50")),)),
    ProductFilter((Between("price", 5, 7),)),
    ProductFilter((Between("size", 42.1, None),)),
    ProductFilter((Exists("price", present=False), Exists("color"))),
]
MATCHES = [[0, 1, 2, 3], [0, 1], [1], [0, 2], [0], [1], [1]]


def columns(rows: list[FilterRow] = ROWS) -> FilterColumns:
    filled = FilterColumns()
    filled.extend(rows[:1])
    filled.extend(rows[1:])
    return filled


def positions(filled: FilterColumns) -> list[list[int]]:
    return [np.flatnonzero(filled.mask(where)).tolist() for where in FILTERS]


def test_a_mask_names_the_rows_that_fulfil_all_conditions() -> None:
    assert positions(columns()) == MATCHES


def test_saved_columns_answer_as_before_and_can_grow(tmp_path: Path) -> None:
    columns().save(tmp_path)
    loaded = FilterColumns.load(tmp_path)
    assert positions(loaded) == MATCHES
    loaded.extend([{"color": ("red",), "size": ("50",)}])
    assert [found[-1] == 4 for found in positions(loaded)] == [
        True,
        True,
        False,
        False,
        False,
        True,
        True,
    ]


def test_taken_rows_are_renumbered_and_the_words_of_the_others_forgotten(tmp_path: Path) -> None:
    taken = columns().taken(np.array([3, 1, 0]))
    assert positions(taken) == [[0, 1, 2], [1, 2], [1], [2], [2], [1], [1]]
    taken.save(tmp_path)
    assert "gone" not in (tmp_path / "filters.json").read_text()


def test_the_original_is_not_touched_by_taking() -> None:
    original = columns()
    original.taken(np.array([1])).extend([{"color": ("red",)}])
    assert positions(original) == MATCHES


def test_a_field_may_hold_words_in_one_row_and_a_number_in_another() -> None:
    mixed = columns([{"price": ("on request", "9")}, {"price": 9.0}, {"price": float("nan")}])
    assert mixed.mask(ProductFilter((Between("price", 8, 10),))).tolist() == [True, True, False]
    assert mixed.mask(ProductFilter((Exists("price"),))).tolist() == [True, True, False]
    assert mixed.mask(ProductFilter((AnyOf("price", ("On Request",)),))).tolist() == [
        True,
        False,
        False,
    ]


def test_any_characters_survive_the_way_over_the_disk(tmp_path: Path) -> None:
    words = ("größe > 日本", 'quote " and \\', "null\x00", "half \ud83d", "0.codes")
    strange = columns([{word: (word.casefold(),)} for word in words])
    strange.save(tmp_path)
    loaded = FilterColumns.load(tmp_path)
    for place, word in enumerate(words):
        mask = loaded.mask(ProductFilter((AnyOf(word, (word,)),)))
        assert np.flatnonzero(mask).tolist() == [place]


@pytest.mark.parametrize(
    ("word", "value"), [("42", 42.0), ("42.5", 42.5), ("-.5", -0.5), ("+7.", 7.0), ("007", 7.0)]
)
def test_a_plain_decimal_is_a_number(word: str, value: float) -> None:
    assert number(word) == value


@pytest.mark.parametrize(
    "word", ["", ".", "-", "10 cm", "1e3", "nan", "inf", "1_000", "1,5", "٣", "0x1f", " 5", "5\n"]
)
def test_everything_else_is_a_word(word: str) -> None:
    assert np.isnan(number(word))


@pytest.mark.parametrize(
    ("low", "high", "matches"),
    [
        (None, None, [0, 1, 2, 3]),
        (None, 0, [0, 1]),
        (0, None, [1, 2, 3]),
        (0, 0, [1]),
        (-2, 1, [0, 1, 2]),
        (2, 1, []),
        (float("nan"), None, []),
    ],
)
def test_bounds_are_inclusive_and_zero_is_a_bound(
    low: float | None, high: float | None, matches: list[int]
) -> None:
    filled = columns([{"n": -2.0}, {"n": ("0",)}, {"n": 1.0}, {"n": ("3", "x")}, {"n": ("x",)}])
    mask = filled.mask(ProductFilter((Between("n", low, high),)))
    assert np.flatnonzero(mask).tolist() == matches
