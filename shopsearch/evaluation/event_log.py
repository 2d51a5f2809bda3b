"""Reads a log of events, one JSON object a line.

`{"type", "product_id", "at", "visitor_id", "order_id"?}`: `type` is view, click, add_to_cart or
purchase, `at` a time as RFC 3339 has it; other keys are let through unread.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import NoReturn

from shopsearch.domain import MAX_PRODUCT_ID_CHARS, Event, EventKind
from shopsearch.errors import EvaluationError

_TEXTS = {"product_id": MAX_PRODUCT_ID_CHARS, "visitor_id": 1_000, "order_id": 1_000}


def read_events(path: Path) -> list[Event]:
    """All events of a file, the oldest first. Raises `EvaluationError`, naming the line."""
    try:
        events = list(_events(path))
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise EvaluationError(message) from error
    except UnicodeDecodeError:
        raise EvaluationError(f"{path} is not UTF-8: save it so") from None
    if not events:
        raise EvaluationError(f"{path} holds no event: write one JSON object a line")
    return sorted(events, key=lambda one: one.at)


def _events(path: Path) -> Iterator[Event]:
    with path.open(encoding="utf-8-sig") as lines:
        for row, line in enumerate(lines, start=1):
            if line.strip():
                yield _event(f"{path.name}, line {row}", row, line)


def _event(place: str, row: int, line: str) -> Event:
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        _wrong(place, "it is no JSON")
    if not isinstance(told, Mapping):
        _wrong(place, "it is no JSON object")
    texts = {name: _text(place, told, name, limit) for name, limit in _TEXTS.items()}
    if not texts["product_id"]:
        _wrong(place, "`product_id` is missing")
    return Event(
        event_id=str(row),
        kind=_kind(place, told.get("type")),
        product_id=texts["product_id"],
        at=_moment(place, told.get("at")),
        visitor=texts["visitor_id"],
        order_id=texts["order_id"],
    )


def _text(place: str, told: Mapping[str, object], name: str, limit: int) -> str:
    value = told.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > limit:
        _wrong(place, f"`{name}` must be a text of at most {limit:,} characters")
    return value


def _kind(place: str, value: object) -> EventKind:
    if not isinstance(value, str) or value not in {*EventKind}:
        _wrong(place, f"`type` is {str(value)[:40]!r}, but must be one of {', '.join(EventKind)}")
    return EventKind(value)


def _moment(place: str, value: object) -> datetime:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        _wrong(place, "`at` must be a time with its zone, such as 2026-11-01T12:00:00Z")
    return at


def _wrong(place: str, message: str) -> NoReturn:
    raise EvaluationError(f"{place}: {message}")
