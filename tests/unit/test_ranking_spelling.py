"""Which words of a vocabulary a typed word may be a misspelling of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsearch.ranking.spelling import Vocabulary, most_typos, spelled_words, splits

letters = st.text(alphabet="abcdef", min_size=1, max_size=12)


def vocabulary(*words: str) -> Vocabulary:
    made = Vocabulary()
    made.add(words)
    return made


def typos(one: str, other: str) -> int:
    """Optimal string alignment, by its textbook recurrence."""
    table = {(i, 0): i for i in range(len(one) + 1)} | {(0, j): j for j in range(len(other) + 1)}
    for i in range(1, len(one) + 1):
        for j in range(1, len(other) + 1):
            changed = table[i - 1, j - 1] + (one[i - 1] != other[j - 1])
            table[i, j] = min(table[i - 1, j] + 1, table[i, j - 1] + 1, changed)
            if i > 1 and j > 1 and one[i - 2 : i] == other[j - 2 : j][::-1]:
                table[i, j] = min(table[i, j], table[i - 2, j - 2] + 1)
    return table[len(one), len(other)]


@pytest.mark.parametrize(
    ("word", "n"),
    [("mug", 0), ("lamp", 1), ("curtain", 1), ("keyboard", 2), ("wh1000xm4", 0), ("x" * 41, 0)],
)
def test_longer_words_are_forgiven_more_and_numbers_nothing(word: str, n: int) -> None:
    assert most_typos(word) == n


@pytest.mark.parametrize("typed", ["curtan", "curtaiin", "curtein", "cutrain", "kurtain"])
def test_one_typo_of_any_kind_is_found(typed: str) -> None:
    assert [one.word for one in vocabulary("curtain", "captain", "lamp").near(typed)] == ["curtain"]


def test_a_wrong_first_letter_costs_more_and_short_words_do_not_forgive_it() -> None:
    near = vocabulary("table", "cable").near("tible")
    assert [one.word for one in near] == ["table"]
    both = vocabulary("tabla", "cable").near("table")
    assert [(one.word, one.cost) for one in both] == [("tabla", 1.0), ("cable", 1.5)]
    assert vocabulary("pool").near("cool") == []


def test_of_words_as_near_the_more_frequent_comes_first() -> None:
    assert vocabulary("later", "laser", "laser").near("laxer")[0].word == "laser"


@given(words=st.lists(letters, max_size=30), typed=letters)
def test_near_words_are_exactly_those_within_the_typos(words: list[str], typed: str) -> None:
    found = {one.word for one in vocabulary(*words).near(typed, n=1000)}
    allowed = most_typos(typed)
    truth = {
        word
        for word in words
        if len(word) > 1
        and allowed
        and typos(typed, word) <= allowed
        and (word[0] == typed[0] or len(typed) > 4)
    }
    assert found == truth


@given(words=st.lists(letters, max_size=30), prefix=letters)
def test_the_words_with_a_prefix_are_all_found(words: list[str], prefix: str) -> None:
    found = vocabulary(*words).starting(prefix, n=1000)
    assert set(found) == {word for word in words if word.startswith(prefix) and len(word) > 1}


def test_a_misspelt_beginning_still_leads_to_the_word() -> None:
    assert vocabulary("keyboard", "lamp").starting_nearly("kyeb") == ["keyboard"]


def test_the_vocabulary_is_bounded() -> None:
    small = Vocabulary(max_words=3)
    small.add(["aa", "bb", "cc", "dd"])
    small.add(["ee", "aa"])
    assert (len(small), small.count("aa"), "ee" in small) == (3, 2, False)


@given(st.text(max_size=60))
def test_any_text_has_spelled_words_of_letters_alone(text: str) -> None:
    assert all(word.isalpha() for word in spelled_words(text))


def test_a_compound_is_split_in_every_sensible_place() -> None:
    assert list(splits("tshirts")) == ["t shirts", "tsh irts", "tshi rts"]
    assert list(splits("lamp")) == list(splits("a1b2c3")) == []
