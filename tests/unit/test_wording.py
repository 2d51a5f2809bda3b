"""What the words of a query are taken for, over real SQLite."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopsearch.bootstrap import Services
from shopsearch.domain import Product, Query
from shopsearch.ranking.spelling import spelled_words
from shopsearch.settings import Settings

from .conftest import listed

TITLES = (
    "Velvet curtain for the living room",
    "Linen curtain, eyelet",
    "Captain chair of oak",
    "Wireless keyboard KX-4711B",
    "Striped t-shirt for women",
    "Grey couch for three",
    "Smartphone 64 GB",
    "Café table, 30 inch",
    "Hair dryer with two speeds",
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    home = tmp_path_factory.mktemp("worded")
    services = Services.open(Settings(home=home, encoder="hashing", index="exact"))
    products = [
        Product(product_id=f"p{n}", title=title, description="A thing with a quokka on it.")
        for n, title in enumerate(TITLES)
    ]
    services.indexer.run(listed(*products), feed_name="test")
    yield services
    services.close()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("velvt curtain", "velvet curtain"),
        ("Velvet CURTIAN!", "Velvet curtain!"),
        ("wirelss keyybord", "wireless keyboard"),
        ("cafe tabble", "cafe table"),
        ("captian-chair", "captain-chair"),
    ],
)
def test_a_word_that_the_catalog_lacks_is_corrected(shop: Services, typed: str, meant: str) -> None:
    wording = shop.wording.read(typed)
    assert wording.text == wording.did_you_mean == meant


@pytest.mark.parametrize(
    "typed",
    ["velvet curtains", "quokka", "KX-4712B", "kx4712", "64gbb", "mgu", "zzyzxqq", "", "tshirt"],
)
def test_what_is_known_or_a_code_or_like_nothing_stays(shop: Services, typed: str) -> None:
    wording = shop.wording.read(typed)
    assert (wording.text, wording.did_you_mean) == (typed, None)


def test_words_as_typed_are_not_corrected(shop: Services) -> None:
    assert shop.wording.read("velvt curtian", as_typed=True).did_you_mean is None


def test_the_word_that_stands_beside_the_others_is_preferred(shop: Services) -> None:
    assert shop.wording.read("velvet cuptain").text == "velvet curtain"
    assert shop.wording.read("cuptain chair").text == "captain chair"


def test_a_correction_counts_less_than_a_word_of_the_catalog(shop: Services) -> None:
    assert shop.wording.read("velvet curtian").words.trust == {"curtain": 0.8}


@pytest.mark.parametrize("typed", ["tshirt", "t shirt", "t-shirt", "T-Shirts", "hairdryer"])
def test_compounds_are_found_joined_and_split(shop: Services, typed: str) -> None:
    first = shop.search.search(Query(text=typed, k=1)).hits[0].product.title
    assert first == ("Hair dryer with two speeds" if "hair" in typed else TITLES[4])


@given(text=st.text(max_size=80))
@settings(max_examples=60, deadline=None)
def test_any_text_is_read_and_a_second_reading_changes_nothing(shop: Services, text: str) -> None:
    once = shop.wording.read(text)
    again = shop.wording.read(once.text)
    assert (again.text, again.did_you_mean) == (once.text, None)


WORDS = sorted({word for title in TITLES for word in spelled_words(title)})
slips = st.tuples(st.sampled_from(WORDS), st.integers(0, 20), st.sampled_from("aeiz"))


@given(words=st.lists(st.sampled_from(WORDS), max_size=6))
@settings(max_examples=40, deadline=None)
def test_a_word_of_the_catalog_is_never_corrected(shop: Services, words: list[str]) -> None:
    assert shop.wording.read(" ".join(words)).did_you_mean is None


@given(slips=st.lists(slips, max_size=4))
@settings(max_examples=40, deadline=None)
def test_corrected_words_are_words_of_the_catalog_and_stay(
    shop: Services, slips: list[tuple[str, int, str]]
) -> None:
    typed = " ".join(word[: n % len(word)] + a + word[n % len(word) :] for word, n, a in slips)
    once = shop.wording.read(typed)
    assert shop.wording.read(once.text).did_you_mean is None
    changed = set(once.text.split()) - set(typed.split())
    assert all(shop.lexical.frequencies([word])[word] for word in changed)


@given(text=st.text(max_size=60))
@settings(max_examples=40, deadline=None)
def test_no_text_breaks_a_search_or_a_suggestion(shop: Services, text: str) -> None:
    assert len(shop.search.search(Query(text=text, k=3)).hits) == 3
    assert len(shop.suggestions.suggest(text, size=3).products) <= 3


def test_new_products_bring_their_words_and_removed_ones_take_them(shop: Services) -> None:
    assert shop.wording.read("trampolin").did_you_mean is None
    shop.indexer.run(listed(Product(product_id="new", title="Trampoline")), feed_name="test")
    assert shop.wording.read("trampoliine").text == "trampoline"
    shop.indexer.remove(["new"])
    assert shop.wording.read("trampoliine").did_you_mean is None


def test_a_page_says_what_was_meant_and_what_no_product_has_together(shop: Services) -> None:
    page = shop.search.search(Query(text="velvt curtain"))
    assert (page.did_you_mean, page.relaxed) == ("velvet curtain", ())
    assert page.hits[0].product.title == TITLES[0]
    relaxed = shop.search.search(Query(text="grey keyboard wireless"))
    assert relaxed.relaxed == ("grey",)
    listed_all = shop.search.search(Query())
    assert (listed_all.did_you_mean, listed_all.relaxed) == (None, ())


def test_synonyms_are_known_from_the_next_search_on(shop: Services) -> None:
    shop.synonyms.add("couch, sofa")
    page = shop.search.search(Query(text="grey sofa"))
    assert (page.hits[0].product.title, page.relaxed) == (TITLES[5], ())
    shop.synonyms.add("iphone => smartphone")
    assert shop.search.search(Query(text="iphone")).hits[0].product.title == TITLES[6]
    assert [a.term for a in shop.wording.read("iphone").words.alternatives] == ["smartphone"]
    shop.synonyms.remove("iphone => smartphone")
    assert shop.wording.read("iphone").words.alternatives == ()
