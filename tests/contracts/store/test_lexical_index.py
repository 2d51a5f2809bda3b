"""What every `LexicalIndex` and `Lexicon` promises, against lists of words."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shopsearch.domain import Product, ProductRecord
from shopsearch.lexical.word_index import WordIndex
from shopsearch.store import LexicalIndex, ProductStore
from shopsearch.store.sql import Database, SqlLexicalIndex, SqlProductStore
from shopsearch.store.words import columns_of

WORDS = ("red", "blue", "mug", "lamp", "desk", "kiln", "oak", "42")  # they have no endings
texts = st.lists(st.sampled_from(WORDS), max_size=5).map(" ".join)


@pytest.fixture
def store(database: Database) -> ProductStore:
    return SqlProductStore(database)


class InStep(WordIndex):
    """The words in memory, brought in step with a store before each question, as at indexing."""

    def __init__(self, store: ProductStore) -> None:
        super().__init__()
        self._store = store
        self._revision = 0

    def _settle(self) -> None:
        while (changes := self._store.changes_since(self._revision, 100)).revision > self._revision:
            self.delete(changes.removed)
            keys = [stored.key for stored in changes.upserted]
            self.upsert(keys, [stored.product for stored in changes.upserted])
            self._revision = changes.revision
        super()._settle()


def in_database(database: Database) -> LexicalIndex:
    return SqlLexicalIndex(database)


def in_memory(database: Database) -> LexicalIndex:
    return InStep(SqlProductStore(database))


@pytest.fixture(params=[in_database, in_memory])
def open_words(request: pytest.FixtureRequest) -> Callable[[Database], LexicalIndex]:
    return request.param


@pytest.fixture
def words(database: Database, open_words: Callable[[Database], LexicalIndex]) -> LexicalIndex:
    return open_words(database)


def record(product_id: str, title: str = "", **fields: object) -> ProductRecord:
    product = Product(product_id=product_id, title=title, **fields)  # type: ignore[arg-type]
    return ProductRecord(product, fingerprint=title, image_hash=None)


def found(words: LexicalIndex, *terms: str, k: int = 100) -> list[int]:
    return words.search(terms, k).keys.tolist()


def holds(product: Product, term: str) -> bool:
    """The obvious truth: the words of the term stand one after the other in some column."""
    asked = term.split()
    for column in columns_of(product).values():
        there = re.findall(r"\w+", column.lower())
        if any(there[n : n + len(asked)] == asked for n in range(len(there))):
            return bool(asked)
    return False


@given(
    products=st.lists(st.tuples(texts, texts, texts, texts), max_size=8),
    terms=st.lists(texts, max_size=4),
)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_search_finds_exactly_the_products_that_hold_a_term(
    new_database: Callable[[], Database],
    open_words: Callable[[Database], LexicalIndex],
    products: list[tuple[str, str, str, str]],
    terms: list[str],
) -> None:
    database = new_database()
    records = [
        record(f"{n}", title, brand=brand, color=color, description=description)
        for n, (title, brand, color, description) in enumerate(products)
    ]
    keys = SqlProductStore(database).upsert(records).tolist()
    words = open_words(database)
    holding = {
        term: {k for k, one in zip(keys, records, strict=True) if holds(one.product, term)}
        for term in terms
    }
    matches = words.search(terms, 100)
    assert set(matches.keys.tolist()) == set().union(*holding.values())
    assert (matches.scores > 0).all()
    assert matches.scores.tolist() == sorted(matches.scores.tolist(), reverse=True)
    assert words.frequencies(terms) == {term: len(held) for term, held in holding.items()}
    together = [[term] for term in terms if holding[term]]
    held_all = set(keys).intersection(*(holding[term] for (term,) in together))
    assert words.holding(together).tolist() == sorted(held_all)
    if terms:
        assert words.holding([terms]).tolist() == sorted(set().union(*holding.values()))


def test_a_write_replaces_the_words_and_a_removal_takes_them_out(
    store: ProductStore, words: LexicalIndex
) -> None:
    (key,) = store.upsert([record("a", "red mug")]).tolist()
    assert found(words, "mug") == [key]
    store.upsert([record("a", "oak desk")])
    assert (found(words, "mug"), found(words, "desk"), words.count()) == ([], [key], 1)
    store.remove(["a"])
    assert (found(words, "desk"), words.count()) == ([], 0)


def test_words_are_written_with_the_product_or_not_at_all(
    store: ProductStore, words: LexicalIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.upsert([record("a", "red mug")])

    def power_cut(*_: object) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr("shopsearch.store.products.write_words", power_cut)
    with pytest.raises(RuntimeError, match="power cut"):
        store.upsert([record("a", "oak desk"), record("b", "lamp")])
    assert (store.count(), words.count()) == (1, 1)
    assert len(found(words, "mug")) == 1
    assert found(words, "desk", "lamp") == []


def test_a_rarer_word_and_one_in_the_title_weigh_more(
    store: ProductStore, words: LexicalIndex
) -> None:
    keys = store.upsert(
        [
            record("told", "desk", description="made of oak"),
            record("named", "oak lamp"),
            *(record(f"m{n}", "red mug") for n in range(9)),
        ]
    ).tolist()
    assert found(words, "mug", "oak")[0] == keys[1]
    assert found(words, "oak") == [keys[1], keys[0]]


def test_equal_products_come_by_key_and_no_more_than_k(
    store: ProductStore, words: LexicalIndex
) -> None:
    keys = store.upsert([record(f"p{n}", "red mug") for n in range(30)]).tolist()
    assert found(words, "mug", k=7) == sorted(keys)[:7]
    assert found(words, "mug", k=0) == []


def test_a_search_among_some_keys_loses_none_of_them(
    store: ProductStore, words: LexicalIndex
) -> None:
    better = [record(f"p{n}", "mug mug mug") for n in range(60)]
    weak = [record(f"w{n}", description="a story with one mug in it") for n in range(5)]
    keys = store.upsert([*better, *weak, record("none", "lamp")])
    among = keys[60:]
    assert words.search(["mug"], 10, among).keys.tolist() == sorted(among[:5].tolist())
    assert words.search(["mug"], 10, np.array([], dtype=np.int64)).keys.size == 0
    assert words.search(["mug"], 10, np.array([10**12], dtype=np.int64)).keys.size == 0


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("Größe Café", "grosse cafe"),
        ("GARDEN CHAIRS", "chair"),
        ("women's slippers", "slipper"),
        ("Sony WH-1000XM4", "wh1000xm4"),
        ("Sony WH-1000XM4", "WH-1000XM4"),
        ("1/2 inch binder", "1/2"),
    ],
)
def test_case_accents_endings_and_hyphens_do_not_count(
    store: ProductStore, words: LexicalIndex, written: str, asked: str
) -> None:
    (key, _) = store.upsert([record("a", written), record("b", "something else")]).tolist()
    assert found(words, *asked.replace("ss", "ß").split()) == [key]


def test_a_product_is_found_by_its_numbers_but_not_by_an_id_that_is_a_word(
    store: ProductStore, words: LexicalIndex
) -> None:
    keys = store.upsert(
        [record("sku-4711", "mug", gtin="0123456789012"), record("lamp", "mug")]
    ).tolist()
    assert found(words, "sku-4711") == found(words, "0123456789012") == [keys[0]]
    assert found(words, "lamp") == []


def test_what_a_description_is_marked_up_with_is_no_word(
    store: ProductStore, words: LexicalIndex
) -> None:
    (key,) = store.upsert([record("a", description='<p class="lamp">oak &amp; desk</p>')]).tolist()
    assert found(words, "oak") == [key]
    assert found(words, "lamp", "amp", "class") == []


HOSTILE = (
    '"',
    '""" OR "',
    "NEAR(mug lamp, 2)",
    "mug*",
    "-mug",
    "title:mug",
    "{title brand}: mug",
    "^mug",
    "mug AND",
    "((((",
    "'; DROP TABLE products; --",
    "mug\x00lamp",
    "\ud800",
    "😀",
    "%_\\",
    "the of and",
    "",
    " ",
    "\u202e",
    ":t0 :k",
)


@pytest.mark.parametrize("term", HOSTILE)
def test_nothing_in_a_term_is_syntax_and_nothing_raises(
    store: ProductStore, words: LexicalIndex, term: str
) -> None:
    (key,) = store.upsert([record("a", "red desk")]).tolist()
    assert found(words, term) == []
    assert found(words, term, "desk") == [key]
    assert words.frequencies([term]) == {term: 0}


def test_very_long_and_very_many_terms_are_no_trouble(
    store: ProductStore, words: LexicalIndex
) -> None:
    (key,) = store.upsert([record("a", "red desk")]).tolist()
    assert found(words, "desk", "x" * 100_000, "y " * 50_000) == [key]
    assert found(words, "desk", *(f"word{n}" for n in range(50_000))) == [key]
