"""Cards of products that a page knows by their ids alone: favourites, what was seen last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import render_template, request

from shopsearch.domain import Product, StoredProduct
from shopsearch.errors import QueryError
from shopsearch.server.context import services
from shopsearch.server.pages.blueprint import blueprint

MAX_CARDS = 50


@dataclass(frozen=True, slots=True)
class ShownProduct:
    """A product as a card shows it that is no hit of a search."""

    product: Product
    image_hash: str | None
    rank: int | None = None  # in no results
    n_variants: int = 0  # it stands for itself alone

    @classmethod
    def of(cls, stored: StoredProduct) -> ShownProduct:
        """A product of the catalog."""
        return cls(stored.product, stored.record.image_hash)


@blueprint.get("/cards")
def cards() -> str:
    """The cards of products in the order in which they are named, as a piece of a page.

    Those that are not in the catalog are left out: lists of ids outlive products.
    """
    found = named_products(MAX_CARDS)
    shown = [ShownProduct.of(stored) for _, stored in found if stored is not None]
    return render_template("_cards_alone.html", cards=shown)


def named_products(at_most: int) -> Sequence[tuple[str, StoredProduct | None]]:
    """The products that the address at hand names by `id`, each once; None for unknown ones.

    Raises `QueryError`.
    """
    if strange := sorted(set(request.args) - {"id"}):
        raise QueryError(f"there is no `{strange[0][:80]}` here; there is `id`, which may repeat")
    ids = tuple(dict.fromkeys(one for one in request.args.getlist("id") if one))
    if len(ids) > at_most:
        raise QueryError(f"there are {len(ids)} products named, but may be at most {at_most}")
    found = services().store.find(ids)
    return [(product_id, found.get(product_id)) for product_id in ids]
