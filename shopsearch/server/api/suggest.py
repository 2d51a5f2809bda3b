"""`/api/v1/suggest`: what may be meant by the beginning of a search."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response, jsonify, request

from shopsearch.domain import StoredProduct
from shopsearch.errors import QueryError
from shopsearch.server.addresses import picture_address
from shopsearch.server.context import services
from shopsearch.suggestions import Suggestions
from shopsearch.wire import price_json

MAX_SIZE = 20
DEFAULT_SIZE = 8
MAX_CHARS = 200

blueprint = Blueprint("suggest", __name__, url_prefix="/api/v1")

_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


@blueprint.get("/suggest")
def suggest() -> Response:
    """At most `?size=` of each kind for the beginning `?q=`."""
    if strange := sorted(set(request.args) - {"q", "size"}):
        raise QueryError(f"there is no `{strange[0][:80]}` here; there are `q` and `size`")
    text = _CONTROL.sub(" ", request.args.get("q", ""))
    if len(text) > MAX_CHARS:
        raise QueryError(f"`q` has {len(text):,} characters; the limit is {MAX_CHARS}")
    return jsonify({"q": text, **_suggestions_json(services().suggestions.suggest(text, _size()))})


def _size() -> int:
    told = request.args.get("size", str(DEFAULT_SIZE))
    size = int(told) if re.fullmatch(r"[0-9]{1,3}", told) else 0
    if not 1 <= size <= MAX_SIZE:
        raise QueryError(
            f"`size` is {told[:80]!r}, but must be a whole number from 1 to {MAX_SIZE}"
        )
    return size


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
