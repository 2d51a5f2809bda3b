"""The JSON that a request brings along."""

from __future__ import annotations

import json

from flask import request

from shopsearch.errors import QueryError

MAX_JSON_BYTES = 64 * 1024


def json_body() -> object:
    """What the body of the request at hand spells. Raises `QueryError`."""
    request.max_content_length = MAX_JSON_BYTES
    try:
        document: object = json.loads(request.get_data())
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise QueryError(f"the body is not JSON: {reason}") from None
    return document
