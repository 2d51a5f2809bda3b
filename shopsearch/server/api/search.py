"""Searches of the API: one, or several at once."""

from __future__ import annotations

import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, abort, jsonify, request

from shopsearch.domain import Query, Scope
from shopsearch.errors import QueryError, ShopsearchError
from shopsearch.server.api.documents import BatchDocument, PageDocument
from shopsearch.server.api.json_body import json_body
from shopsearch.server.api.operations import JSON, MULTIPART, Answer, operation
from shopsearch.server.api.parameters import BatchBody, SearchBody, SearchForm, SearchParameters
from shopsearch.server.api.reading import validated
from shopsearch.server.api.showing import check_shown, page_document, query_id_document
from shopsearch.server.context import services
from shopsearch.server.errors import problem_document, problem_of
from shopsearch.server.search_logging import log_search
from shopsearch.server.search_request import SearchRequest, flat_fields, read_search
from shopsearch.server.uploads import form_fields, further_pictures, picture_of, uploaded_picture

MAX_BATCH_BYTES = 512 * 1024

blueprint = Blueprint("search", __name__, url_prefix="/api/v1")

_PAGE = Answer("A page of hits.", PageDocument)


@blueprint.get("/search")
@operation("search", tag="search", scope=Scope.SEARCH, query=SearchParameters, answers={200: _PAGE})
def search() -> Response:
    """Find products by words, by a product, or by filter alone."""
    asked = _checked(read_search(request.args.items(multi=True), strict=True))
    if asked.image_url or any(wish.kind == "image_url" for wish in asked.also):
        raise QueryError("`image_url` is fetched for POST alone; send the same fields as JSON")
    if asked.crop is not None:
        raise QueryError("`crop` is of a picture, which POST alone takes")
    return jsonify(_found(asked, asked.query()))


@blueprint.post("/search")
@operation(
    "searchWithBody",
    tag="search",
    scope=Scope.SEARCH,
    bodies={JSON: SearchBody, MULTIPART: SearchForm},
    answers={200: _PAGE},
)
def search_with_a_body() -> Response:
    """Find products by words, by a picture, by both, and by further wishes."""
    if request.is_json:
        asked, uploaded = _asked_in(json_body()), None
    elif request.mimetype == MULTIPART:
        asked, uploaded = read_search(form_fields(), strict=True), uploaded_picture()
    else:
        abort(415, "send application/json, or multipart/form-data with a part named `image`")
    picture = picture_of(_checked(asked), uploaded)
    return jsonify(_found(asked, asked.query(picture, further_pictures(asked, picture))))


@blueprint.post("/search/batch")
@operation(
    "searchBatch",
    tag="search",
    scope=Scope.SEARCH,
    bodies={JSON: BatchBody},
    answers={200: Answer("The answers, in the order of the searches.", BatchDocument)},
)
def search_batch() -> Response:
    """Answer up to 50 searches at once. One that cannot be answered does not stop the others."""
    started = time.perf_counter()
    if not request.is_json:
        abort(415, "send application/json")
    document = json_body(max_bytes=MAX_BATCH_BYTES)
    validated(BatchBody, document)
    assert isinstance(document, Mapping)  # noqa: S101 - it has just been validated
    results = [_answered(one) for one in document["searches"]]
    return jsonify(results=results, took_ms=round((time.perf_counter() - started) * 1000, 1))


def _answered(document: object) -> dict[str, Any]:
    """The answer to one search of a batch, or what was wrong with it."""
    try:
        asked = read_search(flat_fields(document), strict=True)
        picture = picture_of(_checked(asked), None)
        query = asked.query(picture, further_pictures(asked, picture))
        return {"status": HTTPStatus.OK.value, **_found(asked, query)}
    except ShopsearchError as error:
        problem = problem_of(error)
        return {"status": problem.status.value, "problem": problem_document(problem)}


def _asked_in(document: object) -> SearchRequest:
    """Read by the grammar, whose messages say most; then held to the types of JSON."""
    asked = read_search(flat_fields(document), strict=True)
    validated(SearchBody, document)
    return asked


def _checked(asked: SearchRequest) -> SearchRequest:
    check_shown(asked.fields)
    return asked


def _found(asked: SearchRequest, query: Query) -> dict[str, Any]:
    page = services().search.search(query)
    query_id = log_search(asked, page, pictured=query.image is not None)
    turned = {"page": asked.page, "size": asked.size}
    return {**page_document(page, asked.fields), **turned, **query_id_document(query_id)}
