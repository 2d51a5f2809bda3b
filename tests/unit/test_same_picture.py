"""A product's own picture finds it first, whatever others with such a picture say of themselves."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from shopsearch.bootstrap import Services
from shopsearch.domain import Product, Query
from shopsearch.settings import Settings

from .conftest import listed

N_OTHERS = 60


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """One picture, and many that differ from it in a corner, all with titles of their own."""
    folder = tmp_path_factory.mktemp("shelf")
    products = [
        Product(
            product_id=f"p{n}", title=f"Thing {n * 7919} of {n}", images=(str(_picture(folder, n)),)
        )
        for n in range(N_OTHERS)
    ]
    settings = Settings(home=folder / "home", encoder="hashing", index="exact", fusion="average")
    with Services.open(settings) as services:
        services.indexer.run(listed(*products), feed_name="test")
        yield services


def _picture(folder: Path, n: int) -> Path:
    picture = Image.effect_mandelbrot((160, 160), (-2.0, -1.2, 0.8, 1.2), 60).convert("RGB")
    picture.paste((0, 0, 0), (0, 0, 20 + n, 20 + n))
    path = folder / f"{n}.png"
    picture.save(path)
    return path


def _encoded(services: Services, n: int, kind: str = "PNG") -> bytes:
    """The picture of a product, in another file than the shop's."""
    path = services.search.product(f"p{n}").product.images[0]
    file = io.BytesIO()
    Image.open(path).save(file, kind, optimize=True)
    return file.getvalue()


def _first_by_vector(services: Services, picture: bytes) -> str:
    item = services.preparer.prepare_query("", picture)
    vector = services.embedder.embed_query(item, text_weight=0.5)
    found = services.live.get().index.search(vector[None, :], 1)
    return services.store.fetch([int(found.keys[0, 0])])[int(found.keys[0, 0])].product.product_id


def test_each_picture_finds_its_own_product_first(shelf: Services) -> None:
    outweighed = 0
    for n in range(N_OTHERS):
        picture = _encoded(shelf, n)
        outweighed += _first_by_vector(shelf, picture) != f"p{n}"
        hits = shelf.search.search(Query(image=picture, k=N_OTHERS)).hits
        assert hits[0].product.product_id == f"p{n}"
        assert [hit.score for hit in hits] == sorted((h.score for h in hits), reverse=True)
        assert len({hit.product.product_id for hit in hits}) == N_OTHERS
    assert outweighed > 0  # else nothing was shown: the vectors alone would do


def test_the_parts_of_a_lifted_score_sum_to_it(shelf: Services) -> None:
    page = shelf.search.search(Query(image=_encoded(shelf, 3), explain=True))
    for hit in page.hits:
        assert hit.why is not None
        assert hit.why.score.total == pytest.approx(hit.score, abs=1e-5)
    assert page.hits[0].why is not None
    assert page.hits[0].why.score.exact >= 0


def test_words_beside_the_picture_ask_for_something_else(shelf: Services) -> None:
    """Then it is no longer the same product that is looked for."""
    picture = _encoded(shelf, 3)
    page = shelf.search.search(Query(image=picture, text="Thing 55433 of 7", explain=True))
    assert page.hits[0].product.product_id == "p7"
