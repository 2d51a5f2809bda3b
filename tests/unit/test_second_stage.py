"""Words and vectors together, over real SQLite and real FAISS."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from shopsearch.bootstrap import Services
from shopsearch.domain import AnyOf, Price, Product, ProductFilter, Query, SearchPage, Sketches
from shopsearch.lexical.stored import sketches_of
from shopsearch.ranking.features import FEATURES, SIMILARITIES
from shopsearch.ranking.word_features import WordTable
from shopsearch.second_stage import WINDOW
from shopsearch.settings import Settings

from .conftest import listed


def ids(page: SearchPage) -> list[str]:
    return [hit.product.product_id for hit in page.hits]


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """More products than the window holds: many mugs, and a few that only words tell apart."""
    home = tmp_path_factory.mktemp("crowd")
    services = Services.open(Settings(home=home, encoder="hashing", index="exact"))
    mugs = [
        Product(
            product_id=f"p{n}",
            title=f"Mug number {n}",
            brand="Kiln" if n % 3 else "Fern",
            description="A mug for tea, coffee and everything else that is hot " * 3,
        )
        for n in range(3 * WINDOW)
    ]
    told_late = Product(
        product_id="late", title="Mug", description=f"{'Glazed by hand. ' * 60} With a quokka."
    )
    code = Product(product_id="code", title="Kettle Kiln KX-4711B with a lid and a long spout")
    services.indexer.run(listed(*mugs, told_late, code), feed_name="test")
    yield services
    services.close()


def test_a_whole_title_comes_first(crowd: Services) -> None:
    assert ids(crowd.search.search(Query(text="mug NUMBER 137")))[0] == "p137"


@pytest.mark.parametrize("text", ["KX-4711B", "kx4711b", "kiln KX-4711B"])
def test_a_model_number_comes_first_however_it_is_written(crowd: Services, text: str) -> None:
    page = crowd.search.search(Query(text=text))
    assert ids(page)[0] == "code"
    assert page.hits[0].score > page.hits[1].score


def test_words_bring_what_the_vectors_miss(crowd: Services) -> None:
    assert "late" in ids(crowd.search.search(Query(text="quokka", k=3)))


def test_all_pages_are_one_order_in_which_no_product_comes_twice(crowd: Services) -> None:
    whole = crowd.search.search(Query(text="fern mug", k=1000))
    assert (len(set(ids(whole))), whole.total) == (3 * WINDOW + 2, 3 * WINDOW + 2)
    pages = [
        crowd.search.search(Query(text="fern mug", k=70, offset=offset))
        for offset in range(0, 3 * WINDOW + 70, 70)
    ]
    assert [one for page in pages for one in ids(page)] == ids(whole)
    scores = [hit.score for hit in whole.hits]
    assert scores == sorted(scores, reverse=True)
    assert -1.0 <= min(scores) <= max(scores) <= 1.0
    assert [hit.score for page in pages for hit in page.hits] == scores


def test_words_keep_to_the_filter_and_lose_nothing(crowd: Services) -> None:
    fern = ProductFilter((AnyOf("brand", ("fern",)),))
    page = crowd.search.search(Query(text="kiln mug KX-4711B quokka", where=fern, k=1000))
    assert len(set(ids(page))) == page.total == WINDOW
    assert {hit.product.brand for hit in page.hits} == {"Fern"}


def test_a_word_that_occurs_nowhere_leaves_the_order_of_the_vectors(
    crowd: Services, tmp_path: Path
) -> None:
    weightless = tmp_path / "none.json"
    weightless.write_text('{"format": 1, "weights": {}}', encoding="utf-8")
    by_vector = Services(crowd.settings.model_copy(update={"ranker": weightless}))
    asked = Query(text="zzyzx", k=50)
    assert ids(crowd.search.search(asked)) == ids(by_vector.search.search(asked))
    by_vector.close()


@pytest.mark.parametrize(
    "text", ['"', "NEAR(mug", "mug*", "a OR", "😀", "the of", "-" * 900, "word " * 20_000]
)
def test_nothing_that_is_typed_is_read_as_syntax(crowd: Services, text: str) -> None:
    assert len(crowd.search.search(Query(text=text, k=5)).hits) == 5


def test_words_that_do_not_count_beside_a_picture_change_nothing(
    services: Services, mugs: tuple[Product, ...], draw: Callable[..., str]
) -> None:
    services.indexer.run(listed(*mugs), feed_name="test")
    picture = Path(draw("query", "darkred")).read_bytes()
    alone = services.search.search(Query(image=picture))
    beside = services.search.search(Query(image=picture, text="grey sofa", text_weight=0.0))
    assert [(hit.product.product_id, hit.score) for hit in alone.hits] == [
        (hit.product.product_id, hit.score) for hit in beside.hits
    ]


def test_a_product_beside_words_is_still_not_among_its_own_hits(crowd: Services) -> None:
    page = crowd.search.search(Query(product_id="code", text="kettle KX-4711B", k=1000))
    assert "code" not in ids(page)
    assert len(set(ids(page))) == page.total == 3 * WINDOW + 1


def test_what_the_store_no_longer_holds_is_no_hit(
    services: Services, mugs: tuple[Product, ...]
) -> None:
    services.indexer.run(listed(*mugs), feed_name="test")
    services.store.remove(["lamp"])
    assert "lamp" not in ids(services.search.search(Query(text="yellow desk lamp")))


def weighing(services: Services, path: Path, **weights: float) -> Services:
    """The same shop with these weights alone."""
    path.write_text(json.dumps({"format": 1, "weights": weights}), encoding="utf-8")
    other = Services(services.settings.model_copy(update={"ranker": path}))
    other.encoder = services.encoder
    return other


class Unasked:
    """An embedding cache that nobody may read."""

    def get(self, encoder_id, content_hashes):
        raise AssertionError("embeddings were read")

    def put(self, encoder_id, embeddings):
        raise AssertionError("embeddings were written")


def test_similarities_that_nobody_weighs_read_no_embedding(
    crowd: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shops = {
        "shipped": crowd,
        "zero": weighing(crowd, tmp_path / "zero.json", title=1.0, text_similarity=0.0),
        "weighed": weighing(crowd, tmp_path / "weighed.json", text_similarity=0.5),
    }
    for shop in shops.values():
        monkeypatch.setattr(shop.embedder, "_cache", Unasked())
    for name in ("shipped", "zero"):
        assert shops[name].search.search(Query(text="fern mug")).hits
    with pytest.raises(AssertionError, match="embeddings were read"):
        shops["weighed"].search.search(Query(text="fern mug"))


def test_words_that_nobody_weighs_are_not_compared(
    crowd: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = weighing(crowd, tmp_path / "price.json", price=1.0)

    def weighed(*_):
        raise AssertionError("words were weighed")

    monkeypatch.setattr(WordTable, "features", weighed)
    assert shop.search.search(Query(text="fern mug")).hits


def test_similarities_are_the_cosines_of_the_words_with_picture_and_text(
    services: Services, mugs: tuple[Product, ...]
) -> None:
    services.indexer.run(listed(*mugs), feed_name="test")
    window = services.search.considered(Query(text="red mug"))
    rows = {
        product_id: dict(zip(FEATURES, row, strict=True))
        for product_id, row in zip(window.product_ids, window.features.tolist(), strict=True)
    }
    explained = services.search.search(Query(text="red mug", explain=True))
    for hit in explained.hits:
        assert hit.why is not None
        found = {one.found: max(0.0, one.cosine) for one in hit.why.similarities}
        told = [rows[hit.product.product_id][name] for name in SIMILARITIES]
        assert told == pytest.approx([found.get("image", 0.0), found.get("text", 0.0)], abs=1e-6)
    assert rows["lamp"]["image_similarity"] == rows["picture"]["text_similarity"] == 0.0
    assert rows["red"]["text_similarity"] > 0.0


def test_a_feature_of_offers_moves_the_order_by_its_weight(
    services: Services, tmp_path: Path
) -> None:
    products = [
        Product(
            product_id=name,
            title="Mug",
            availability=availability,
            attributes={"popularity": popularity},
            price=Price(amount, "USD"),
        )
        for name, availability, popularity, amount in (
            ("gone", "out of stock", "900", 1000),
            ("here", "in stock", "10", 1000),
            ("dear", "in stock", "1", 50_000),
        )
    ]
    services.indexer.run(listed(*products), feed_name="test")

    def first(**weights: float) -> str:
        shop = weighing(services, tmp_path / f"{next(iter(weights))}.json", **weights)
        return ids(shop.search.search(Query(text="mug")))[0]

    assert first(popularity=1.0) == "gone"
    assert first(available=1.0) in {"here", "dear"}
    last = weighing(services, tmp_path / "both.json", price=1.0, available=1.0)
    assert ids(last.search.search(Query(text="mug")))[0] == "here"


def test_every_feature_lies_between_0_and_1_in_what_is_learned_from(crowd: Services) -> None:
    window = crowd.search.considered(Query(text="fern mug number 7"))
    assert window.features.shape == (len(window.product_ids), len(FEATURES))
    assert (window.features.min(), window.features.max()) == (0.0, 1.0)


def test_the_words_of_products_are_read_at_indexing_and_not_at_searching(
    services: Services, mugs: tuple[Product, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    services.indexer.run(listed(*mugs), feed_name="test")
    renamed = Product(product_id="lamp", title="Purple quokka lamp")
    services.indexer.run(listed(*mugs[:3], renamed, *mugs[4:]), feed_name="test")
    read: list[str] = []

    def reading(products: Sequence[Product]) -> Sketches:
        read.extend(product.product_id for product in products)
        return sketches_of(products)

    monkeypatch.setattr("shopsearch.lexical.stored.sketches_of", reading)
    monkeypatch.setattr("shopsearch.lexical.word_index.sketches_of", reading)
    page = services.search.search(Query(text="purple quokka lamp"))
    assert (ids(page)[0], read) == ("lamp", [])


def test_words_from_the_database_give_the_same_answers(
    settings: Settings, mugs: tuple[Product, ...]
) -> None:
    """For generations that were made without words, and for shops that keep them out of memory."""
    pages = []
    for words in ("memory", "database"):
        home = settings.home / words
        with Services.open(settings.model_copy(update={"home": home, "words": words})) as shop:
            shop.indexer.run(listed(*mugs), feed_name="test")
            assert (shop.live.get().words is None) == (words == "database")
            page = shop.search.search(Query(text="red mug for tea", facets=("brand",)))
            pages.append([(hit.product.product_id, hit.score) for hit in page.hits])
    assert [id_ for id_, _ in pages[0]] == [id_ for id_, _ in pages[1]]
    assert [s for _, s in pages[0]] == pytest.approx([s for _, s in pages[1]], abs=1e-5)


@pytest.mark.parametrize("group", ["", "mug-7"])
@pytest.mark.parametrize("text", ["blue", "but in blue", "the BLUE one"])
def test_the_same_product_in_another_colour_comes_first(
    settings: Settings, group: str, text: str
) -> None:
    """Before others of nearly its name, whatever the vectors say."""
    named = [("a", "Ryker mug", "Red", group), ("b", "Ryker mug", "Blue", group)]
    named += [(f"c{n}", f"Ryker mug size {n}", "Blue", f"other-{n}") for n in range(30)]
    products = [
        Product(product_id=key, title=title, color=color, item_group_id=of)
        for key, title, color, of in named
    ]
    with Services.open(settings) as shop:
        shop.indexer.run(listed(*products), feed_name="test")
        page = shop.search.search(Query(product_id="a", text=text, explain=True, k=40))
        assert ids(page)[0] == "b"
        assert page.hits[0].why is not None
        assert page.hits[0].why.score.exact > 0
        assert page.hits[0].why.score.total == pytest.approx(page.hits[0].score, abs=1e-5)
        nothing_like_it = shop.search.search(Query(product_id="a", text="green", explain=True))
        assert all(hit.why and hit.why.score.exact == 0 for hit in nothing_like_it.hits)
