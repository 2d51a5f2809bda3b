"""What words say is not wanted, and what only looks as if they did."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsearch.domain import Product
from shopsearch.ranking.affirmed import affirmed_words, holds
from shopsearch.ranking.negation import taken_apart
from shopsearch.ranking.words import AskedWords, folded_words


@pytest.mark.parametrize(
    ("text", "wanted", "unwanted"),
    [
        ("shoes not leather", "shoes", ("leather",)),
        ("not leather shoes", "shoes", ("leather",)),
        ("belt NO Leather", "belt", ("Leather",)),
        ("wallet non leather", "wallet", ("leather",)),
        ("wallet non-leather", "wallet", ("leather",)),
        ("t-shirt -pink", "t-shirt", ("pink",)),
        ('jacket -"faux leather" red', "jacket red", ("faux leather",)),
        ("bag without leather or suede", "bag", ("leather", "suede")),
        ("bag without leather, suede or fur, red", "bag , red", ("leather", "suede", "fur")),
        ("nuts no shell, unsalted, vegan and raw", "nuts , unsalted, vegan and raw", ("shell",)),
        ("lights without wiring with switch", "lights with switch", ("wiring",)),
        ("mug w/o handle", "mug", ("handle",)),
        ("shoes without the laces", "shoes", ("laces",)),
        ("red but not blue mug", "red mug", ("blue",)),
        ("dress not black and not white", "dress", ("black", "white")),
        ("sofa not dark blue for men", "sofa for men", ("dark blue",)),
        ("shirt no long sleeves", "shirt", ("long sleeves",)),
        ("shoes not made of leather", "shoes", ("leather",)),
        ("bag (not leather) red", "bag red", ("leather",)),
        ("bag not leather/suede", "bag", ("leather", "suede")),
    ],
)
def test_negated_words_are_taken_out(text: str, wanted: str, unwanted: tuple[str, ...]) -> None:
    said = taken_apart(text)
    assert (said.wanted, said.unwanted) == (wanted, unwanted)


@pytest.mark.parametrize(
    "text",
    [
        *("no 7 cream", "No. 5 perfume", "no.1 dad mug", "not your mother's shampoo"),
        *("non stick pan", "non-stick pan", "Non-Slip mat", "no show socks", "no iron shirt"),
        *("t-shirt", "anti-slip mat", "wireless mouse", "shoes size -2", "tv not 32 inch"),
        *(
            "gift not included batteries",
            "saw (battery not included/saw only)",
            "watch the game not your phone tshirt",
        ),
        *("the one for whom food is not enough", "forget me not earrings", "ready or not"),
        *("shirt - red", "hand-held mixer", "knot ring", "nonna's pasta", "north face"),
        *("not leather", "-leather", "without", "no", "-", "", "without without", "mug not or"),
    ],
)
def test_names_and_what_leaves_nothing_stay_as_they_are(text: str) -> None:
    said = taken_apart(text)
    assert (said.wanted, said.unwanted) == (text, ())


def test_what_the_catalog_knows_as_a_name_is_one() -> None:
    known = {"no quokka", "non zzyzx"}.__contains__
    for text in ("mug no quokka", "non-zzyzx mug", "non zzyzx mug"):
        assert taken_apart(text, known).unwanted == ()
        assert taken_apart(text).unwanted != ()
    assert taken_apart("mug not quokka", lambda _: True).unwanted == ("quokka",)


def test_a_dash_in_a_title_negates_nothing() -> None:
    assert taken_apart("Shoes -Black", minus=False).unwanted == ()


PIECES = [
    *"-\"',/() ab5",
    "\t",
    "\u0301",
    "İ",
    " no ",
    " not ",
    " non-",
    " without ",
    " or ",
    "red",
]


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_any_text_is_taken_apart_into_parts_of_itself(text: str) -> None:
    said = taken_apart(text)
    assert all(phrase in text and phrase.strip() for phrase in said.unwanted)
    assert not said.unwanted or folded_words(said.wanted)
    letters = "".join(said.wanted.split())
    rest = iter("".join(text.split()))
    assert all(letter in rest for letter in letters)  # in the same order


def test_negated_words_are_neither_wanted_nor_looked_up() -> None:
    asked = AskedWords.of("brown shoes not leather, size 42")
    assert asked.wanted == ("brown", "shoe", "size", "42")
    assert (asked.unwanted, asked.negated, asked.noun) == (("leather",), ("leather",), "size")
    assert not any("leather" in term for term in asked.terms)
    assert "leather" in asked.words  # a title that is typed in full is still the whole title


def holder(phrase: str, **fields: object) -> bool:
    product = Product(product_id="a", **fields)
    return holds(affirmed_words(product), [frozenset(folded_words(phrase))])


@pytest.mark.parametrize(
    "fields",
    [
        {"title": "Brown Leather belt"},
        {"title": "Belt", "brand": "Leathers"},
        {"title": "Belt", "product_type": "Belts > Leather"},
        {"title": "Belt", "material": "leather, steel"},
        {"title": "Belt", "attributes": {"Outer": "Leather"}},
        {"title": "Belt", "attributes": {"leather": "Yes"}},
    ],
)
def test_a_product_holds_what_a_field_of_it_says(fields: dict[str, object]) -> None:
    assert holder("leather", **fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"title": "Belt", "description": "Vegan, not leather. Leather look."},
        {"title": "Belt, non-leather"},
        {"title": "Leather-free belt"},
        {"title": "Belt without leather"},
        {"title": "Leatherette belt"},
        {"title": "Belt", "attributes": {"leather": "No"}},
        {"title": "Belt", "attributes": {"care": "Looks like leather, and is " + "soft " * 20}},
        {"images": ("a.jpg",)},
    ],
)
def test_a_product_does_not_hold_what_it_denies_or_only_tells(fields: dict[str, object]) -> None:
    assert not holder("leather", **fields)


def test_a_phrase_is_held_by_one_field_that_has_all_of_it() -> None:
    assert holder("dark blue", title="Mug", color="Dark Blue")
    assert not holder("dark blue", title="Dark mug", color="Blue")
    assert not holder("", title="Mug")
