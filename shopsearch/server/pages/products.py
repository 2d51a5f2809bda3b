"""The page of one product."""

from __future__ import annotations

from dataclasses import dataclass

from flask import render_template, request

from shopsearch.domain import StoredProduct
from shopsearch.errors import QueryError
from shopsearch.server import variants, wording
from shopsearch.server.addresses import picture_address, product_address, search_address
from shopsearch.server.context import services
from shopsearch.server.pages import shelves
from shopsearch.server.pages.blueprint import blueprint
from shopsearch.server.pages.query_links import filtered
from shopsearch.server.pages.shelves import Likeness
from shopsearch.server.structured_data import (
    Document,
    breadcrumb_document,
    product_document,
    trail_of,
)


@dataclass(frozen=True, slots=True)
class Told:
    """What a product page tells machines."""

    documents: tuple[Document, ...]
    canonical: str | None = None  # whole addresses, where the shop's own is known
    picture: str | None = None


@blueprint.get("/products/<path:product_id>")
def product(product_id: str) -> str:
    """One product, and what is like it."""
    stored = services().search.product(product_id)
    likeness = _likeness()
    return render_template(
        "product.html",
        stored=stored,
        product=stored.product,
        pictures=pictures_of(stored),
        told=told_of(stored, services().settings.public_url),
        axes=variants.axes(stored.product, shelves.variants(stored.product)),
        beside=shelves.beside(product_id),
        similar=shelves.similar(product_id, likeness),
        likeness=likeness,
        asked=None,
    )


@blueprint.get("/products")
def product_by_parameter() -> str:
    """One product whose id cannot travel in a path."""
    product_id = request.args.get("id")
    if not product_id:
        raise QueryError("name the product: /products/ID, or ?id=ID")
    return product(product_id)


def pictures_of(stored: StoredProduct) -> tuple[str, ...]:
    """The content hashes of the pictures that are kept of a product, the main one first."""
    return tuple(dict.fromkeys(kept for _, kept in stored.record.kept_pictures))


def told_of(stored: StoredProduct, public_url: str | None) -> Told:
    """Whole addresses are told only below the shop's public one."""
    product = stored.product
    if public_url is None:
        return Told((product_document(product),))
    pictures = [f"{public_url}{picture_address(one)}" for one in pictures_of(stored)]
    address = public_url + product_address(product.product_id)
    levels = wording.category_levels(product)
    below = [public_url + search_address(filtered("product_type", one.path)) for one in levels]
    trail = trail_of(levels, below, wording.title_text(product), address)
    document = product_document(product, pictures=pictures, address=address)
    return Told((document, breadcrumb_document(trail)), address, pictures[0] if pictures else None)


def _likeness() -> Likeness:
    asked = request.args.get("alike", Likeness.BOTH.value)
    try:
        return Likeness(asked)
    except ValueError:
        known = ", ".join(Likeness)
        raise QueryError(f"`alike` is {asked[:80]!r}, but must be one of: {known}") from None
