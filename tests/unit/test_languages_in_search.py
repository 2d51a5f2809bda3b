"""Searches in a shop whose language is not English, and the change to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shopsearch.bootstrap import Services
from shopsearch.domain import Product, Query, SearchPage
from shopsearch.errors import GenerationMismatch, LanguageMismatch
from shopsearch.languages import language_of
from shopsearch.lexical.word_index import LANGUAGE_FILE, WordIndex
from shopsearch.settings import Settings

from .conftest import listed

SHOP = (
    Product(product_id="laces", title="Rote Schuhe mit Schnürsenkel"),
    Product(product_id="plain", title="Rote Schuhe", brand="Häuser", color="rot"),
    Product(product_id="blue", title="Blauer Schuh", brand="Nord", color="blau"),
    Product(product_id="house", title="Kleine Häuser aus Holz", brand="Nord"),
    Product(product_id="lamp", title="Lampe", description="Sie leuchtet in kleinen Häusern"),
)


def opened(home: Path, language: str, words: str = "memory") -> Services:
    settings = {"home": home, "encoder": "hashing", "language": language, "words": words}
    return Services.open(Settings.model_validate(settings))


def ids(page: SearchPage) -> list[str]:
    return [hit.product.product_id for hit in page.hits]


def words_file(services: Services) -> Path:
    generation = services.live.get().manifest.generation_id
    return services.generations.folder(generation) / LANGUAGE_FILE


@pytest.fixture(scope="module", params=["memory", "database"])
def german(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Services]:
    with opened(tmp_path_factory.mktemp("german"), "german", request.param) as services:
        services.indexer.run(listed(*SHOP), feed_name="test")
        yield services


def test_what_follows_without_comes_last(german: Services) -> None:
    page = german.search.search(Query(text="Schuhe ohne Schnürsenkel, rot", explain=True))
    assert ids(page)[-1] == "laces"
    assert page.hits[-1].why is not None
    assert page.hits[-1].why.score.unwanted < 0


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ('"kleines Haus"', {"house", "lamp"}),
        ('Lampe "kleiner häuser"', {"house", "lamp"}),
        ('"rote schuhe"', {"laces", "plain"}),
        ("häuser", {"plain"}),
        ("NORD", {"blue", "house"}),
    ],
)
def test_phrases_and_brands_go_by_stems(german: Services, text: str, first: set[str]) -> None:
    page = german.search.search(Query(text=text, cutoff=True))
    assert set(ids(page)[: len(first)]) == first
    assert page.total == len(page.hits)


def test_values_are_understood_in_any_form(german: Services) -> None:
    page = german.search.search(Query(text="roter Schuh"))
    assert [(part.text, part.wish.field) for part in page.understood] == [("roter", "color")]


def test_every_product_that_has_the_words_is_relevant(german: Services) -> None:
    page = german.search.search(Query(text="schuhen", cutoff=True))
    assert {"laces", "plain", "blue"} <= set(ids(page))


def test_an_index_in_another_language_is_written_anew_by_the_next_feed(tmp_path: Path) -> None:
    with opened(tmp_path, "english") as services:
        services.indexer.run(listed(*SHOP), feed_name="test")
        folder = words_file(services).parent
        assert words_file(services).read_text() == '{"language": "english"}\n'
    with opened(tmp_path, "german") as services:
        with pytest.raises(GenerationMismatch, match=r"kept in english.*shopsearch reindex"):
            WordIndex.load(folder, language_of("german"))
        with pytest.raises(LanguageMismatch, match="shopsearch reindex"):
            services.search.search(Query(text="haus"))
        report = services.indexer.run(listed(*SHOP), feed_name="test")
        assert (report.unchanged, report.texts_encoded) == (len(SHOP), 0)
        live = services.live.get()
        assert live.words is not None
        assert len(live.words) == len(SHOP)
        assert len(live.words.holding([["Häusern"]])) == 3
        before = live.manifest.generation_id
        services.indexer.run(listed(*SHOP), feed_name="test")
        assert services.live.get().manifest.generation_id == before


def test_an_index_whose_words_were_not_written_anew_asks_the_database(tmp_path: Path) -> None:
    """As after a run that was killed between the two."""
    with opened(tmp_path, "english") as services:
        services.indexer.run(listed(*SHOP), feed_name="test")
    with opened(tmp_path, "german") as services:
        services.lexical.renew()
        assert services.live.get().words is None
        page = services.search.search(Query(text="haus", explain=True))
        assert [bool(hit.why and hit.why.matched) for hit in page.hits].count(True) == 3
        services.indexer.remove(["lamp"])
        words = services.live.get().words
        assert words is not None
        assert len(words.holding([["haus"]])) == 2


def test_words_that_name_no_language_are_english(tmp_path: Path) -> None:
    words = WordIndex()
    words.upsert([1], [SHOP[0]])
    words.save(tmp_path)
    (tmp_path / LANGUAGE_FILE).unlink()
    assert len(WordIndex.load(tmp_path) or ()) == 1
    with pytest.raises(GenerationMismatch, match="SHOPSEARCH_LANGUAGE=english"):
        WordIndex.load(tmp_path, language_of("none"))
