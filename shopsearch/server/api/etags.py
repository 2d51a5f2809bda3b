"""Tags of products: what a writer has read, so that nobody overwrites what he has not seen."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from flask import request

from shopsearch.domain import StoredProduct
from shopsearch.errors import QueryError
from shopsearch.server.addresses import picture_address
from shopsearch.wire import product_json
from shopsearch.writing import Precondition

_HASH_CHARS = 32  # 128 bits
_PACKED = (":br", ":gzip")  # what Flask-Compress adds to the tag of an answer that it packs


def product_document(stored: StoredProduct) -> dict[str, Any]:
    """Everything that the catalog holds of a product."""
    return product_json(stored.product, picture_address(stored.record.image_hash))


def product_etag(stored: StoredProduct) -> str:
    """A strong tag, in quotes; it changes exactly when the document of the product does."""
    spelled = json.dumps(product_document(stored), sort_keys=True, ensure_ascii=True)
    return f'"{hashlib.sha256(spelled.encode()).hexdigest()[:_HASH_CHARS]}"'


def asked_precondition() -> Precondition | None:
    """What `If-Match` and `If-None-Match` of the request at hand say; None where neither is there.

    Raises `QueryError` for an `If-None-Match` other than `*`: it cannot be meant.
    """
    wanted, unwanted = request.if_match, request.if_none_match
    if "If-None-Match" in request.headers and not unwanted.star_tag:
        raise QueryError("`If-None-Match` of a write must be *: write it only if it is not there")
    if "If-Match" not in request.headers and not unwanted.star_tag:
        return None
    # a malformed tag is like no product: nothing is overwritten
    tags = frozenset(_unpacked(tag) for tag in wanted.as_set())
    is_any, must_be_new = wanted.star_tag, unwanted.star_tag
    must_match = "If-Match" in request.headers

    def holds(stored: StoredProduct | None) -> bool:
        if stored is None:
            return not must_match
        if must_be_new:
            return False
        return is_any or product_etag(stored).strip('"') in tags

    return holds


def _unpacked(tag: str) -> str:
    for ending in _PACKED:
        tag = tag.removesuffix(ending)
    return tag
