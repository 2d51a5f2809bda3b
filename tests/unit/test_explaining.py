"""Why a hit is one, over the whole road: real SQLite, real FAISS and small real pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from shopsearch.bootstrap import Services
from shopsearch.domain import (
    AnyOf,
    Hit,
    Modality,
    ModalityEmbeddings,
    Product,
    ProductFilter,
    Query,
    SearchPage,
    Sort,
    Why,
)
from shopsearch.embedding import ContentHashes
from shopsearch.second_stage import WINDOW
from shopsearch.settings import Settings

from .conftest import listed

IMAGE, TEXT = Modality.IMAGE, Modality.TEXT


class CurvedFusion:
    """A fusion that no sum of its modalities explains."""

    fusion_id = "curved"

    def output_dimension(self, input_dimension: int) -> int:
        return input_dimension

    def fuse(self, embeddings: ModalityEmbeddings, text_weight: np.ndarray) -> np.ndarray:
        text = text_weight[:, None] * embeddings.text
        rows = np.tanh(4.0 * embeddings.image - text) + 0.5 * (text + embeddings.image**2)
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(params=["average", "curved"])
def shop(request: pytest.FixtureRequest, services: Services, mugs: tuple[Product, ...]) -> Services:
    if request.param == "curved":
        services.fusion = CurvedFusion()
    services.indexer.run(listed(*mugs), feed_name="test")
    return services


def whys(page: SearchPage) -> dict[str, Why]:
    """By product; every hit is explained."""
    return {hit.product.product_id: why_of(hit) for hit in page.hits}


def why_of(hit: Hit) -> Why:
    assert hit.why is not None
    return hit.why


def known_shares(why: Why) -> list[float]:
    return [part.share for part in why.modalities.values() if part.share is not None]


@pytest.fixture
def photo(draw: Callable[..., str]) -> bytes:
    return Path(draw("query", "darkred")).read_bytes()


@pytest.fixture(params=["words", "picture", "both", "product", "product with words", "negative"])
def asked(request: pytest.FixtureRequest, photo: bytes) -> Query:
    return {
        "words": Query(text="blue mug"),
        "picture": Query(image=photo),
        "both": Query(text="blue mug", image=photo, text_weight=0.7),
        "product": Query(product_id="red"),
        "product with words": Query(product_id="red", text="blue"),
        "negative": Query(text="mug", negatives=("blue",)),
    }[request.param]


def test_explaining_changes_nothing_else_and_is_only_done_when_asked_for(
    shop: Services, asked: Query
) -> None:
    plain = shop.search.search(asked)
    explained = shop.search.search(replace(asked, explain=True))
    assert {hit.why for hit in plain.hits} == {None}
    assert tuple(replace(hit, why=None) for hit in explained.hits) == plain.hits
    assert all(isinstance(hit.why, Why) for hit in explained.hits)


def test_the_parts_sum_to_the_score_and_the_shares_to_the_cosine(
    shop: Services, asked: Query
) -> None:
    page = shop.search.search(replace(asked, explain=True))
    for hit in page.hits:
        why = why_of(hit)
        assert why.score.total == pytest.approx(hit.score, abs=1e-5)
        assert sum(known_shares(why)) == pytest.approx(why.cosine, abs=1e-5)
        has = {IMAGE: bool(hit.product.images), TEXT: bool(hit.product.title)}
        assert why.modalities.keys() == {one for one, there in has.items() if there}


def test_without_words_a_score_is_the_cosine_and_what_the_very_picture_adds(
    shop: Services, photo: bytes
) -> None:
    for query in (Query(image=photo, explain=True), Query(product_id="red", explain=True)):
        for hit in shop.search.search(query).hits:
            why = why_of(hit)
            assert (why.score.cosine, why.score.features) == (why.cosine, ())
            assert why.score.exact == pytest.approx(hit.score - why.cosine, abs=1e-6)
            assert why.score.exact == 0.0 or query.image is not None
            assert why.matched == {}


def test_an_exact_title_says_what_it_was_lifted_by(shop: Services) -> None:
    first, second, *_ = shop.search.search(Query(text="blue mug", explain=True)).hits
    assert first.product.product_id == "blue"
    assert why_of(first).score.exact > 0.0
    assert why_of(second).score.exact == 0.0
    assert why_of(first).matched["title"] == ("blue", "mug")


def test_the_sides_of_a_similarity_are_those_that_exist(shop: Services, photo: bytes) -> None:
    def pairs(query: Query, product_id: str) -> set[tuple[Modality, Modality]]:
        why = whys(shop.search.search(replace(query, explain=True)))[product_id]
        return {(one.asked, one.found) for one in why.similarities}

    assert pairs(Query(text="mug"), "blue") == {(TEXT, IMAGE), (TEXT, TEXT)}
    assert pairs(Query(text="mug"), "lamp") == {(TEXT, TEXT)}
    assert pairs(Query(image=photo), "picture") == {(IMAGE, IMAGE)}
    assert len(pairs(Query(text="mug", image=photo), "blue")) == 4
    assert len(pairs(Query(product_id="red"), "blue")) == 4
    assert len(pairs(Query(product_id="lamp", text="mug"), "blue")) == 2


def test_a_similarity_is_the_cosine_of_two_embeddings(shop: Services) -> None:
    why = whys(shop.search.search(Query(text="mug", explain=True)))["lamp"]
    mug, lamp = shop.encoder.encode_texts(["mug", "Yellow desk lamp. Fern."])
    hashes = ContentHashes.of(shop.store.find(["lamp"])["lamp"].record)
    kept = shop.embedder.kept([hashes]).text[0]
    assert why.similarities[0].cosine == pytest.approx(float(mug @ kept), abs=1e-6)
    assert kept @ lamp > 0.8  # the composed text says the same in nearly the same words


def test_words_of_the_query_speak_for_themselves_beside_a_product(shop: Services) -> None:
    beside = whys(shop.search.search(Query(product_id="red", text="blue", explain=True)))["blue"]
    alone = whys(shop.search.search(Query(text="blue", explain=True)))["blue"]
    by_words = [one for one in beside.similarities if one.asked is TEXT]
    assert {(one.found, one.cosine) for one in by_words} == {
        (one.found, one.cosine) for one in alone.similarities
    }


def test_an_embedding_that_is_no_longer_kept_is_unknown_and_never_made_up(
    shop: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = shop.store.find(["blue"])["blue"].record
    monkeypatch.setattr(shop.embedder, "_cache", Forgetting(shop.cache, [record.image_hash]))
    before = shop.search.search(Query(text="mug"))
    page = shop.search.search(Query(text="mug", explain=True))
    assert [hit.score for hit in page.hits] == [hit.score for hit in before.hits]
    blue = whys(page)["blue"]
    image, text = blue.modalities[IMAGE], blue.modalities[TEXT]
    assert (image.is_known, image.share, image.alone) == (False, None, None)
    assert (text.is_known, text.share) == (True, None)
    assert {one.found for one in blue.similarities} == {TEXT}
    assert blue.score.total == pytest.approx(
        next(hit.score for hit in page.hits if hit.product.product_id == "blue"), abs=1e-5
    )
    assert whys(page)["red"].modalities[IMAGE].is_known


def test_with_no_embedding_kept_at_all_everything_else_is_told(
    shop: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shop.embedder, "_cache", Forgetting(shop.cache, None))
    found = whys(shop.search.search(Query(text="blue mug", explain=True)))
    assert not any(part.is_known for why in found.values() for part in why.modalities.values())
    assert not any(why.similarities for why in found.values())
    assert found["blue"].matched["title"] == ("blue", "mug")


class Forgetting:
    """An embedding cache that has lost some contents, or all of them (None)."""

    def __init__(self, cache, lost) -> None:
        self._cache = cache
        self._lost = lost

    def get(self, encoder_id, content_hashes):
        found = {} if self._lost is None else self._cache.get(encoder_id, content_hashes)
        return {one: row for one, row in found.items() if one not in self._lost}

    def put(self, encoder_id, embeddings):
        raise AssertionError("an explanation keeps nothing")


def test_a_filter_alone_has_nothing_to_explain(shop: Services) -> None:
    where = ProductFilter((AnyOf("brand", ("kiln",)),))
    page = shop.search.search(Query(where=where, explain=True))
    assert [hit.why for hit in page.hits] == [None, None]


def test_any_order_and_any_page_is_explained(shop: Services) -> None:
    page = shop.search.search(Query(text="mug", sort=Sort.PRICE_DESC, k=3, offset=1, explain=True))
    for hit in page.hits:
        assert why_of(hit).score.total == pytest.approx(hit.score, abs=1e-5)


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """More products than the window holds."""
    home = tmp_path_factory.mktemp("crowd")
    services = Services.open(Settings(home=home, encoder="hashing", index="exact"))
    mugs = [
        Product(product_id=f"p{n}", title=f"Mug number {n}", brand="Kiln" if n % 3 else "Fern")
        for n in range(3 * WINDOW)
    ]
    services.indexer.run(listed(*mugs), feed_name="test")
    yield services
    services.close()


def test_hits_past_the_window_have_the_part_of_the_cosine_alone(crowd: Services) -> None:
    hits = crowd.search.search(Query(text="fern mug", k=1000, explain=True)).hits
    bare = [hit for hit in hits if not why_of(hit).score.features]
    weighed = [hit for hit in hits if why_of(hit).score.features]
    assert len(weighed) >= WINDOW
    assert min(hit.rank for hit in bare) == len(weighed) + 1
    for hit in hits:
        assert why_of(hit).score.total == pytest.approx(hit.score, abs=1e-5)
        assert sum(known_shares(why_of(hit))) == pytest.approx(why_of(hit).cosine, abs=1e-5)
    assert all(why_of(hit).matched["title"] == ("mug",) for hit in bare)


def test_similar_products_can_be_explained(shop: Services) -> None:
    assert {hit.why for hit in shop.search.similar("red").hits} == {None}
    found = whys(shop.search.similar("red", explain=True))
    assert found["blue"].modalities.keys() == {IMAGE, TEXT}


def test_why_tells_what_a_hit_has_in_the_fields_that_were_filtered_by(
    services: Services, mugs: tuple[Product, ...]
) -> None:
    services.indexer.run(listed(*mugs), feed_name="test")
    where = ProductFilter((AnyOf("brand", ("kiln",)),))
    page = services.search.search(Query(text="mug under 10", where=where, explain=True))
    assert [(hit.product.product_id, hit.why and dict(hit.why.passed)) for hit in page.hits] == [
        ("red", {"brand": ("Kiln",), "price": 9.0})
    ]
    plain = services.search.search(Query(text="mug", explain=True))
    assert all(hit.why is not None and not hit.why.passed for hit in plain.hits)
