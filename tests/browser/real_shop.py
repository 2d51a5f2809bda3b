"""A shop of real products: a part of two catalogs of ../shared/data, as one feed."""

from __future__ import annotations

import zipfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from shopsearch.catalog import open_feed
from shopsearch.domain import FeedRow, Price, Product

N_STYLES = 34  # each in several colours
N_THINGS = 90
LUMA, FLIPKART = "catalog-luma", "catalog-flipkart"
LONG_TITLE_CHARS = 100

Thing = TypeVar("Thing")


@dataclass(frozen=True)
class RealFeed:
    """Clothes in several colours, in dollars, beside things for the house with brands, sales and
    long names, in rupees.
    """

    folder: Path

    def size_hint(self) -> int | None:
        return None

    def __iter__(self) -> Iterator[FeedRow]:
        products = [*clothes(self._read(LUMA)), *things(self._read(FLIPKART))]
        return (FeedRow(n, product) for n, product in enumerate(products, 1))

    def _read(self, name: str) -> list[Product]:
        (path,) = (self.folder / name).rglob("products.csv")
        return [row.product for row in open_feed(path) if isinstance(row, FeedRow)]


def unpacked(archives: Path, folder: Path) -> RealFeed:
    """The feed, its catalogs unpacked into a folder."""
    for name in (LUMA, FLIPKART):
        with zipfile.ZipFile(archives / f"{name}.zip") as archive:
            archive.extractall(folder / name)
    return RealFeed(folder)


def clothes(products: Sequence[Product]) -> Iterator[Product]:
    """Styles from all over the catalog. The pictures of a style in its other colours are its
    further ones.
    """
    styles: dict[str, list[Product]] = defaultdict(list)
    for product in products:
        styles[product.attributes.get("product_group", "")].append(product)
    styles.pop("", None)
    for group, colours in _spread([*styles.items()], N_STYLES):
        for product in colours:
            others = [one.images[0] for one in colours if one is not product and one.images]
            yield replace(product, item_group_id=group, images=(*product.images, *others))


def things(products: Sequence[Product]) -> Iterator[Product]:
    """Things from all departments, the long names among them; what they cost is a sale price
    beside the price that the catalog calls the retail one. One in nine comes without a picture.
    """
    long = [one for one in products if len(one.title) >= LONG_TITLE_CHARS]
    some = {one.product_id: one for one in (*long[:10], *_spread(products, N_THINGS - 10))}
    for n, product in enumerate(some.values()):
        images = () if n % 9 == 8 else product.images
        yield replace(_on_sale(product), images=images)


def _on_sale(product: Product) -> Product:
    """With the retail price as the usual one, where that is higher."""
    retail = product.attributes.get("retail_price_inr", "")
    if product.price is None or not retail:
        return product
    sale = {**product.attributes, "sale_price": f"{product.price.amount} {product.price.currency}"}
    return replace(product, price=Price.of(Decimal(retail), "INR"), attributes=sale)


def _spread(given: Sequence[Thing], n: int) -> Sequence[Thing]:
    """Some of them, in equal steps from the first to the last."""
    return [given[place * len(given) // n] for place in range(n)]
