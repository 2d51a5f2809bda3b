"""`/api/v1/refine`: a search, and what a shopper says of it."""

from __future__ import annotations

import time
from typing import Any

from flask import Blueprint, Response, abort, jsonify, request

from shopsearch.domain import Scope
from shopsearch.refining import Change
from shopsearch.server.addresses import search_address
from shopsearch.server.api.json_body import json_body
from shopsearch.server.api.operations import JSON, Answer, operation
from shopsearch.server.api.reading import validated
from shopsearch.server.api.refine_documents import RefineBody, RefinedDocument
from shopsearch.server.context import services
from shopsearch.server.refined_search import query_to_refine, refined_request, search_document
from shopsearch.server.search_request import flat_fields, read_search

blueprint = Blueprint("refine", __name__, url_prefix="/api/v1")


@blueprint.post("/refine")
@operation(
    "refine",
    tag="search",
    scope=Scope.SEARCH,
    bodies={JSON: RefineBody},
    answers={200: Answer("The search afterwards, and what was done.", RefinedDocument)},
)
def refine() -> Response:
    """Refine a search by what a shopper says of it, such as "cheaper, and in blue".

    Rules read it, which know English and the values of the catalog. Nothing is searched for, and
    nothing is kept: whoever asks keeps the searches, and may go back.
    """
    started = time.perf_counter()
    if not request.is_json:
        abort(415, "send application/json")
    document = json_body()
    asked = validated(RefineBody, document)
    assert isinstance(document, dict)  # noqa: S101 - it has just been validated
    search = read_search(flat_fields(document.get("search", {})), strict=True)
    refined = services().refining.refine(
        asked.say, query_to_refine(search), asked.shown, pictured=asked.pictured
    )
    found = refined_request(search, refined.query)
    return jsonify(
        search=search_document(found),
        address=search_address(found),
        changes=[_change_json(change) for change in refined.changes],
        not_understood=[one.text for one in refined.missed if one.text],
        reply=refined.reply,
        took_ms=round((time.perf_counter() - started) * 1000, 1),
    )


def _change_json(change: Change) -> dict[str, Any]:
    told = {"kind": change.kind.value, "text": change.text}
    return {**told, "field": change.field} if change.field else told
