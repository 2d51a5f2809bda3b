"""The one place where an error becomes a status.

Pages get a page that says what happened and what to do; the API and the health checks get
`application/problem+json` (RFC 9457). What went wrong inside stays inside: the visitor gets the
request's id, the log gets the rest.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus

import structlog
from flask import Flask, Response, g, jsonify, make_response, render_template, request
from gunicorn.http.errors import (  # type: ignore[import-untyped]
    NoMoreData,
    ParseException,
)
from werkzeug.exceptions import BadHost, HTTPException, RequestEntityTooLarge, SecurityError

from shopsearch import errors
from shopsearch.server.context import services
from shopsearch.server.request_log import request_id

_log = structlog.get_logger(__name__)

# by type; an error that is not listed counts as its nearest listed ancestor
STATUS_OF: dict[type[Exception], HTTPStatus] = {
    errors.UnknownProduct: HTTPStatus.NOT_FOUND,
    errors.PictureMissing: HTTPStatus.NOT_FOUND,
    errors.QueryError: HTTPStatus.BAD_REQUEST,
    errors.KeyMissing: HTTPStatus.UNAUTHORIZED,
    errors.KeyRefused: HTTPStatus.UNAUTHORIZED,
    errors.ScopeMissing: HTTPStatus.FORBIDDEN,
    errors.RateLimited: HTTPStatus.TOO_MANY_REQUESTS,
    errors.ProductRejected: HTTPStatus.UNPROCESSABLE_ENTITY,  # of a query, its picture
    errors.GenerationMissing: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.GenerationMismatch: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.GenerationDamaged: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.GenerationUnreachable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.StorageUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.IndexUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.RegionsUnavailable: HTTPStatus.NOT_IMPLEMENTED,
    errors.EncoderUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.EventsBusy: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.SchemaOutdated: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.LanguageMismatch: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.Overloaded: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ProductChanged: HTTPStatus.PRECONDITION_FAILED,
    errors.IdempotencyKeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.IdempotencyKeyInUse: HTTPStatus.CONFLICT,
    errors.WriterBusy: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.WriteUnfinished: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.HomeBusy: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.IndexingLockLost: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ShopsearchError: HTTPStatus.INTERNAL_SERVER_ERROR,
}

_TOLD_TO_VISITORS = (
    errors.QueryError,
    errors.ProductRejected,
    errors.GenerationMissing,
    errors.EventsBusy,
    errors.Overloaded,
    errors.WriteError,
    errors.HomeBusy,
)
_WITHOUT_VECTORS = (
    "searching by pictures and by likeness is out of order for the moment; search by words, or try "
    "again in some seconds"
)
_CHALLENGE = 'Bearer realm="shopsearch"'  # RFC 6750; browsers do not ask for anything because of it
_RETRY_AFTER_S = 10
_RETRY_AFTER_OVERLOAD_S = 2  # a queue is worked off in less
_PASSING = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong with one request, as the visitor is told it."""

    status: HTTPStatus
    code: str  # stable, for programs: "unknown-product"
    detail: str
    retry_after_s: int = _RETRY_AFTER_S  # where a later request may succeed

    @property
    def title(self) -> str:
        """What the status means, in words."""
        return self.status.phrase

    @property
    def is_passing(self) -> bool:
        """Whether the same request may succeed after `retry_after_s`."""
        return self.status in _PASSING


def install(app: Flask) -> None:
    """Answer every error of an application from here."""
    app.register_error_handler(errors.ShopsearchError, answer_of)
    app.register_error_handler(HTTPException, _answer_http_error)
    for broken in (ParseException, NoMoreData):
        app.register_error_handler(broken, _answer_broken_body)
    app.register_error_handler(Exception, _answer_surprise)


def status_of(error: errors.ShopsearchError) -> HTTPStatus:
    """The status of the error's type or of its nearest ancestor that has one."""
    return next(STATUS_OF[kind] for kind in type(error).__mro__ if kind in STATUS_OF)


def problem_of(error: errors.ShopsearchError) -> Problem:
    """What a visitor is told of an error that shopsearch raised on purpose."""
    status = status_of(error)
    told = status < HTTPStatus.INTERNAL_SERVER_ERROR or isinstance(error, _TOLD_TO_VISITORS)
    detail = str(error) if told else _closed_message(status)
    if isinstance(error, errors.IndexUnavailable):
        detail = _WITHOUT_VECTORS
    return Problem(status, _kebab(type(error).__name__), detail, _wait_s(error))


def problem_document(problem: Problem) -> dict[str, str | int]:
    """The members of the problem, with the id of the request at hand."""
    return {
        "type": "about:blank",
        "title": problem.title,
        "status": problem.status.value,
        "detail": problem.detail,
        "code": problem.code,
        "request_id": request_id(),
    }


def problem_response(problem: Problem, **further: object) -> Response:
    """The problem as RFC 9457 has it; `further` are its extension members."""
    response = jsonify({**problem_document(problem), **further})
    response.content_type = "application/problem+json"
    return _with_status(response, problem)


def answer_of(error: errors.ShopsearchError) -> Response:
    """What is answered to whoever meets an error that shopsearch raised on purpose."""
    problem = problem_of(error)
    # the log has a line of each request anyway, and one of what is out of reach
    is_known = isinstance(error, errors.Overloaded | errors.IndexUnavailable)
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR and not is_known:
        _log.error("request failed", code=problem.code, reason=str(error))
    return _answer(problem)


def _wait_s(error: errors.ShopsearchError) -> int:
    if isinstance(error, errors.RateLimited | errors.IndexUnavailable):
        return error.retry_after_s
    return _RETRY_AFTER_OVERLOAD_S if isinstance(error, errors.Overloaded) else _RETRY_AFTER_S


def _answer_http_error(error: HTTPException) -> Response:
    if error.code is None or error.code < HTTPStatus.BAD_REQUEST:  # a redirect
        return make_response(error.get_response())
    status = HTTPStatus(error.code)
    if isinstance(error, RequestEntityTooLarge):
        return _answer(Problem(status, "too-large", _too_large_message()))
    problem = Problem(status, _kebab(status.phrase.title()), error.description or "")
    if isinstance(error, BadHost | SecurityError):  # a page would hold addresses of that host
        return problem_response(problem)
    answer = _answer(problem)
    if allowed := getattr(error, "valid_methods", None):
        answer.headers["Allow"] = ", ".join(sorted(allowed))
    return answer


def _answer_broken_body(error: Exception) -> Response:
    """A body is read when it is asked for: only then is it seen that its chunks are none."""
    reason = f"the body of the request is broken ({error}); send it whole"
    return _answer(Problem(HTTPStatus.BAD_REQUEST, "bad-request", reason[:200]))


def _answer_surprise(error: Exception) -> Response:
    """A defect. Everything about it goes to the log, nothing to the visitor."""
    _log.error("request failed unexpectedly", exc_info=error)
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return _answer(Problem(status, "internal-error", _closed_message(status)))


def _answer(problem: Problem) -> Response:
    if wants_json():
        return problem_response(problem)
    page = render_template(
        "error.html",
        problem=problem,
        asked=None,
        typed=request.args.get("q", ""),  # so that it need not be typed again
        request_id=request_id(),
    )
    return _with_status(make_response(page), problem)


def wants_json() -> bool:
    """Whether the request came for a program."""
    return request.path.startswith(("/api/", "/healthz", "/readyz", "/metrics", "/openapi"))


def _with_status(response: Response, problem: Problem) -> Response:
    response.status_code = problem.status
    g.problem_code = problem.code  # counted by metrics
    response.headers["Cache-Control"] = "no-store"
    if problem.is_passing:
        response.headers["Retry-After"] = str(problem.retry_after_s)
    if problem.status is HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = _CHALLENGE
    return response


def _too_large_message() -> str:
    if request.is_json and request.max_content_length is not None:
        limit = f"{request.max_content_length / 1024:,.0f} KiB"
        return f"that is too large: such a body may have up to {limit}; send less at a time"
    limit_mb = services().settings.max_image_bytes / 1e6
    return f"that is too large: a picture may have up to {limit_mb:g} MB; scale it down first"


def _closed_message(status: HTTPStatus) -> str:
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        return "the search is not ready to answer; its log says why, and `shopsearch doctor` helps"
    if status is HTTPStatus.NOT_IMPLEMENTED:
        return "the search is set up in a way that cannot do this; its log says what would"
    return "something broke on our side; if it stays, tell the shop the number of this request"


def _kebab(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])|[^A-Za-z]+", "-", name).lower()
