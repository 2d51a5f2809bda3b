"""Recommended products."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from shopsearch.domain import Recommend, Recommendations, Scope, SimilarTo
from shopsearch.server.addresses import hit_picture_address
from shopsearch.server.api.operations import JSON, PROBLEM, Answer, operation
from shopsearch.server.api.reading import read_body
from shopsearch.server.api.recommended_documents import RecommendationsDocument
from shopsearch.server.api.recommending_requests import RecommendationRequest
from shopsearch.server.api.showing import query_id_document
from shopsearch.server.context import services
from shopsearch.server.search_logging import log_search
from shopsearch.server.search_request import SearchRequest
from shopsearch.wire import recommendations_json

blueprint = Blueprint("recommendations", __name__, url_prefix="/api/v1")


@blueprint.post("/recommendations")
@operation(
    "recommendations",
    tag="recommend",
    scope=Scope.RECOMMEND,
    bodies={JSON: RecommendationRequest},
    answers={
        200: Answer("The products, best first, each with its reasons.", RecommendationsDocument),
        400: Answer("The request makes no sense; `detail` says why.", media_type=PROBLEM),
        404: Answer(
            "Products like one are asked for, and the catalog does not hold it.",
            media_type=PROBLEM,
        ),
        413: Answer("The body is too large.", media_type=PROBLEM),
        415: Answer("The body is not JSON.", media_type=PROBLEM),
    },
)
def recommendations() -> Response:
    """Products that are like others, fit a visitor, go with a basket, or are wanted now.

    `kind` says which: `similar`, `examples`, `history`, `bought_together`, `complementary` or
    `trending`.
    """
    asked = read_body(RecommendationRequest).root.asked()
    found = services().recommend.recommend(asked)
    query_id = _logged(asked, found)
    document = recommendations_json(found, hit_picture_address)
    return jsonify({**document, **query_id_document(query_id)})


def _logged(asked: Recommend, found: Recommendations) -> str | None:
    """Noted as products like one are, everything else as a list."""
    wanting = asked.wanting
    product_id = wanting.product_id if isinstance(wanting, SimilarTo) else None
    return log_search(SearchRequest(product_id=product_id, size=asked.k), found.page)
