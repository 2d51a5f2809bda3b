"""Requests that carry an `Idempotency-Key`: what was answered once is answered again."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus

from flask import Response, g, request

from shopsearch.domain import PUBLIC, KeptAnswer
from shopsearch.errors import IdempotencyKeyInUse, IdempotencyKeyReused, QueryError
from shopsearch.server.context import services

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
_KEY = re.compile(r"[!-~]{1,255}")
_SHOWN_CHARS = 80


def answered_once(answer: Callable[[], Response]) -> Response:
    """The answer to the request at hand, made anew only where its key was not answered yet.

    Raises `IdempotencyKeyReused`, `IdempotencyKeyInUse` and `QueryError`. What `answer` raises is
    not kept: the request may come again.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return answer()
    if not _KEY.fullmatch(key):
        raise QueryError(
            f"`{HEADER}` is {key[:_SHOWN_CHARS]!r}: it must have 1 to 255 visible ASCII characters"
        )
    keys, writer = services().idempotency_keys, g.get("key_id") or PUBLIC
    asked = _request_hash()
    kept = keys.claim(writer, key, asked, now=datetime.now(UTC))
    if kept is not None:
        return _answered_before(kept, asked, key)
    try:
        response = answer()
    except BaseException:
        keys.release(writer, key)
        raise
    keys.answer(writer, key, response.status_code, response.get_data(as_text=True))
    return response


def _answered_before(kept: KeptAnswer, asked: str, key: str) -> Response:
    if kept.request_hash != asked:
        raise IdempotencyKeyReused(
            f"the key {key[:_SHOWN_CHARS]!r} came with another request before; use a new one for "
            "each request"
        )
    if kept.status is None:
        raise IdempotencyKeyInUse(
            f"the request with the key {key[:_SHOWN_CHARS]!r} is under way; ask again in some "
            "seconds"
        )
    response = Response(kept.body, HTTPStatus(kept.status), mimetype="application/json")
    response.headers[REPLAYED] = "true"
    return response


def _request_hash() -> str:
    told = f"{request.method} {request.full_path}\n".encode()
    return hashlib.sha256(told + request.get_data()).hexdigest()
