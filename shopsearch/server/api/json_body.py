"""The JSON that a request brings along."""

from __future__ import annotations

import json

from flask import request

from shopsearch.errors import QueryError

MAX_JSON_BYTES = 64 * 1024


def json_body(*, max_bytes: int = MAX_JSON_BYTES) -> object:
    """What the body of the request at hand spells. Raises `QueryError`; a larger one gets 413."""
    request.max_content_length = max_bytes
    try:
        document: object = json.loads(request.get_data())
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise QueryError(f"the body is not JSON: {reason}") from None
    return document
