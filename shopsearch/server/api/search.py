"""Searches of the API."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Blueprint, Response, abort, jsonify, request

from shopsearch.domain import Query
from shopsearch.errors import QueryError
from shopsearch.server.api.answering import page_document, query_id_document
from shopsearch.server.api.json_body import json_body
from shopsearch.server.context import services
from shopsearch.server.search_logging import log_search
from shopsearch.server.search_request import SearchRequest, flat_fields, read_search
from shopsearch.server.uploads import form_fields, further_pictures, picture_of, uploaded_picture

blueprint = Blueprint("search", __name__, url_prefix="/api/v1")


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


def _found(asked: SearchRequest, query: Query) -> dict[str, object]:
    page = services().search.search(query)
    query_id = log_search(asked, page, pictured=query.image is not None)
    turned = {"page": asked.page, "size": asked.size}
    return {**page_document(page), **turned, **query_id_document(query_id)}


def _json_fields() -> Iterable[tuple[str, str]]:
    return flat_fields(json_body())
