"""The composed text of a product, and the words of a query."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsearch.domain import Product
from shopsearch.preprocessing.text import MAX_TEXT_CHARS, clean, clean_query, compose


def test_the_weightiest_words_come_first() -> None:
    product = Product(
        product_id="1",
        title="Alba mug",
        brand="Kumo",
        product_type="Home > Drinkware > Mugs",
        color="red",
        material="stoneware",
        attributes={"pattern": "striped"},
        description="Holds 350 ml.",
    )

    assert compose(product) == (
        "Alba mug. Kumo. Home, Drinkware, Mugs. color: red. material: stoneware. "
        "pattern: striped. Holds 350 ml."
    )


def test_several_values_are_a_list_of_as_many_as_there_is_room_for() -> None:
    many = " | ".join(f"size {n}" for n in range(100))
    product = Product(
        product_id="1", title="Shirt", color="red | blue|green", attributes={"fits": many}
    )

    assert compose(product) == (
        "Shirt. color: red, blue, green. "
        "fits: size 0, size 1, size 2, size 3, size 4, size 5, size 6, size 7, size 8, size 9."
    )


def test_how_a_product_is_sent_is_not_what_it_is() -> None:
    told = {"shipping": "US:::6.49 USD", "shipping.country": "US", "tax": "US:CA:5:y"}

    assert compose(Product(product_id="1", title="Mug", attributes=told)) == "Mug."


def test_what_was_said_is_not_said_again() -> None:
    product = Product(product_id="1", title="Red Kumo mug", brand="KUMO", color="red")

    assert compose(product) == "Red Kumo mug."


def test_a_short_value_is_not_taken_for_a_part_of_a_longer_word() -> None:
    assert compose(Product(product_id="1", title="Summer top", size="M")) == "Summer top. size: M."


def test_attributes_that_tell_nothing_are_left_out() -> None:
    noise = {
        "model_id": "X-100",
        "url": "shop.example",
        "sku": "A1",
        "page": "https://shop.example",
        "weight": "12.5",
        "gift_wrap": "no",
        "care": "n/a",
        "story": "word " * 100,
    }
    product = Product(product_id="1", title="Mug", attributes=noise | {"waterproof": "Yes"})

    assert compose(product) == "Mug. waterproof."


def test_the_order_of_attributes_does_not_matter() -> None:
    pairs = {"fit": "slim", "neck": "round", "lining": "silk"}
    turned = dict(reversed(pairs.items()))

    one, other = (compose(Product(product_id="1", attributes=each)) for each in (pairs, turned))

    assert one == other != ""


def test_a_text_is_bounded_and_keeps_its_beginning() -> None:
    product = Product(product_id="1", title="Mug", description="story " * 10_000)

    text = compose(product)

    assert text.startswith("Mug. story")
    assert len(text) <= MAX_TEXT_CHARS


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ("<p>Hello <b>wor</b>ld</p>again", "Hello world again"),
        ("one<br>two<br/>three", "one two three"),
        ("<ul><li>a</li><li>b</li></ul>", "a b"),
        ("<td>a</td><td>b</td>", "a b"),
        ("Tom &amp; Jerry&nbsp;&eacute;", "Tom & Jerry é"),
        ("&#65;&#x42;", "AB"),
        ("<script>alert('x')</script>safe<style>p{}</style>", "safe"),
        ("<!-- hidden -->seen", "seen"),
        ("&lt;p&gt;twice&lt;/p&gt;escaped", "twice escaped"),
        ("5 < 6 and 7 > 3", "5 < 6 and 7 > 3"),
        ("I <3 you", "I <3 you"),
        ("a & b", "a & b"),
        ("<p>not closed", "not closed"),
        ("<img alt='x' src='y'>", ""),
    ],
)
def test_html_becomes_words(html: str, words: str) -> None:
    assert clean(html) == words


def test_letters_are_composed_and_invisible_characters_go() -> None:
    assert clean("Cafe\u0301") == "Café"
    assert (
        clean("soft\u00adhyphen zero\u200bwidth \ufeffmark\x00\x07") == "softhyphen zerowidth mark"
    )
    assert clean(" a\t\n b\u00a0\u2003c ") == "a b c"


def test_joiners_that_make_letters_stay() -> None:
    assert clean("\U0001f469\u200d\U0001f4bb") == "\U0001f469\u200d\U0001f4bb"


def test_html_nested_without_end_is_survived() -> None:
    assert clean("<div>" * 9_000 + "deep") in ("deep", "")


def test_a_query_keeps_its_signs_and_is_bounded() -> None:
    assert clean_query("  red <b>  mug\n") == "red <b> mug"
    assert len(clean_query("x" * 10_000)) == 1_000


@given(st.text())
def test_clean_text_is_plain_whatever_it_was(text: str) -> None:
    for cleaned in (clean(text), clean_query(text)):
        assert cleaned == " ".join(cleaned.split())
        assert unicodedata.is_normalized("NFC", cleaned)
        kinds = {unicodedata.category(character) for character in cleaned} - {"Cf"}
        assert not kinds & {"Cc", "Cs", "Cn", "Co"}
        cleaned.encode()


@given(st.text(), st.text(), st.dictionaries(st.text(max_size=8), st.text(), max_size=5))
def test_composing_never_fails(title: str, description: str, attributes: dict[str, str]) -> None:
    product = Product(product_id="1", title=title, description=description, attributes=attributes)

    assert compose(product) == compose(product)
