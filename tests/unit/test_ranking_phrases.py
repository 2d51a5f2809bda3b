"""Quotes in queries, and phrases in products."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from shopsearch.domain import Product
from shopsearch.lexical.word_index import WordIndex
from shopsearch.ranking.phrases import HeldPhrases, Quoted
from shopsearch.ranking.words import AskedWords, Phrase


@pytest.mark.parametrize(
    ("text", "phrases", "plain"),
    [
        ('"trail running" shoes', ("trail running",), "trail running shoes"),
        ("\u201ctrail running\u201d shoes", ("trail running",), "trail running shoes"),
        ("\u201eTrail Running\u201c Schuhe", ("Trail Running",), "Trail Running Schuhe"),
        ("\u00ab robe rouge \u00bb longue", ("robe rouge",), "robe rouge longue"),
        ("\u00bbrote Schuhe\u00ab", ("rote Schuhe",), "rote Schuhe"),
        ('"trail running" and "gore tex"', ("trail running", "gore tex"), None),
        ('"iphone 5" case', ("iphone 5",), "iphone 5 case"),
        ('"iphone 5" "red case"', ("iphone 5", "red case"), None),
        ('"12" pan" with lid', ('12" pan',), '12" pan with lid'),
        ('5" tv "wall mount"', ("wall mount",), '5" tv wall mount'),
        ('5 "wall mount" tv', ("wall mount",), "5 wall mount tv"),
        ('("wall mount")', ("wall mount",), None),
        ('"wall mount"tv', ("wall mount",), "wall mount tv"),
        ('"a "wall mount"', ("wall mount",), "a wall mount"),
        ('""wall mount""', ("wall mount",), "wall mount"),
    ],
)
def test_phrases_stand_in_quotes_of_any_kind(
    text: str, phrases: tuple[str, ...], plain: str | None
) -> None:
    quoted = Quoted.of(text)
    assert quoted.inside == phrases
    if plain is not None:
        assert quoted.plain == plain


@pytest.mark.parametrize(
    "text",
    [
        *("", '"', '""', '" "', '"!?"', '5"', '12" pan', '5" and 6" nails', '5 " tv', "6' x 4\""),
        *(
            '"trail running shoes',
            'trail running" shoes',
            'wall"art',
            "women's",
            '-"leather strap"',
        ),
        "\u201d\u201c",
    ],
)
def test_a_quote_without_a_partner_is_just_a_character(text: str) -> None:
    quoted = Quoted.of(text)
    assert quoted.inside == ()
    assert quoted.plain.split() == text.split() or not any(map(str.isalnum, text))


def test_inches_stay_inches() -> None:
    assert AskedWords.of(Quoted.of('12" pan').plain).words == ("12", "inch", "pan")
    assert Phrase.of('12" pan').words == ("12", "inch", "pan")


def test_what_must_not_be_is_no_phrase_that_must_be() -> None:
    quoted = Quoted.of('lights without "wiring kit" "for trees"')
    assert quoted.inside == ("for trees",)
    assert quoted.plain == "lights without wiring kit for trees"


def test_what_stands_in_quotes_is_wanted() -> None:
    quoted = Quoted.of('belt "without buckle" leather')
    assert quoted.within(quoted.masked) == (("without buckle",), "belt   leather")
    outside = AskedWords.of(" ".join(quoted.outside))
    asked = AskedWords.of(quoted.plain).quoting([Phrase.of(p) for p in quoted.inside], outside)
    assert (asked.wanted, asked.unwanted) == (("belt", "buckle", "leather"), ())
    assert asked.terms[0] == "without buckle"


PRODUCT = Product(
    product_id="a",
    title="Shoes for Trail-Running",
    brand="Black & Decker",
    product_type="Sport > Shoes",
    color="light blue",
    attributes={"sole": "soft rubber", "toe": "cap"},
    description="<p>Keeps <b>dry</b> feet in deep water &amp; mud, and women's feet</p>",
)


def holds(phrase: str) -> bool:
    """Whether a lexical index says that the product holds the phrase."""
    words = WordIndex()
    words.upsert([7], [PRODUCT])
    return words.holding([Phrase.of(phrase).terms]).tolist() == [7]


@pytest.mark.parametrize(
    "phrase",
    [
        *("trail running", "TRAIL RUNNINGS", "shoe for trail", "black & decker", "shoes", "sport"),
        *("light blue", "soft rubber", "dry feet", "water & mud", "in deep water", "women's feet"),
        "and women\u2019s feet",
    ],
)
def test_a_phrase_is_found_where_its_words_follow_each_other(phrase: str) -> None:
    assert holds(phrase)


@pytest.mark.parametrize(
    "phrase",
    ["running trail", "running black", "decker sport", "blue rubber", "rail", "b dry", "!"],
)
def test_and_nowhere_else(phrase: str) -> None:
    assert not holds(phrase)


def test_a_phrase_that_is_too_long_counts_by_its_first_words() -> None:
    long = Phrase.of("trail " * 100)
    assert set(long.words) == {"trail"}
    assert 10 < len(long.words) < 20
    assert max(map(len, long.terms)) <= 100


def keys(*some: int) -> NDArray[np.int64]:
    return np.array(some, dtype=np.int64)


@pytest.mark.parametrize(
    ("red", "blue", "held", "given_up"),
    [
        ((1, 2), (), (1, 2), "blue"),
        ((1, 2), (3,), (3,), "red"),
        ((1, 2), (2, 3), (2,), ""),
        ((), (), (), "red blue"),
    ],
)
def test_phrases_that_no_product_has_are_given_up_and_then_the_most_frequent(
    red: tuple[int, ...], blue: tuple[int, ...], held: tuple[int, ...], given_up: str
) -> None:
    found = HeldPhrases.of({Phrase.of("red"): keys(*red), Phrase.of("blue"): keys(*blue)})
    assert found.keys.tolist() == list(held)
    assert " ".join(map(str, found.given_up)) == given_up
    assert HeldPhrases.of({}).keys.size == 0


odd = st.text(alphabet=st.sampled_from("ab5 \"\u201c\u201d\u201e\u00ab\u00bb-'(\t")) | st.text()


@given(odd)
def test_any_text_is_taken_apart_and_nothing_but_quotes_is_lost(text: str) -> None:
    quoted = Quoted.of(text)
    kept = [c for c in text if c.isalnum()]
    assert [c for c in quoted.plain if c.isalnum()] == kept
    assert [c for c in str(quoted) if c.isalnum()] == kept
    assert Quoted.of(quoted.plain).inside == ()
    assert len(quoted.pieces) % 2 == 1
    assert all(any(map(str.isalnum, phrase)) for phrase in quoted.inside)
    assert quoted.unmasked(quoted.masked).split() == quoted.plain.split()
