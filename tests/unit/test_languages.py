"""What the search knows of languages, and what it makes of words in them."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsearch.domain import Product, Query
from shopsearch.domain.words import Place
from shopsearch.languages import ENGLISH, NAMES, language_of
from shopsearch.lexical.stored import sketches_of
from shopsearch.ranking.features import WORD_FEATURES, Rarity
from shopsearch.ranking.phrases import Quoted
from shopsearch.ranking.rules import Asked, is_met
from shopsearch.ranking.synonyms import SynonymRule, Synonyms
from shopsearch.ranking.word_features import WordTable
from shopsearch.ranking.words import AskedWords, folded_words
from shopsearch.rules import When
from shopsearch.settings import Settings

GERMAN, FRENCH = language_of("german"), language_of("french")


def test_the_setting_knows_every_language_and_there_is_one_object_for_each() -> None:
    assert get_args(Settings.model_fields["language"].annotation) == NAMES
    assert all(language_of(name) is language_of(name) for name in NAMES)
    assert [language_of(name).name for name in NAMES] == list(NAMES)
    assert language_of("english") is ENGLISH


@pytest.mark.parametrize(
    ("name", "forms"),
    [
        ("german", ("Haus", "Häuser", "HÄUSERN", "hauser")),
        ("german", ("Schuh", "Schuhe", "Schuhen")),
        ("french", ("élégante", "Elegantes", "elegante")),
        ("italian", ("scarpa", "scarpe")),
        ("portuguese", ("sapato", "Sapatos")),
        ("spanish", ("canción", "cancion", "Canciones")),
        ("swedish", ("klänning", "Klanningar")),
        ("danish", ("kjole", "kjoler")),
        ("norwegian", ("jakke", "jakker")),
        ("finnish", ("lasi", "lasit")),
        ("hungarian", ("táska", "taska")),
        ("romanian", ("rochie", "rochii")),
        ("none", ("CAFÉ", "cafe")),
    ],
)
def test_forms_of_a_word_are_one(name: str, forms: tuple[str, ...]) -> None:
    assert len({tuple(folded_words(form, language_of(name))) for form in forms}) == 1


@pytest.mark.parametrize(
    ("name", "text", "noun", "wanted", "unwanted"),
    [
        ("german", "rote Schuhe für Damen", "schuh", "rot schuh dam", ""),
        ("german", "Jacke ohne Kapuze mit Futter", "jack", "jack futt", "kapuz"),
        ("dutch", "tas zonder rits", "tas", "tas", "rit"),
        ("french", "chaussures rouges pour femme", "chaussur", "chaussur roug femm", ""),
        ("french", "robe sans manches avec l'encolure", "rob", "rob encolur", "manch"),
        ("spanish", "zapatos rojos de mujer sin cordones", "zapat", "zapat roj muj", "cordon"),
        ("italian", "borsa di pelle senza tracolla", "bors", "bors pell", "tracoll"),
        ("portuguese", "camisa azul sem mangas", "camis", "camis azul", "mang"),
        ("none", "shoes for women", "women", "shoes for women", ""),
    ],
)
def test_small_words_say_what_in_their_language(
    name: str, text: str, noun: str, wanted: str, unwanted: str
) -> None:
    asked = AskedWords.of(text, language_of(name))
    assert (asked.noun, " ".join(asked.wanted), " ".join(asked.unwanted)) == (
        noun,
        wanted,
        unwanted,
    )


def test_features_rules_synonyms_and_phrases_go_by_the_endings_of_the_language() -> None:
    product = Product(product_id="a", title="Kleine Häuser", description="Mit großen Fenstern")
    asked = AskedWords.of("kleines haus mit fenster", GERMAN)
    table = WordTable(asked, sketches_of([product], GERMAN))
    row = table.features(Rarity(1, {}).weights(asked))[0].tolist()
    features = dict(zip(WORD_FEATURES[1:], row, strict=True))
    assert features["title"] == pytest.approx(2 / 3)
    assert features["anywhere"] == 1.0
    german = Asked.of(Query(text="Rote Häuser"), GERMAN)
    assert is_met(When(query_is="rotes Haus"), german)
    assert is_met(When(pattern="rotes *"), german)
    assert not is_met(When(words="haus"), Asked.of(Query(text="Rote Häuser")))
    synonyms = Synonyms([SynonymRule.of("Haus, Heim")], GERMAN)
    assert [one.term for one in synonyms.of(("haus",))] == ["heim"]
    assert Quoted.of('Haus ohne "roten Balkon"', GERMAN).inside == ()


SAMPLE = [
    Product(
        product_id="B07CX-6C9W",
        title="Kindle Paperwhite \u2013 Now Waterproof with 2x the Storage "
        "\u2013 Women's 7 inch Shelves",
        description="The thinnest, lightest Kindle yet: knives, boxes & 8 GB. Café glasses.",
        brand="Amazon",
        product_type="Electronics > E-Readers",
    ),
    Product(product_id="2", title='Dr. Pepper batteries 12-pack 5" x 8ft', color="Light Blue"),
    Product(product_id="3", title="Men's running shoes", material="leather", size="10.5"),
    Product(product_id="4", description="A bus, a gas mask and dresses for children. WH-1000XM4"),
]
QUERIES = (
    "women's kindle 8gb without case",
    "running shoes for men",
    "5 inch batteries dr pepper",
    "WH-1000XM4",
    "t shirt",
    "the of and",
    "dress for child without leather with straps",
    "e readers light blue",
    'knife shelf 7"',
)


def test_english_is_what_it_was() -> None:
    """Against the features of the version that knew no other language."""
    digest = hashlib.sha256()
    sketches = sketches_of(SAMPLE)
    digest.update(sketches.at(Place(0), Place.BRAND).tokens.tobytes() + sketches.lengths.tobytes())
    for query in QUERIES:
        asked = AskedWords.of(query)
        read = (asked.words, asked.wanted, asked.unwanted, asked.noun, asked.codes, asked.terms)
        digest.update(repr((read, asked.text, asked.negated, asked.ways())).encode())
        weights = Rarity(40, {"shoe": 20, "kindle": 3}).weights(asked)
        rows = WordTable(asked, sketches).features(weights)
        digest.update(repr(np.round(rows, 4).tolist()).encode())
    assert digest.hexdigest() == "c72ad897f6dbd79edb2bf29f2c6ce53bea735255df97b9c2c1e06b97ea641a58"


def test_words_are_looked_up_as_they_were_written() -> None:
    """A stem may have an ending itself: of `camisa` stays `camis`, and of that `cam`, the bed."""
    portuguese = language_of("portuguese")
    asked = AskedWords.of("camisas azuis", portuguese)
    assert asked.wanted[0] == "camis"
    assert [asked.written(word) for word in asked.wanted] == ["camisas", "azuis"]
    assert "camis" not in asked.ways()[0]
    sketches = sketches_of([Product(product_id="a", description="Uma camisa")], portuguese)
    assert WordTable(asked, sketches).in_description.tolist() == [[True, False]]


def test_threads_share_a_stemmer() -> None:
    words = [f"{stem}{ending}" for stem in ("haus", "schuh", "kleid") for ending in ("er", "en")]
    alone = [GERMAN.stem(word + "x") for word in words * 50]
    with ThreadPoolExecutor(8) as pool:
        assert (
            list(pool.map(lambda word: language_of("german").stem(word + "x"), words * 50)) == alone
        )


@given(st.text(), st.sampled_from(NAMES))
def test_any_text_is_read_in_any_language(text: str, name: str) -> None:
    language = language_of(name)
    asked = AskedWords.of(text, language)
    assert set(asked.unwanted).isdisjoint(asked.wanted)
    language.stemmed(text)


@pytest.mark.parametrize("name", ["none", "german", "english"])
def test_scripts_without_spaces_break_nothing(name: str) -> None:
    asked = AskedWords.of("赤いマグカップ 빨간 머그잔", language_of(name))
    assert len(asked.words) == 3
