"""What belongs together in a search, and no schema can tell: cases that break it are not sent.

Loaded by schemathesis, which wants its hooks in a module of their own; each rule has a test of its
own in tests/server/test_api.py or test_wishes.py.
"""

from __future__ import annotations

import schemathesis

WISHES = ("also", "also_product", "also_image_url", "not_product")


@schemathesis.hook
def filter_case(context, case) -> bool:
    told_twice = {"why", "text_weight"} <= set(case.query or {}) and "similar" in case.path
    return not told_twice and not is_dated(case) and all(map(fits, searches_of(case)))


def is_dated(case) -> bool:
    """Events must be of the last year and of the past, which is another one each day."""
    events = case.body.get("events") if isinstance(case.body, dict) else None
    events = events if isinstance(events, list) else []
    return any(isinstance(event, dict) and "at" in event for event in events)


def searches_of(case):
    yield case.query or {}
    body = case.body if isinstance(case.body, dict) else {}
    yield body
    yield body.get("search") or {}
    batch = body.get("searches")
    yield from batch if isinstance(batch, list) else ()


def fits(fields) -> bool:
    if not isinstance(fields, dict):
        return True
    reach = number(fields, "page", 1) * number(fields, "size", 24) <= 10_000
    pictured = fields.get("image") or fields.get("image_url")
    return (
        reach
        and not ("image" in fields and fields.get("image_url"))
        and prices_fit(fields)
        and wishes_fit(fields)
        and bool(pictured or not fields.get("crop"))
    )


def prices_fit(fields) -> bool:
    nested = fields.get("price")
    nested = nested if isinstance(nested, dict) else {}
    lows = [number(fields, "price.min", 0), number(nested, "min", 0)]
    highs = [number(fields, "price.max", 1e99), number(nested, "max", 1e99)]
    once = not (nested and {"price.min", "price.max"} & set(fields))
    bounds = all(low_of(fields, name) <= high_of(fields, name) for name in bounded(fields))
    return once and bounds and max(lows) <= min(highs)


def bounded(fields) -> set[str]:
    flat = {name[4:] for name in fields if name.startswith(("min.", "max."))}
    return flat | {name for side in ("min", "max") for name in mapped(fields, side)}


def low_of(fields, name: str) -> float:
    return max(number(fields, f"min.{name}", -1e99), number(mapped(fields, "min"), name, -1e99))


def high_of(fields, name: str) -> float:
    return min(number(fields, f"max.{name}", 1e99), number(mapped(fields, "max"), name, 1e99))


def mapped(fields, name: str) -> dict:
    value = fields.get(name)
    return value if isinstance(value, dict) else {}


def wishes_fit(fields) -> bool:
    lists = [as_list(fields.get(name)) for name in WISHES]
    if sum(map(len, lists)) > 10:
        return False
    wanted = [fields.get(name) for name in ("q", "product_id", "image_url", "image")]
    excludes = as_list(fields.get("not")) or any(lists)
    return bool(any(wanted) or not excludes)


def as_list(value) -> list:
    if value is None or value == "":
        return []
    return value if isinstance(value, list) else [value]


def number(fields, name: str, otherwise: float) -> float:
    try:
        return float(fields.get(name, otherwise))
    except (TypeError, ValueError):
        return otherwise
