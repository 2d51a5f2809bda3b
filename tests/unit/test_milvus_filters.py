"""Filters as expressions of Milvus: nothing of what people type becomes part of one."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopsearch.domain import Among, AnyOf, Between, Exists, ProductFilter, Withheld
from shopsearch.index.milvus_filters import (
    MAX_ROWS,
    MAX_TAGS,
    MAX_WORDS,
    Expressions,
    Known,
    numbers_of,
    tag,
    tags_of,
)

HOSTILE = [
    '" or 1==1',
    "' or 1==1 --",
    '\\" or row >= 0 or "',
    "red\\",
    "]) or array_contains(tags, 1",
    "row\nin [1]",
    "\u202e\u0000\ufffd",
    "straße 🫖",
    "{x}",
    "numbers[",
    "\ud800",
    "",
]
# what an expression may consist of: these words, digits, and the signs between them
ALLOWED = re.compile(
    r"(?:row|tags|numbers|array_contains_any|array_contains|and|or|not|in|>=|<=|<|>|"
    r'\["n[0-9a-f]{16}"\]|-?[0-9]+(?:\.[0-9]+)?(?![A-Za-z_])|[\[\](), ])*'
)

TEXTS = st.sampled_from(HOSTILE) | st.text()
BOUNDS = st.none() | st.floats()
CONDITIONS = st.one_of(
    st.builds(AnyOf, TEXTS, st.lists(TEXTS, max_size=4).map(tuple), st.booleans()),
    st.builds(Between, TEXTS, BOUNDS, BOUNDS),
    st.builds(Exists, TEXTS, st.booleans()),
    st.builds(Among, st.lists(st.integers(0, 50), unique=True).map(sorted).map(np.array)),
)
PLAIN = st.lists(CONDITIONS, max_size=3).map(tuple).map(ProductFilter)
WITHHELD = st.builds(
    Withheld,
    st.lists(st.integers(0, 50)).map(tuple),
    st.lists(PLAIN, max_size=2).map(tuple),
)
FILTERS = st.lists(CONDITIONS | WITHHELD, max_size=4).map(tuple).map(ProductFilter)


def written(where: ProductFilter, words_between: list[str] | None = None) -> str:
    known = Known(
        rows_of=lambda keys: np.sort(np.asarray(keys, dtype=np.int64)) + 1_795_000_000_000_000,
        words_between=lambda _field, _low, _high: words_between or [],
    )
    return Expressions(known).of(where)


@given(where=FILTERS, words=st.lists(TEXTS, max_size=3))
def test_an_expression_holds_words_of_its_own_and_digits_alone(
    where: ProductFilter, words: list[str]
) -> None:
    expression = written(where, words)
    assert ALLOWED.fullmatch(expression), expression
    assert expression.count("(") == expression.count(")")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_and_fields_are_asked_for_by_their_tags(text: str) -> None:
    expression = written(ProductFilter((AnyOf(text, (text,)),)))
    assert f"array_contains(tags, {tag('word', text, text.casefold())})" in expression
    row = {text: (text,)}
    assert tag("word", text, text.casefold()) in tags_of(row)
    assert numbers_of({text: 3.0}).keys() <= {f"n{tag('name', text):016x}"}


def test_no_two_pairs_of_field_and_word_share_a_tag_by_their_spelling() -> None:
    pairs = [("a", "bc"), ("ab", "c"), ("a\0b", "c"), ("a", "b\0c"), ("a\0", "\0b"), ("a", "\0\0b")]
    assert len({tag("word", field, word) for field, word in pairs}) == len(pairs)


def test_a_number_is_asked_for_by_any_word_that_spells_it() -> None:
    (tags_of_row,) = [set(tags_of({"size": 42.0}))]
    for word in ("42", "42.0", "+42", "042"):
        asked = written(ProductFilter((AnyOf("size", (word,)),)))
        assert any(f" {one}" in asked or f"[{one}" in asked for one in tags_of_row)
    assert not set(tags_of({"size": ("42",)})) & {tag("equal", "size", "42.0")}


@pytest.mark.parametrize("bound", [math.inf, -math.inf, math.nan, 1e-9, 1e300, 5e-324])
def test_a_bound_that_cannot_be_written_plainly_is_left_to_the_process(bound: float) -> None:
    assert written(ProductFilter((Between("price", bound, None),))) == ""
    assert written(
        ProductFilter((Withheld((), (ProductFilter((Between("price", bound),)),)),))
    ) != ("row < 0")


def test_what_is_too_much_to_say_is_left_out_not_cut_short() -> None:
    words = tuple(map(str, range(MAX_WORDS + 1)))
    assert written(ProductFilter((AnyOf("size", words),))) == ""
    assert written(ProductFilter((AnyOf("size", words, negate=True),))) == ""
    assert written(ProductFilter((Among(np.arange(MAX_ROWS + 1)),))) == ""
    both = written(ProductFilter((AnyOf("size", words), Exists("size"))))
    assert both == written(ProductFilter((Exists("size"),)))


def test_a_product_with_more_than_its_tags_can_tell_is_never_filtered_out_by_the_server() -> None:
    full = {"tags": tuple(map(str, range(MAX_TAGS + 5)))}
    assert len(tags_of(full)) == MAX_TAGS
    overfull = tag("", "", "overfull")
    assert overfull in tags_of(full)
    assert overfull in tags_of({"weight": math.inf})
    assert overfull not in tags_of({"weight": 3.0, "size": ("m",)})
    expression = written(ProductFilter((AnyOf("tags", ("1",)),)))
    assert expression.endswith(f"or array_contains(tags, {overfull}))")


def test_numbers_that_are_none_are_nobodys() -> None:
    assert tags_of({"price": math.nan}) == []
    assert numbers_of({"price": math.nan, "size": ("42",)}) == {}
