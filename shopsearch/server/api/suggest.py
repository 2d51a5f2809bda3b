"""`/api/v1/suggest`: what may be meant by the beginning of a search."""

from __future__ import annotations

import re
from typing import Annotated, Any

from flask import Blueprint, Response, jsonify
from pydantic import Field

from shopsearch.domain import Scope, StoredProduct
from shopsearch.server.addresses import picture_address
from shopsearch.server.api.documents import SuggestDocument
from shopsearch.server.api.operations import Answer, operation
from shopsearch.server.api.reading import WHOLE, Asked, read_query
from shopsearch.server.context import services
from shopsearch.suggestions import Suggestions
from shopsearch.wire import price_json

MAX_SIZE = 20
DEFAULT_SIZE = 8
MAX_CHARS = 200

blueprint = Blueprint("suggest", __name__, url_prefix="/api/v1")

_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


class SuggestParameters(Asked):
    """What has been typed so far."""

    q: str = Field("", max_length=MAX_CHARS, description="The beginning of a search.")
    size: Annotated[int, Field(ge=1, le=MAX_SIZE), WHOLE] = Field(
        DEFAULT_SIZE, description="Suggestions of each kind."
    )


@blueprint.get("/suggest")
@operation(
    "suggest",
    tag="search",
    scope=Scope.SEARCH,
    query=SuggestParameters,
    answers={200: Answer("What may be meant.", SuggestDocument)},
)
def suggest() -> Response:
    """Suggest what the beginning of a search may become."""
    asked = read_query(SuggestParameters)
    text = _CONTROL.sub(" ", asked.q)
    return jsonify(
        {"q": text, **_suggestions_json(services().suggestions.suggest(text, asked.size))}
    )


def _suggestions_json(found: Suggestions) -> dict[str, Any]:
    return {
        "suggestions": [{"text": one.text, "kind": one.kind} for one in found.suggestions],
        "products": [_product_json(stored) for stored in found.products],
        "categories": [
            {"category": one.category, "products": one.n_products} for one in found.categories
        ],
        "took_ms": round(found.took_ms, 1),
    }


def _product_json(stored: StoredProduct) -> dict[str, Any]:
    return {
        "product_id": stored.product.product_id,
        "title": stored.product.title,
        **price_json(stored.product.price),
        "image": picture_address(stored.record.image_hash),
    }
