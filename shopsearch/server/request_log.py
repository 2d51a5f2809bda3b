"""One line of log per request, under an id that the visitor sees too.

It tells what was done and how long that took, and nothing of who asked for what: no address, no
user agent, no words, no key.
"""

from __future__ import annotations

import re
import time
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence

import structlog
from flask import Flask, Response, current_app, g, request

from shopsearch.access.spelling import without_secrets
from shopsearch.server import trace_parent
from shopsearch.server.api.operations import operation_of
from shopsearch.stages import SearchRun, watch_searches

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


def searches_run() -> Sequence[SearchRun]:
    """The searches that the request at hand has led to, in their order."""
    found: list[SearchRun] = g.searches_run
    return found


def operation_name() -> str:
    """What the request at hand asked for, of a bounded set: an operation, an endpoint, `none`."""
    declared = operation_of(current_app, request.endpoint)
    return declared.operation_id if declared is not None else request.endpoint or "none"


def _begin() -> None:
    g.started = time.perf_counter()
    given = request.headers.get(HEADER, "")
    g.request_id = given if _SANE_ID.fullmatch(given) else uuid.uuid4().hex
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)
    if trace_id := trace_parent.trace_id_of(request.headers.get(trace_parent.HEADER, "")):
        structlog.contextvars.bind_contextvars(trace_id=trace_id)
    g.searches_run = []
    watch_searches(g.searches_run.append)


def _end(response: Response) -> Response:
    response.headers[HEADER] = g.request_id
    told: dict[str, object] = {
        "key": g.get("key_id"),
        "bytes": _n_bytes(response),
        **_of_searches(),
    }
    _log.info(
        "request answered",
        method=request.method,
        path=without_secrets(request.path),
        operation=operation_name(),
        status=response.status_code,
        ms=round((time.perf_counter() - g.started) * 1000, 1),
        **{name: value for name, value in told.items() if value is not None},
    )
    return response


def _n_bytes(response: Response) -> int | None:
    """The length of the body; None where it is still to be written."""
    return response.content_length if response.is_streamed else response.calculate_content_length()


def _of_searches() -> Mapping[str, object]:
    """Milliseconds by stage, of all searches of the request together, and who answered them."""
    runs = searches_run()
    if not runs:
        return {}
    ms: Counter[str] = Counter()
    for run in runs:
        ms.update(run.stages.ms)
    return {
        "generation": runs[-1].generation,
        "stages_ms": {name: round(value, 2) for name, value in ms.items()},
    }
