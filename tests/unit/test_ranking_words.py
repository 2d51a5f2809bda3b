"""What the ranking reads out of the words of a query and of a product."""

from __future__ import annotations

import pytest

from shopsearch.domain import Product
from shopsearch.lexical.stored import sketches_of
from shopsearch.ranking.features import WORD_FEATURES, Rarity
from shopsearch.ranking.word_features import WordTable
from shopsearch.ranking.words import MAX_QUERY_WORDS, AskedWords, folded_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Women's Slippers", ["women", "slipper"]),
        ("Größe CAFÉ glasses", ["große", "cafe", "glass"]),
        ("batteries 5m 1/2in", ["battery", "5", "m", "1/2", "inch"]),
        ("bus gas dress", ["bus", "gas", "dress"]),
    ],
)
def test_words_are_folded(text: str, words: list[str]) -> None:
    assert folded_words(text) == words


@pytest.mark.parametrize(
    ("text", "wanted", "unwanted"),
    [
        ("brown belt without buckle", ("brown", "belt"), ("buckle",)),
        ("lights without wiring with switch", ("light", "switch"), ("wiring",)),
        ("storage box without storage", ("storage", "box"), ()),
        ("without prejudice", ("prejudice",), ()),
        ("the of and", ("the", "of", "and"), ()),
    ],
)
def test_what_follows_without_is_not_wanted(
    text: str, wanted: tuple[str, ...], unwanted: tuple[str, ...]
) -> None:
    asked = AskedWords.of(text)
    assert (asked.wanted, asked.unwanted) == (wanted, unwanted)


@pytest.mark.parametrize(
    ("text", "noun"),
    [("blue dress for women", "dress"), ("bag of rice", "bag"), ("airpods 2", "airpod")],
)
def test_the_noun_comes_before_what_only_says_more(text: str, noun: str) -> None:
    assert AskedWords.of(text).noun == noun


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("sony WH-1000XM4", ("wh1000xm4",)),
        ("0123456789012", ("0123456789012",)),
        ("cable 5m 100ml 2020 usb", ()),
    ],
)
def test_a_code_is_told_from_amounts_and_years(text: str, codes: tuple[str, ...]) -> None:
    assert AskedWords.of(text).codes == codes


def test_terms_try_the_other_ways_to_write_a_thing() -> None:
    assert set(AskedWords.of("ear buds 5m WH-1000").terms) >= {
        "earbuds",
        "5 m",
        "wh-1000",
        "wh1000",
    }


@pytest.mark.parametrize("text", ["", " ", "😀", '"*:^-()', "\x00\ud800"])
def test_a_text_without_words_asks_for_none(text: str) -> None:
    assert not AskedWords.of(text)


def test_a_very_long_query_is_cut() -> None:
    assert len(AskedWords.of("word " * 100_000).words) == MAX_QUERY_WORDS


def rows(query: str, *products: Product) -> list[dict[str, float]]:
    asked = AskedWords.of(query)
    held_by = dict.fromkeys((*asked.wanted, *asked.unwanted), 3)
    weights = Rarity(100, held_by).weights(asked)
    table = WordTable(asked, sketches_of(products)).features(weights)
    return [dict(zip(WORD_FEATURES[1:], row, strict=True)) for row in table.tolist()]


def test_features_tell_where_the_words_are() -> None:
    (found,) = rows(
        "red oak desk 120 cm without drawer",
        Product(
            product_id="a",
            title="Desk 120 cm, two drawers",
            color="Red",
            description="A desk of solid oak.",
        ),
    )
    assert found["title"] == pytest.approx(3 / 5)
    assert found["facts"] == pytest.approx(4 / 5)
    assert found["anywhere"] == pytest.approx(1.0)
    assert found["number"] == 1.0
    assert found["unwanted"] == 1.0
    assert found["brand"] == 0.0


def test_a_short_word_in_the_story_must_stand_alone() -> None:
    (inside, alone) = rows(
        "pen cup",
        Product(product_id="a", description="an open cupboard"),
        Product(product_id="b", description="Pens! A cup."),
    )
    assert (inside["anywhere"], alone["anywhere"]) == (0.0, 1.0)


def test_a_rare_word_counts_more_than_a_common_one() -> None:
    asked = AskedWords.of("women kimono")
    products = [Product(product_id=word, title=word) for word in asked.wanted]
    weights = Rarity(100, {"women": 60, "kimono": 1}).weights(asked)
    table = WordTable(asked, sketches_of(products)).features(weights)
    women, kimono = table[:, WORD_FEATURES.index("title") - 1].tolist()
    assert kimono > 2 * women


@pytest.mark.parametrize("query", ["blue mug", "without it", "x", "5", "wh-1000xm4 without cable"])
def test_every_feature_lies_between_0_and_1_and_is_0_without_the_words(query: str) -> None:
    wordless = Product(product_id="picture", images=("a.jpg",))
    other = Product(product_id="o", title="Grey sofa", brand="Fern", description="For three.")
    full = Product(product_id="f", title=f"{query} {query}", brand=query, description=query)
    for found in rows(query, wordless, other):
        assert set(found.values()) == {0.0}
    assert all(0.0 <= value <= 1.0 for value in rows(query, full)[0].values())


def test_an_exact_title_or_a_whole_code_is_exact() -> None:
    headphones = Product(product_id="a", title="Sony WH-1000XM4 Wireless", gtin="0123456789012")
    for text in ("sony wh-1000xm4 WIRELESS", "wh1000xm4", "0123456789012"):
        assert exact(text, headphones) == [True]
    for text in ("sony wireless", "wh1000xm5"):
        assert exact(text, headphones) == [False]


def exact(text: str, *products: Product) -> list[bool]:
    return WordTable(AskedWords.of(text), sketches_of(products)).exact.tolist()


def test_a_title_is_exact_to_its_end_however_long_it_is() -> None:
    start = "mug " * 20
    titles = [f"{start}red", f"{start}red{' ' * 600}blue"]  # the same up to where features read
    products = [Product(product_id=f"p{n}", title=title) for n, title in enumerate(titles)]
    assert exact(f"{start}red", *products) == [True, False]


def test_each_field_tells_which_of_the_wanted_words_it_holds() -> None:
    asked = AskedWords.of("the red ear buds by Kiln without cable")
    product = Product(
        product_id="a",
        title="Earbuds",
        brand="Kiln",
        product_type="Sound > Buds",
        color="Red",
        attributes={"pack": "2 red buds"},
        description="Reddish. No cable, from Kiln.",
    )
    (matched,) = WordTable(asked, sketches_of([product])).matched()
    assert matched == {
        "title": ("ear", "bud"),
        "brand": ("kiln",),
        "category": ("bud",),
        "facts": ("red", "bud"),
        "description": ("kiln",),
    }
