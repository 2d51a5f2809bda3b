"""`/api/v1/events`: what visitors did with the results of a search."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus

from flask import Blueprint, Response, abort, jsonify, request

from shopsearch.domain import MAX_PRODUCT_ID_CHARS, LoggedClick
from shopsearch.errors import QueryError
from shopsearch.server.api.json_body import json_body
from shopsearch.server.context import services
from shopsearch.server.search_logging import opted_out
from shopsearch.server.search_request import MAX_REACH

MAX_EVENTS = 100
CLICK = "click"
_FIELDS = ("type", "query_id", "product_id", "rank")
_QUERY_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SHOWN_CHARS = 80

blueprint = Blueprint("events", __name__, url_prefix="/api/v1")


@blueprint.post("/events")
def take_events() -> tuple[Response, int]:
    """Note events; all of them are read before the first is noted."""
    if not request.is_json:
        abort(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send application/json")
    clicks = _read_events(json_body())
    accepted = 0 if opted_out() else services().logbook.note_clicks(clicks)
    return jsonify(accepted=accepted), HTTPStatus.ACCEPTED


def _read_events(document: object) -> list[LoggedClick]:
    if not isinstance(document, Mapping) or set(document) != {"events"}:
        raise QueryError('the body must be a JSON object with one key: {"events": [...]}')
    events = document["events"]
    if not isinstance(events, list) or not 1 <= len(events) <= MAX_EVENTS:
        raise QueryError(f"`events` must be a list of 1 to {MAX_EVENTS} events")
    now = datetime.now(UTC)
    return [_read_event(f"events[{place}]", event, now) for place, event in enumerate(events)]


def _read_event(place: str, event: object, now: datetime) -> LoggedClick:
    if not isinstance(event, Mapping):
        raise QueryError(f"`{place}` is {_shown(event)}, but must be an object")
    if event.get("type") != CLICK:
        told = _shown(event.get("type"))
        raise QueryError(f"`{place}.type` is {told}, but the events taken here are: {CLICK}")
    if strange := sorted(set(event) - set(_FIELDS)):
        raise QueryError(f"`{place}` has no {_shown(strange[0])}; there is {', '.join(_FIELDS)}")
    return LoggedClick(
        search_id=_query_id(place, event.get("query_id")),
        product_id=_product_id(place, event.get("product_id")),
        rank=_rank(place, event.get("rank")),
        at=now,
    )


def _query_id(place: str, value: object) -> str:
    if not isinstance(value, str) or not _QUERY_ID.fullmatch(value):
        raise QueryError(
            f"`{place}.query_id` is {_shown(value)}, but must be the `query_id` of an answer"
        )
    return value


def _product_id(place: str, value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_PRODUCT_ID_CHARS:
        raise QueryError(
            f"`{place}.product_id` is {_shown(value)}, but must be a text of 1 to "
            f"{MAX_PRODUCT_ID_CHARS} characters"
        )
    return value


def _rank(place: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_REACH:
        raise QueryError(
            f"`{place}.rank` is {_shown(value)}, but must be the `rank` of the hit: a whole "
            f"number from 1 to {MAX_REACH:,}"
        )
    return value


def _shown(value: object) -> str:
    """A value as a message quotes it."""
    if value is None:
        return "missing"
    text = repr(value)
    short = text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "…"
    return short.encode(errors="replace").decode()
