"""The page of one product."""

from __future__ import annotations

import structlog
from flask import render_template, request

from shopsearch.domain import Hit
from shopsearch.errors import IndexFault, QueryError, UnknownProduct
from shopsearch.server.context import services
from shopsearch.server.pages.blueprint import blueprint

N_SIMILAR = 12

_log = structlog.get_logger(__name__)


@blueprint.get("/products/<path:product_id>")
def product(product_id: str) -> str:
    """One product, and what is like it."""
    stored = services().search.product(product_id)
    return render_template(
        "product.html", stored=stored, product=stored.product, similar=_similar(product_id)
    )


@blueprint.get("/products")
def product_by_parameter() -> str:
    """One product whose id cannot travel in a path."""
    product_id = request.args.get("id")
    if not product_id:
        raise QueryError("name the product: /products/ID, or ?id=ID")
    return product(product_id)


def _similar(product_id: str) -> tuple[Hit, ...]:
    """Products like one; none while the index does not answer: the product itself still shows."""
    try:
        return services().search.similar(product_id, k=N_SIMILAR, collapse=True).hits
    except (IndexFault, UnknownProduct) as error:
        _log.warning("no similar products", product_id=product_id, reason=str(error))
        return ()
