"""One line of log per request, under an id that the visitor sees too."""

from __future__ import annotations

import re
import time
import uuid

import structlog
from flask import Flask, Response, g, request

from shopsearch.access.spelling import without_secrets

HEADER = "X-Request-Id"

_log = structlog.get_logger(__name__)
_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def install(app: Flask) -> None:
    """Give each request of an application an id, and log it when it is answered."""
    app.before_request(_begin)
    app.after_request(_end)


def request_id() -> str:
    """The id of the request at hand."""
    return str(g.request_id)


def _begin() -> None:
    g.started = time.perf_counter()
    given = request.headers.get(HEADER, "")
    g.request_id = given if _SANE_ID.fullmatch(given) else uuid.uuid4().hex
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _end(response: Response) -> Response:
    response.headers[HEADER] = g.request_id
    _log.info(
        "request answered",
        method=request.method,
        path=without_secrets(request.path),
        status=response.status_code,
        ms=round((time.perf_counter() - g.started) * 1000, 1),
    )
    return response
