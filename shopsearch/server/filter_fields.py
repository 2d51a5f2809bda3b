"""The names by which a request filters, beside `filter.FIELD` for a value that will do.

    exclude.FIELD   a value that will not do; repeatable
    min.FIELD       max.FIELD     bounds of a number, included
    has.FIELD       true: the field has a value; false: it has none

The field stands last, since a shop's own may have dots in its name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence

from shopsearch.domain import AnyOf, Between, Condition, Exists
from shopsearch.errors import QueryError

MAX_FIELD_CHARS = 64
EXCLUDE, MIN, MAX, HAS = "exclude.", "min.", "max.", "has."
PREFIXES = (EXCLUDE, MIN, MAX, HAS)
FLAG_PREFIX = HAS

_NUMBER = re.compile(r"-?[0-9]{1,16}(\.[0-9]{1,30})?(e[+-]?[0-9]{1,3})?", re.ASCII | re.IGNORECASE)
_HIGHEST = 1e15
_SHOWN_CHARS = 80


def is_filter_name(name: str) -> bool:
    """Whether a name is one of this grammar. Raises `QueryError` where another one is meant."""
    if name in ("min.price", "max.price", "exclude.price"):
        raise QueryError(f"`{name}` is not there: prices are filtered by `price.min`, `price.max`")
    return any(
        name.startswith(prefix) and 0 < len(name) - len(prefix) <= MAX_FIELD_CHARS
        for prefix in PREFIXES
    )


def read_conditions(given: Mapping[str, Sequence[str]]) -> tuple[Condition, ...]:
    """The conditions that values by name spell; other names are passed over.

    Raises `QueryError`, naming field, value and remedy.
    """
    conditions: list[Condition] = []
    bounded: dict[str, Between] = {}
    for name, values in given.items():
        prefix, _, field = name.partition(".")
        if f"{prefix}." == EXCLUDE:
            conditions.append(AnyOf(field, tuple(values), negate=True))
        elif f"{prefix}." == HAS:
            conditions.append(Exists(field, present=_flag(name, values)))
        elif f"{prefix}." in (MIN, MAX):
            bounded.setdefault(field, _between(given, field))
    return (*conditions, *bounded.values())


def written_conditions(conditions: Sequence[Condition]) -> Iterator[tuple[str, str]]:
    """Names and values that `read_conditions` reads back."""
    for one in conditions:
        match one:
            case AnyOf():
                yield from ((EXCLUDE + one.field, value) for value in one.values)
            case Exists():
                yield HAS + one.field, str(one.present).lower()
            case Between():
                bounds = ((MIN, one.low), (MAX, one.high))
                yield from (
                    (side + one.field, f"{bound:.12g}")
                    for side, bound in bounds
                    if bound is not None
                )


def _between(given: Mapping[str, Sequence[str]], field: str) -> Between:
    low, high = _number(given, MIN + field), _number(given, MAX + field)
    if low is not None and high is not None and low > high:
        raise QueryError(
            f"`{_shown(MIN + field)}` is {low:g} and `{_shown(MAX + field)}` is {high:g}: "
            "no number is in between; swap them"
        )
    return Between(field, low, high)


def _number(given: Mapping[str, Sequence[str]], name: str) -> float | None:
    values = given.get(name, ())
    if not values:
        return None
    number = float(values[0]) if _NUMBER.fullmatch(values[0]) else math.nan
    if len(values) > 1 or not abs(number) <= _HIGHEST:
        raise QueryError(
            f"`{_shown(name)}` is {_shown(', '.join(values))!r}, but must be one plain number, "
            "such as 42 or -1.5"
        )
    return number


def _flag(name: str, values: Sequence[str]) -> bool:
    if len(values) > 1 or values[0] not in ("true", "false"):
        raise QueryError(
            f"`{_shown(name)}` is {_shown(', '.join(values))!r}, but must be true or false"
        )
    return values[0] == "true"


def _shown(value: str) -> str:
    short = value if len(value) <= _SHOWN_CHARS else value[:_SHOWN_CHARS] + "…"
    return short.encode(errors="replace").decode()
