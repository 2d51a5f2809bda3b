"""Which colours words name on a page."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsearch.server.swatches import MAX_PARTS, swatch_of


def fills(value: str) -> list[str]:
    return [sector.fill for sector in swatch_of(value)]


@pytest.mark.parametrize("value", ["", "42", "Elegant", "see picture", "redwood", "blackened"])
def test_a_value_that_names_no_colour_has_no_swatch(value: str) -> None:
    assert swatch_of(value) == ()


def test_case_and_further_words_do_not_hide_a_colour() -> None:
    assert fills("RED") == fills("red") == fills("Matt Red") == fills("red melange")


def test_several_colours_are_sectors_in_their_order() -> None:
    assert fills("Black/White") == [*fills("black"), *fills("white")]
    assert fills("black, white & red") == [*fills("black"), *fills("white"), *fills("red")]
    assert fills("red/RED") == fills("red")
    assert len(fills("red,blue,green,yellow,black,white")) == MAX_PARTS


def test_two_words_may_be_one_colour() -> None:
    assert fills("Navy Blue") == fills("navy") != fills("blue")
    assert fills("rose gold") not in (fills("rose"), fills("gold"))
    assert fills("off-white") == fills("off white") == fills("ivory")


def test_a_shade_is_darker_or_lighter() -> None:
    def light(value: str) -> int:
        (fill,) = fills(value)
        return sum(bytes.fromhex(fill[1:]))

    assert light("dark green") < light("green") < light("light green")
    assert light("dark navy blue") < light("navy")


def test_many_colours_are_a_rainbow() -> None:
    assert len(fills("Multicolor")) == len(fills("assorted")) == 4


@given(value=st.text(max_size=60) | st.sampled_from(['"><script>', "red\x00/blue", "RED" * 90]))
def test_whatever_a_feed_says_a_swatch_is_numbers_alone(value: str) -> None:
    for sector in swatch_of(value):
        assert re.fullmatch(r"#[0-9a-f]{6}", sector.fill)
        assert re.fullmatch(r"[MLAZ0-9. -]+", sector.path)
