"""Products of the API: one, what is similar to it, and where words are found in its picture."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from shopsearch.errors import QueryError
from shopsearch.server.addresses import picture_address
from shopsearch.server.api.answering import page_document, query_id_document
from shopsearch.server.context import services
from shopsearch.server.search_logging import log_search
from shopsearch.server.search_request import MAX_SIZE, SearchRequest, read_search, read_similar
from shopsearch.wire import product_json

N_SIMILAR = 12
HEATMAP_MAX_AGE_S = 300  # the picture of a product may change

blueprint = Blueprint("products", __name__, url_prefix="/api/v1")


@blueprint.get("/products/<path:product_id>")
def product(product_id: str) -> Response:
    """One product."""
    stored = services().search.product(product_id)
    return jsonify(product_json(stored.product, picture_address(stored.record.image_hash)))


@blueprint.get("/products")
def product_by_parameter() -> Response:
    """One product whose id cannot travel in a path, such as "..": `?id=`."""
    return product(request.args.get("id") or _no_id())


@blueprint.get("/products/<path:product_id>/similar")
def similar(product_id: str) -> Response:
    """The products most like one; `?k=` of them, and why with `?why=true`."""
    fields = request.args.items(multi=True)
    k, explain = read_similar(fields, high=MAX_SIZE, otherwise=N_SIMILAR)
    page = services().search.similar(product_id, k=k, explain=explain)
    query_id = log_search(SearchRequest(product_id=product_id, size=k), page)
    return jsonify({**page_document(page), **query_id_document(query_id)})


@blueprint.get("/products/<path:product_id>/heatmap.png")
def heatmap(product_id: str) -> Response:
    """The picture of one product, and over it which regions match the words `?q=`."""
    if strange := sorted(set(request.args) - {"q"}):
        raise QueryError(f"there is no `{strange[0][:80]}` here; there is `q`")
    words = read_search(request.args.items(multi=True)).text
    drawn = services().heatmaps.draw(product_id, words)
    response = Response(drawn.png(), mimetype="image/png")
    response.headers["X-Cosine"] = f"{drawn.cosine:.4f}"
    response.headers["X-Evidence"] = "some" if drawn.has_evidence else "none"
    response.cache_control.private = True
    response.cache_control.max_age = HEATMAP_MAX_AGE_S
    return response


def _no_id() -> str:
    raise QueryError("name the product: /api/v1/products/ID, or ?id=ID")
