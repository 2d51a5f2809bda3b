"""Quoted phrases and exact brands come first, over real SQLite and real FAISS."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopsearch.bootstrap import Services
from shopsearch.domain import AnyOf, Product, ProductFilter, Query, SearchPage
from shopsearch.second_stage import NAMED, WINDOW
from shopsearch.settings import Settings

from .conftest import listed

N_OF_BRAND = WINDOW + 50


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Many products with both words, few with the phrase; a brand larger than the window."""
    home = tmp_path_factory.mktemp("quoted")
    services = Services.open(Settings(home=home, encoder="hashing", index="exact"))
    shoes = [
        Product(product_id=f"s{n}", title=f"Running shoes {n}, trail shoes, running trail shoes")
        for n in range(2 * WINDOW)
    ]
    told = "Made of rubber. " * 40
    phrases = [
        Product(product_id="story", title="Sandal", description=f"{told} For trail running."),
        Product(product_id="gore", title="Boot for trail running", material="gore tex"),
        Product(product_id="fact", title="Sock", attributes={"use": "trail running"}),
    ]
    branded = [
        Product(product_id=f"b{n}", title=f"Drill number {n} with a case", brand="Black & Decker")
        for n in range(N_OF_BRAND)
    ]
    about = [
        Product(product_id=f"for{n}", title="Black decker: black & decker", brand="Other")
        for n in range(5)
    ]
    services.indexer.run(listed(*shoes, *phrases, *branded, *about), feed_name="test")
    yield services
    services.close()


def ids(page: SearchPage) -> list[str]:
    return [hit.product.product_id for hit in page.hits]


def check_scores(page: SearchPage) -> None:
    scores = [hit.score for hit in page.hits]
    assert scores == sorted(scores, reverse=True)
    assert all(-1.0 <= score <= 1.0 for score in scores)


@pytest.mark.parametrize(
    "text",
    [
        '"trail running" shoes',
        "\u201cTrail Running\u201d shoes",
        '"trail runnings"',
        'x "trail running',
    ],
)
def test_products_with_the_phrase_come_before_all_others(shop: Services, text: str) -> None:
    page = shop.search.search(Query(text=text, k=1000))
    assert (set(ids(page)[:3]) == {"story", "gore", "fact"}) == (text.count('"') != 1)
    check_scores(page)


def test_a_product_with_every_phrase_comes_before_one_with_some(shop: Services) -> None:
    page = shop.search.search(Query(text='"gore tex" boots "trail running"', k=500, explain=True))
    assert ids(page)[0] == "gore"
    assert page.relaxed == ()
    first, second = page.hits[:2]
    assert first.why is not None
    assert second.why is not None
    assert (first.why.score.exact > 0, second.why.score.exact) == (True, 0)
    assert first.why.score.total == pytest.approx(first.score, abs=1e-5)
    check_scores(page)


def test_a_phrase_that_no_product_has_is_told_and_its_words_still_count(shop: Services) -> None:
    page = shop.search.search(Query(text='"rubber quokka" "trail running"'))
    assert page.relaxed[0] == '"rubber quokka"'
    assert set(ids(page)[:3]) == {"story", "gore", "fact"}
    alone = shop.search.search(Query(text='"tex gore" boot'))
    assert alone.relaxed == ('"tex gore"',)
    assert ids(alone)[0] == "gore"


def test_phrases_keep_to_the_filter(shop: Services) -> None:
    other = ProductFilter((AnyOf("brand", ("other",)),))
    page = shop.search.search(Query(text='"trail running"', where=other))
    assert (len(page.hits), page.relaxed[0]) == (5, '"trail running"')


def test_what_stands_in_quotes_is_neither_corrected_nor_given_synonyms(shop: Services) -> None:
    corrected = shop.wording.read('trial "ruunning"  shooes')
    assert (corrected.did_you_mean, corrected.text) == (
        'trail "ruunning" shoes',
        "trail ruunning shoes",
    )
    shop.synonyms.add("sock, stocking")
    try:
        assert shop.wording.read("trail sock").words.alternatives
        assert shop.wording.read('trail "sock"').words.alternatives == ()
        assert shop.wording.read('"trail" sock').words.alternatives
    finally:
        shop.synonyms.remove("sock, stocking")


@pytest.mark.parametrize(
    ("text", "phrases", "wanted", "negated"),
    [
        ('"trail shoes" without case', ["trail shoes"], "trail shoes", ("case",)),
        ('"trail shoes" without "red case"', ["trail shoes"], "trail shoes", ("red case",)),
        ('"trail shoes" -"red case"', ["trail shoes"], "trail shoes", ("red case",)),
        ('-"red case" shoes', [], "shoes", ("red case",)),
        ('shoes not "red"', [], "shoes", ("red",)),
        ('"shoes without case" x', ["shoes without case"], "shoes without case x", ()),
    ],
)
def test_quotes_and_what_is_not_wanted_go_together(
    shop: Services, text: str, phrases: list[str], wanted: str, negated: tuple[str, ...]
) -> None:
    words = shop.wording.read(text, as_typed=True).words
    assert [str(one) for one in words.phrases] == phrases
    assert (words.text, words.negated) == (wanted, negated)


def test_products_with_all_phrases_are_relevant_and_the_others_come_after(shop: Services) -> None:
    page = shop.search.search(Query(text='"trail running" zzyx', k=1000, cutoff=True))
    assert set(ids(page)[:3]) == {"story", "gore", "fact"}
    assert page.total == len(page.hits)


@pytest.mark.parametrize("text", ["black & decker", "BLACK & DECKER", "Black  & Decker"])
def test_the_products_of_a_brand_come_before_all_others(shop: Services, text: str) -> None:
    assert N_OF_BRAND < NAMED
    page = shop.search.search(Query(text=text, k=1000, explain=True))
    assert {hit.product.brand for hit in page.hits[:N_OF_BRAND]} == {"Black & Decker"}
    assert page.hits[0].why is not None
    assert page.hits[0].why.score.total == pytest.approx(page.hits[0].score, abs=1e-5)
    check_scores(page)


def test_a_brand_among_other_words_is_no_exact_brand(shop: Services) -> None:
    page = shop.search.search(Query(text="black decker other", k=5, explain=True))
    assert all(hit.why and hit.why.score.exact == 0 for hit in page.hits)


@given(
    st.text(alphabet=st.sampled_from("\"\u201c\u201d\u201e\u00ab\u00bb' trailunge5-"), max_size=40)
)
@settings(max_examples=40, deadline=None)
def test_odd_quotes_never_break_a_search(shop: Services, text: str) -> None:
    page = shop.search.search(Query(text=text, k=5))
    assert len(page.hits) == 5
    check_scores(page)


@given(st.text(max_size=60).map(lambda text: f'"{text}" shoes'))
@settings(max_examples=40, deadline=None)
def test_anything_may_stand_in_quotes(shop: Services, text: str) -> None:
    assert len(shop.search.search(Query(text=text, k=5)).hits) == 5
