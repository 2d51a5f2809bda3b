"""`/api/v1/events`: what visitors did with products."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, ClassVar

from flask import Blueprint, Response, jsonify, request
from pydantic import BaseModel, ConfigDict, Field

from shopsearch.domain import Event, LoggedClick, Scope
from shopsearch.errors import QueryError
from shopsearch.events.told import TYPES, AnyEvent, Click, ToldEvent, hashed_id, random_id, shown
from shopsearch.server.api.operations import JSON, PROBLEM, Answer, operation
from shopsearch.server.api.reading import Asked, read_body
from shopsearch.server.context import services
from shopsearch.server.search_logging import opted_out

MAX_EVENTS = 1_000
MAX_EVENTS_BYTES = 2 * 1024 * 1024  # as many events with the longest ids, spelled in escapes
KEY_HEADER = "Idempotency-Key"
_KEY = re.compile(r"[!-~]{1,200}")

blueprint = Blueprint("events", __name__, url_prefix="/api/v1")


class EventsAsked(Asked):
    """Events to be noted, all or none."""

    variants: ClassVar[frozenset[str]] = TYPES

    events: Annotated[
        list[AnyEvent],
        Field(min_length=1, max_length=MAX_EVENTS, description="What visitors did."),
    ]


class EventsAccepted(BaseModel):
    """How many events were taken."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    accepted: Annotated[int, Field(ge=0, le=MAX_EVENTS)]


@blueprint.post("/events")
@operation(
    "events",
    tag="events",
    scope=Scope.EVENTS,
    bodies={JSON: EventsAsked},
    answers={
        HTTPStatus.ACCEPTED: Answer("So many are noted, to be written soon.", EventsAccepted),
        HTTPStatus.SERVICE_UNAVAILABLE: Answer(
            "There is no room for them now, and none is noted: send them again.",
            media_type=PROBLEM,
        ),
    },
)
def take_events() -> tuple[Response, int]:
    """Note what visitors did: views, clicks, carts and purchases.

    All events are read before the first is noted; 0 are accepted of who does not want to be
    followed (`DNT: 1`, `Sec-GPC: 1`). With the header `Idempotency-Key`, a batch that is sent again
    is kept once.
    """
    told = read_body(EventsAsked, max_bytes=MAX_EVENTS_BYTES).events
    events = _events(told, _key())
    accepted = 0 if opted_out() else _note(told, events)
    return jsonify(EventsAccepted(accepted=accepted).model_dump()), HTTPStatus.ACCEPTED


def _note(told: Sequence[ToldEvent], events: Sequence[Event]) -> int:
    """Events first: where there is no room for them, clicks are not noted twice later."""
    n_kept = services().event_book.note(events)
    clicks = [
        LoggedClick(one.query_id, one.product_id, one.rank, one.at)
        for one in told
        if isinstance(one, Click) and one.query_id
    ]
    return max(n_kept, services().logbook.note_clicks(clicks))


def _events(told: Sequence[ToldEvent], key: str | None) -> list[Event]:
    now, keep_days = datetime.now(UTC), services().settings.events_days
    for place, one in enumerate(told):
        if problem := one.untimely(now, keep_days):
            raise QueryError(f"`events[{place}].at`: {problem}")
    return [one.event(_event_id(one, key, place)) for place, one in enumerate(told)]


def _event_id(told: ToldEvent, key: str | None, place: int) -> str:
    """A click on a hit is one, however often it is sent; so is what is sent under one key."""
    if isinstance(told, Click) and told.query_id:
        return hashed_id("click", told.query_id, told.product_id)
    return random_id() if key is None else hashed_id("batch", key, str(place))


def _key() -> str | None:
    key = request.headers.get(KEY_HEADER)
    if key is not None and not _KEY.fullmatch(key):
        raise QueryError(
            f"the header `{KEY_HEADER}` is {shown(repr(key))}, but must be 1 to 200 letters, "
            "digits and signs of ASCII, without spaces"
        )
    return key
