"""Up to four products side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import render_template

from shopsearch.domain import Product
from shopsearch.server import wording
from shopsearch.server.locales import gettext
from shopsearch.server.offers import price_now
from shopsearch.server.pages.blueprint import blueprint
from shopsearch.server.pages.cards import ShownProduct, named_products

MAX_COMPARED = 4


@dataclass(frozen=True, slots=True)
class Row:
    """What all of the products have in one field; "" for those that have nothing there."""

    label: str
    values: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether they do not all have the same."""
        return len({value.casefold() for value in self.values}) > 1


@blueprint.get("/compare")
def compare() -> str:
    """The products that the address names."""
    found = named_products(MAX_COMPARED)
    known = [stored for _, stored in found if stored is not None]
    prices = {(one.product.price, price_now(one.product)) for one in known}
    return render_template(
        "compare.html",
        compared=[ShownProduct.of(stored) for stored in known],
        rows=_rows([stored.product for stored in known]),
        prices_differ=len(prices) > 1,
        gone=[product_id for product_id, stored in found if stored is None],
        max_compared=MAX_COMPARED,
    )


def compare_address(products: Iterable[ShownProduct], *, but: str = "") -> str:
    """The page that compares products, but for one of them."""
    ids = [one.product.product_id for one in products]
    kept = [("id", product_id) for product_id in ids if product_id != but]
    return "/compare" + (f"?{urlencode(kept)}" if kept else "")


def _rows(products: Sequence[Product]) -> list[Row]:
    """Each field that one of the products has, the usual ones first."""
    tables = [dict(_fields(product)) for product in products]
    labels = dict.fromkeys(label for table in tables for label in table)
    return [Row(label, tuple(table.get(label, "") for table in tables)) for label in labels]


def _fields(product: Product) -> Iterable[tuple[str, str]]:
    categories = " > ".join(level.name for level in wording.category_levels(product))
    said = (
        ("availability", wording.availability_text(product) if product.availability else ""),
        ("brand", product.brand),
        ("product_type", categories),
    )
    yield from ((wording.field_label(name), value) for name, value in said if value)
    yield from wording.details(product)
    if description := wording.description_text(product):
        yield gettext("Description"), description
