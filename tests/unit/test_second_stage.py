"""Words and vectors together, over real SQLite and real FAISS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shopsearch.bootstrap import Services
from shopsearch.domain import AnyOf, Product, ProductFilter, Query, SearchPage
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
