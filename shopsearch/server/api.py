"""`/api/v1`: what the shop's other services ask."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Blueprint, Flask, Response, abort, jsonify, request

from shopsearch.domain import Query, SearchPage
from shopsearch.errors import QueryError
from shopsearch.server.addresses import hit_picture_address, picture_address
from shopsearch.server.context import services
from shopsearch.server.json_body import json_body
from shopsearch.server.search_logging import log_search
from shopsearch.server.search_request import (
    MAX_SIZE,
    SearchRequest,
    flat_fields,
    read_search,
    read_similar,
)
from shopsearch.server.uploads import (
    form_fields,
    further_pictures,
    picture_of,
    uploaded_picture,
)
from shopsearch.wire import page_json, product_json

N_SIMILAR = 12
HEATMAP_MAX_AGE_S = 300  # the picture of a product may change

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")


def install(app: Flask) -> None:
    """Serve the API."""
    app.register_blueprint(blueprint)


@blueprint.get("/search")
def search() -> Response:
    """Products by words, by a product, or by filter alone."""
    asked = read_search(request.args.items(multi=True))
    if asked.image_url or any(wish.kind == "image_url" for wish in asked.also):
        raise QueryError("`image_url` is fetched for POST alone; send the same fields as JSON")
    return jsonify(_found(asked, asked.query()))


@blueprint.post("/search")
def search_with_a_body() -> Response:
    """The same, with pictures: uploaded as the part `image`, or fetched from `image_url`."""
    if request.is_json:
        asked, uploaded = read_search(_json_fields()), None
    elif request.mimetype == "multipart/form-data":
        asked, uploaded = read_search(form_fields()), uploaded_picture()
    else:
        abort(415, "send application/json, or multipart/form-data with a part named `image`")
    picture = picture_of(asked, uploaded)
    return jsonify(_found(asked, asked.query(picture, further_pictures(asked, picture))))


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
    return jsonify({**_page_json(page), **_query_id_json(query_id)})


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


def _found(asked: SearchRequest, query: Query) -> dict[str, object]:
    page = services().search.search(query)
    query_id = log_search(asked, page, pictured=query.image is not None)
    turned = {"page": asked.page, "size": asked.size}
    return {**_page_json(page), **turned, **_query_id_json(query_id)}


def _page_json(page: SearchPage) -> dict[str, object]:
    return page_json(page, hit_picture_address)


def _query_id_json(query_id: str | None) -> dict[str, str]:
    """`query_id` where the search was logged: events name it."""
    return {} if query_id is None else {"query_id": query_id}


def _json_fields() -> Iterable[tuple[str, str]]:
    return flat_fields(json_body())


def _no_id() -> str:
    raise QueryError("name the product: /api/v1/products/ID, or ?id=ID")
