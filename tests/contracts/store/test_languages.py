"""The words of products in other languages than English, and the change from one to another."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shopsearch.domain import Product, ProductRecord
from shopsearch.errors import LanguageMismatch
from shopsearch.languages import NAMES, language_of
from shopsearch.store import LexicalIndex
from shopsearch.store.sql import Database, SqlLexicalIndex, SqlProductStore

OpenWords = Callable[..., LexicalIndex]  # a database and a language -> its words


def record(product_id: str, title: str = "", **fields: object) -> ProductRecord:
    product = Product(product_id=product_id, title=title, **fields)  # type: ignore[arg-type]
    return ProductRecord(product, fingerprint=title, image_hash=None)


def holders(
    open_words: OpenWords, database: Database, name: str, titles: Sequence[str], *terms: str
) -> list[str]:
    """The titles that hold one of the terms, in a database in a language."""
    language = language_of(name)
    words = open_words(database, language)
    records = [record(f"p{n}", title) for n, title in enumerate(titles)]
    keys = SqlProductStore(database, language).upsert(records).tolist()
    found = sorted(words.search(terms, 100).keys.tolist())
    assert words.holding([terms]).tolist() == found
    return [titles[keys.index(key)] for key in found]


@pytest.mark.parametrize(
    ("name", "titles", "asked"),
    [
        ("german", ("Rote Schuhe", "Roter Schuh", "Schaf"), ("schuhe", "Schuh", "SCHUHEN")),
        ("german", ("Haus für Vögel", "Kleine Häuser", "Hut"), ("haus", "Häuser", "hauser")),
        ("german", ("Kleid", "Kleider", "Kalender"), ("kleider", "kleid")),
        ("german", ("Größe 40", "Grösse 41", "Gras"), ("größe", "GRÖSSE")),
        ("french", ("Chaussures rouges", "La chaussure rouge", "Chat"), ("chaussure", "rouges")),
        ("french", ("Robe élégante", "Robes elegantes", "Été"), ("elegant", "élégante")),
        ("spanish", ("Zapatos rojos", "Zapato rojo", "Zumo"), ("zapato", "ROJOS")),
        ("dutch", ("Schoenen", "Rode schoen", "Schaal"), ("schoen", "schoenen")),
        ("russian", ("Красный шарф", "Красная шапка", "Ящик"), ("красный", "красные")),
        ("turkish", ("Kitaplar", "Kitap", "Kilim"), ("kitaplar", "kitap")),
        ("none", ("Schuh", "SCHUH", "Schuhe"), ("schuh",)),
        ("none", ("Großer Café", "GROSSER CAFÉ", "Mug"), ("café", "cafe")),
    ],
)
def test_the_endings_of_a_language_do_not_count(
    new_database: Callable[[], Database],
    open_words: OpenWords,
    name: str,
    titles: tuple[str, ...],
    asked: tuple[str, ...],
) -> None:
    for term in asked:
        assert holders(open_words, new_database(), name, titles, term) == list(titles[:2]), term


def test_the_endings_of_another_language_count(
    new_database: Callable[[], Database], open_words: OpenWords
) -> None:
    assert holders(open_words, new_database(), "english", ("Haus", "Häuser"), "haus") == ["Haus"]
    assert holders(open_words, new_database(), "german", ("running", "run"), "run") == ["run"]


@pytest.mark.parametrize("name", ["german", "none", "romanian"])
def test_a_phrase_stands_in_one_place(
    new_database: Callable[[], Database], open_words: OpenWords, name: str
) -> None:
    database, language = new_database(), language_of(name)
    words = open_words(database, language)
    products = [
        record("a", "Mug", brand="Kiln", color="red", description="oak"),
        record("b", "Mug Kiln"),
    ]
    keys = SqlProductStore(database, language).upsert(products).tolist()
    assert words.search(["mug kiln"], 9).keys.tolist() == [keys[1]]
    assert words.holding([["mug kiln"]]).tolist() == [keys[1]]
    assert words.search(["red oak", "kiln red"], 9).keys.tolist() == []
    assert words.frequencies(["mug", "0gap0", "the"]) == {"mug": 2, "0gap0": 0, "the": 0}


def test_words_of_another_language_are_refused_until_they_are_renewed(database: Database) -> None:
    english, german = language_of("english"), language_of("german")
    SqlProductStore(database, english).upsert([record("a", "Häuser")])
    words = SqlLexicalIndex(database, german)
    for ask in (
        words.count,
        lambda: words.search(["haus"], 9),
        lambda: words.frequencies(["a"]),
        lambda: words.holding([["haus"]]),
    ):
        with pytest.raises(LanguageMismatch, match=r"shopsearch reindex.*SHOPSEARCH_LANGUAGE=eng"):
            ask()
    with pytest.raises(LanguageMismatch, match="kept in english"):
        SqlProductStore(database, german).upsert([record("b", "Schuhe")])
    assert SqlProductStore(database).count() == 1
    assert (words.renew(), words.renew()) == (1, 0)
    assert len(words.search(["haus"], 9).keys) == 1
    with pytest.raises(LanguageMismatch, match="kept in german"):
        SqlLexicalIndex(database).count()
    assert SqlLexicalIndex(database).renew() == 1
    assert SqlLexicalIndex(database).search(["haus"], 9).keys.size == 0


def test_all_words_are_renewed_with_everything_that_they_come_from(database: Database) -> None:
    many = [record(f"p{n}", f"Schuhe {n}", attributes={"a": f"Farbe{n}"}) for n in range(1203)]
    keys = SqlProductStore(database).upsert(many).tolist()
    words = SqlLexicalIndex(database, language_of("german"))
    assert words.renew() == len(many)
    assert words.count() == len(many)
    assert words.frequencies(["schuh"]) == {"schuh": len(many)}
    assert words.search(["farbe1202"], 9).keys.tolist() == [keys[-1]]


def test_a_server_notices_that_another_process_has_changed_the_language(
    database: Database,
) -> None:
    seconds = [0.0]
    SqlProductStore(database).upsert([record("a", "Häuser")])
    serving = SqlLexicalIndex(database, clock=lambda: seconds[0])
    assert serving.count() == 1
    SqlLexicalIndex(database, language_of("german")).renew()
    seconds[0] = 2.0
    with pytest.raises(LanguageMismatch, match="kept in german"):
        serving.count()


def test_words_are_renewed_all_or_not_at_all(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    SqlProductStore(database).upsert([record("a", "running"), record("b", "Häuser")])

    def power_cut(*_: object) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr("shopsearch.store.lexical.write_words", power_cut)
    with pytest.raises(RuntimeError, match="power cut"):
        SqlLexicalIndex(database, language_of("german")).renew()
    english = SqlLexicalIndex(database)
    assert (english.count(), english.frequencies(["run"])) == (2, {"run": 1})


@given(name=st.sampled_from(NAMES), title=st.text(max_size=60), term=st.text(max_size=40))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_text_raises_in_any_language(
    database: Database, open_words: OpenWords, name: str, title: str, term: str
) -> None:
    title = title.replace("\0", "")
    language = language_of(name)
    words = open_words(database, language)
    SqlProductStore(database, language).upsert(
        [record("a", title.encode(errors="ignore").decode())]
    )
    words.search([term, title], 9)
    words.holding([[term], [title]])
    assert set(words.frequencies([term]).values()) <= {0, 1}
