"""Misspelt words of turns."""

from __future__ import annotations

from shopsearch.refining.spelling import with_typos_corrected


def read(text: str, held: frozenset[str] = frozenset()) -> str:
    return with_typos_corrected(
        text, held.__contains__, lambda word: {"bleu": "blue"}.get(word, word)
    )


def test_words_of_the_grammar_are_put_right_before_those_of_the_catalog() -> None:
    assert read("cheeper and withuot bleu") == "cheaper and without blue"


def test_what_the_grammar_or_a_product_knows_stays() -> None:
    assert read("at least, warmer, the third one") == "at least, warmer, the third one"
    assert read("bleu", frozenset(["bleu"])) == "bleu"
