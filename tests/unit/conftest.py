"""Small catalogs for tests of the two journeys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from shopsearch.domain import FeedRow, Price, Product, Rejection

from .picture_host import PictureHost, serving


class ListedFeed:
    """A feed in memory: a small working `CatalogFeed`."""

    def __init__(self, records: Sequence[FeedRow | Rejection]) -> None:
        self._records = records

    def __iter__(self) -> Iterator[FeedRow | Rejection]:
        return iter(self._records)

    def size_hint(self) -> int | None:
        return len(self._records)


def listed(*products: Product) -> ListedFeed:
    """The products as a feed."""
    return ListedFeed([FeedRow(row, product) for row, product in enumerate(products, start=1)])


@pytest.fixture
def picture_host() -> Iterator[PictureHost]:
    """A host of pictures on this machine."""
    with serving() as host:
        yield host


@pytest.fixture
def draw(tmp_path: Path) -> Callable[..., str]:
    """Draws a picture of a colour; the path."""

    def drawn(name: str, colour: str, size: tuple[int, int] = (60, 80)) -> str:
        path = tmp_path / f"{name}.png"
        picture = Image.new("RGB", size, "white")
        ImageDraw.Draw(picture).ellipse((8, 8, size[0] - 8, size[1] - 8), fill=colour)
        picture.save(path)
        return str(path)

    return drawn


@pytest.fixture
def mugs(draw: Callable[..., str]) -> tuple[Product, ...]:
    """Six mugs: with a picture and words, with words alone, with a picture alone."""
    return (
        Product(
            product_id="red",
            title="Red mug",
            brand="Kiln",
            price=Price(900, "USD"),
            images=(draw("red", "red"),),
        ),
        Product(
            product_id="blue",
            title="Blue mug",
            brand="Kiln",
            price=Price(1900, "USD"),
            images=(draw("blue", "blue"),),
        ),
        Product(product_id="green", title="Green mug", brand="Fern", price=Price(500, "USD")),
        Product(product_id="lamp", title="Yellow desk lamp", brand="Fern"),
        Product(product_id="picture", images=(draw("only", "darkred"),)),
        Product(product_id="sofa", title="Grey sofa for three", price=Price(79900, "USD")),
    )
