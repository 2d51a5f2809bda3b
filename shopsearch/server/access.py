"""Who may ask what: the key of a request is held against what its operation needs.

Each operation says its scope itself (`api/operations.py`). Pages and pictures go by the scope
`search`, as they show what it finds. A route below /api/ that says nothing needs `admin`, so that
one that was forgotten is closed.
"""

from __future__ import annotations

from flask import Flask, current_app, g, request

from shopsearch.access.spelling import holds_key
from shopsearch.domain import ApiKey, Scope
from shopsearch.errors import KeyMissing, KeyRefused, QueryError, ScopeMissing
from shopsearch.server import rates
from shopsearch.server.api.operations import operation_of
from shopsearch.server.context import services

OPEN = frozenset(  # whoever asks, and however often
    {"static", "assets.stylesheet", "theme.theme", "theme.logo", "health.alive", "health.ready"}
)
# by the first part of the endpoint: how to ask, and in which language, and no product
TOLD_TO_ALL = frozenset({"docs", "language"})
METRICS = "/metrics"
KEY_HEADER = "X-API-Key"
_BEARER = "bearer "


def install(app: Flask) -> None:
    """Let requests in, or not, before anything else is done with them.

    A request is counted after its key is known and before it is let in: those that are refused
    count too.
    """
    app.before_request(_identify)
    rates.install(app)
    app.before_request(_admit)


def caller() -> ApiKey | None:
    """The key behind the request at hand; None where it has none, or a bad one."""
    key: ApiKey | None = g.get("api_key")
    return key


def is_open() -> bool:
    """Whether the request at hand is let in whatever it carries: what a browser asks before it asks
    (CORS preflight), health checks, and the files that every page needs.
    """
    return request.method == "OPTIONS" or request.endpoint in OPEN


def needed_scope(app: Flask, endpoint: str | None, path: str) -> Scope | None:
    """What an endpoint needs; None where everybody may ask."""
    if endpoint is None:  # nothing is there: the answer is 404 or 405
        return None
    if endpoint in OPEN or endpoint.split(".", 1)[0] in TOLD_TO_ALL:
        return None
    operation = operation_of(app, endpoint)
    if operation is not None:
        return operation.scope
    return Scope.ADMIN if path.startswith("/api/") else Scope.SEARCH


def _identify() -> None:
    """Whose request it is. A bad key is remembered, and refused once the request is counted."""
    if is_open():
        return
    try:
        given = _given_key()
        key = g.api_key = None if given is None else services().key_ring.authenticate(given)
        g.key_id = None if key is None else key.key_id  # for the log
    except KeyRefused as refused:
        g.key_refused = refused


def _admit() -> None:
    """Raises `KeyMissing`, `KeyRefused`, `ScopeMissing`, or `QueryError`."""
    if is_open():
        return
    if (refused := g.get("key_refused")) is not None:
        raise refused
    if holds_key(request.query_string.decode("latin-1")):
        raise QueryError(
            "an API key stands in the address, where logs and histories keep it: give it another "
            "secret with `shopsearch keys rotate ID`, and send that as Authorization: Bearer"
        )
    scope = needed_scope(current_app, request.endpoint, request.path)
    if scope is None or _is_public(scope):
        return
    key = caller()
    if key is None:
        raise KeyMissing(
            f"this needs an API key of the scope {scope}: send it as `Authorization: Bearer sk_...`"
        )
    if not key.may(scope):
        raise ScopeMissing(scope, key.scopes)


def _is_public(scope: Scope) -> bool:
    settings = services().settings
    return scope in settings.public_scopes or (request.path == METRICS and settings.metrics_public)


def _given_key() -> str | None:
    """The key as it was sent; None where none was. Raises `KeyRefused` where two differ.

    `Authorization` of another kind than Bearer is none of ours: a proxy before us may ask for it.
    """
    given = []
    authorization = request.environ.get("HTTP_AUTHORIZATION", "")
    if authorization[: len(_BEARER)].lower() == _BEARER:
        given.append(authorization[len(_BEARER) :].strip())
    elif authorization.lower() == _BEARER.strip():
        given.append("")
    if (header := request.environ.get("HTTP_X_API_KEY")) is not None:
        given.append(header.strip())
    if len(set(given)) > 1:
        raise KeyRefused(f"Authorization and {KEY_HEADER} carry different keys; send one of them")
    return given[0] if given else None
