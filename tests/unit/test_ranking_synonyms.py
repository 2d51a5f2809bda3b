"""Synonyms: how rules are read, and what they change in the features of a product."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsearch.domain import Product
from shopsearch.errors import SynonymRejected
from shopsearch.lexical.stored import sketches_of
from shopsearch.ranking.features import WORD_FEATURES, Rarity
from shopsearch.ranking.relaxing import given_up
from shopsearch.ranking.synonyms import SynonymRule, Synonyms
from shopsearch.ranking.word_features import WordTable
from shopsearch.ranking.words import AskedWords


def others(words: str, *rules: str) -> list[str]:
    synonyms = Synonyms(map(SynonymRule.of, rules))
    return [one.term for one in synonyms.of(AskedWords.of(words).words)]


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("Sofa,  couch , SOFA", "couch, sofa"),
        ("iPhone=>smartphone", "iphone => smartphone"),
        ("tee, t-shirt => top", "tee, t-shirt => top"),
    ],
)
def test_a_rule_has_one_spelling(written: str, canonical: str) -> None:
    assert str(SynonymRule.of(written)) == canonical
    assert SynonymRule.of(canonical) == SynonymRule.of(written)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "sofa",
        "sofa,",
        "=> b",
        "a =>",
        "a => b => c",
        "!, ?",
        ",".join("abcdefghijklmnopqrstuvwxyz"),
    ],
)
def test_what_is_no_rule_is_refused_with_the_form_of_one(written: str) -> None:
    with pytest.raises(SynonymRejected, match=r"sofa, couch|several rules"):
        SynonymRule.of(written)


@given(st.text(max_size=40))
def test_any_text_is_a_rule_or_refused(text: str) -> None:
    try:
        rule = SynonymRule.of(text)
    except SynonymRejected:
        return
    assert SynonymRule.of(str(rule)) == rule


def test_two_way_synonyms_work_both_ways_and_one_way_synonyms_one() -> None:
    rules = ("sofa, couch", "iphone => smartphone")
    assert others("red sofas", *rules) == ["couch"]
    assert others("couch", *rules) == ["sofa"]
    assert others("iphone", *rules) == ["smartphone"]
    assert others("smartphone", *rules) == []


def test_phrases_of_several_words_are_found_in_their_order() -> None:
    assert others("red cell phone", "cell phone, mobile") == ["mobile"]
    assert others("phone cell", "cell phone, mobile") == []


def rows(asked: AskedWords, *titles: str) -> list[dict[str, float]]:
    sketches = sketches_of([Product(product_id=title, title=title) for title in titles])
    weights = Rarity(100, dict.fromkeys(asked.wanted, 3)).weights(asked)
    table = WordTable(asked, sketches).features(weights)
    return [dict(zip(WORD_FEATURES[1:], row, strict=True)) for row in table.tolist()]


def test_a_synonym_counts_less_than_the_word_and_more_than_nothing() -> None:
    asked = AskedWords.of("red sofa")
    synonyms = Synonyms([SynonymRule.of("sofa, couch")]).of(asked.words)
    word, synonym, neither = rows(
        replace(asked, alternatives=synonyms), "Red sofa", "Red couch", "Red lamp"
    )
    for name in ("title", "facts", "anywhere", "noun"):
        assert word[name] > synonym[name] > neither[name]


def test_a_corrected_word_counts_less_than_one_that_was_typed() -> None:
    asked = replace(AskedWords.of("velvet curtain"), trust={"curtain": 0.8})
    velvet, curtain = rows(asked, "Velvet lamp", "Wool curtain")
    assert velvet["title"] > curtain["title"] > 0


def test_words_are_given_up_from_the_one_that_says_least() -> None:
    asked = AskedWords.of("red oak zzyzx lamp")
    rarity = Rarity(100, {"red": 60, "oak": 5, "lamp": 20, "zzyzx": 0})

    def dropped(*held: set[str]) -> tuple[str, ...]:
        marks = np.array([[word in words for word in asked.wanted] for words in held])
        return given_up(asked, marks, rarity)

    assert dropped({"red", "oak", "lamp"}) == ("zzyzx",)
    assert dropped({"oak", "lamp"}, {"red", "lamp"}) == ("red", "zzyzx")
    assert dropped(set(), set()) == ()
    assert dropped(set(asked.wanted)) == ()
