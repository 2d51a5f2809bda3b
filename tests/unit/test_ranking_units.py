"""Measures are the same however they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsearch.ranking.units import with_units_folded
from shopsearch.ranking.words import AskedWords, fold, folded_words


@pytest.mark.parametrize(
    ("written", "words"),
    [
        *((text, ["5", "inch"]) for text in ('5"', "5in", "5 inch", "5-inch", "5 inches", "5″")),
        *((text, ["1", "tb"]) for text in ("1tb", "1 TB", "1-terabyte")),
        *((text, ["64", "gb"]) for text in ("64gb", "64 GB", "64 gigabytes")),
        *((text, ["30.5", "cm"]) for text in ("30.5cm", "30.5 cm", "30.5 centimeters")),
        ("6'2\"", ["6", "ft", "2", "inch"]),
        ("3-in-1 charger", ["3", "in", "1", "charger"]),
        ("2 in red", ["2", "in", "red"]),
        ("90's shirt", ["90", "s", "shirt"]),
    ],
)
def test_a_measure_is_folded(written: str, words: list[str]) -> None:
    assert folded_words(written) == words


@given(st.text(alphabet="15 .-/\"'″inchcmtbgb", max_size=20))
def test_folding_twice_changes_nothing_more(text: str) -> None:
    once = with_units_folded(fold(text))
    assert folded_words(once) == folded_words(text)


@pytest.mark.parametrize("typed", ['5"', "5in", "5 inches"])
def test_a_measure_is_looked_up_in_every_spelling(typed: str) -> None:
    assert set(AskedWords.of(typed).terms) >= {"5 inch", "5inch", "5 in", "5in"}


def test_a_measure_is_no_model_number() -> None:
    assert AskedWords.of("64gb 5in 1tb").codes == ()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("men's", "mens"),
        ("boxes", "box"),
        ("shelves", "shelf"),
        ("man", "men"),
        ("batteries", "battery"),
        ("watches", "watch"),
    ],
)
def test_plurals_and_singulars_are_one_word(one: str, other: str) -> None:
    assert folded_words(one) == folded_words(other)
