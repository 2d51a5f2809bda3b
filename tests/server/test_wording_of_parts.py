"""How chips of understood parts read."""

from __future__ import annotations

import pytest

from shopsearch.domain import AnyOf, Between, PartKind, UnderstoodPart
from shopsearch.server.wording import part_text


@pytest.mark.parametrize(
    ("words", "shown"),
    [("size 42", "42"), ("king size", "king"), ("Sizes: M", "M"), ("eu 43", "eu 43"), ("xl", "xl")],
)
def test_a_size_is_shown_without_the_word_for_it(words: str, shown: str) -> None:
    part = UnderstoodPart(kind=PartKind.SIZE, text=words, wish=AnyOf("size", ("x",)))
    assert part_text(part) == shown


def test_a_price_is_shown_by_its_bounds_and_a_colour_by_its_words() -> None:
    price = Between("price", 20, 50)
    part = UnderstoodPart(kind=PartKind.PRICE, text="$20-50", wish=price, currency="usd")
    assert part_text(part) == "20 to 50 USD"
    red = UnderstoodPart(kind=PartKind.COLOR, text="Red", wish=AnyOf("color", ("red",)))
    assert part_text(red) == "Red"
