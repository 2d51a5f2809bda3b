"""How a merchandising rule is spelt in JSON: in the store, in files, and to programs.

Reading refuses what it does not know, and names the field: a misspelt rule never passes unnoticed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, TypeVar

from shopsearch.domain import (
    EVERYTHING,
    Among,
    AnyOf,
    Between,
    Condition,
    Exists,
    Narrowing,
    ProductFilter,
    Withheld,
)
from shopsearch.errors import RuleError
from shopsearch.rules import Lift, Pin, Rule, When

_MAX_NUMBER = 1e15  # beyond, whole numbers are no longer exact
_T = TypeVar("_T")
_D = TypeVar("_D")


def moment(text: str) -> datetime:
    """A moment in ISO 8601 with its zone, such as 2026-12-01T00:00+01:00. Raises `RuleError`."""
    try:
        parsed = datetime.fromisoformat(text)
        if parsed.tzinfo is not None:
            return parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise RuleError(
        f"{text[:80]!r} is no moment; write it in ISO 8601 with a time zone, such as "
        "2026-12-01T00:00Z or 2026-12-01T00:00+01:00"
    )


def rule_json(rule: Rule) -> dict[str, Any]:
    """The rule as a JSON object; what it does not say is left out."""
    said: dict[str, Any] = {
        "name": rule.name,
        **{name: text for name, text in asdict(rule.when).items() if text},
        "pins": [asdict(pin) for pin in rule.pins],
        "hide": list(rule.hide),
        "hide_where": _filter_json(rule.hide_where),
        "boost": _lift_json(rule.boost),
        "bury": _lift_json(rule.bury),
        "from": rule.start and rule.start.isoformat(),
        "until": rule.until and rule.until.isoformat(),
        "paused": rule.paused,
    }
    return {name: value for name, value in said.items() if value}


def filter_text(where: ProductFilter) -> str:
    """A filter as the command line spells it."""
    return " and ".join(map(_condition_text, where.conditions))


def rule_of(document: object) -> Rule:
    """The rule that a JSON object spells. Raises `RuleError`, which names the field."""
    given = dict(_object(document, "the rule"))
    fields = _Fields(given)
    rule = Rule(
        name=fields.take("name", _text, ""),
        when=When(
            query_is=fields.take("query_is", _text, ""),
            words=fields.take("words", _text, ""),
            pattern=fields.take("pattern", _text, ""),
            category=fields.take("category", _text, ""),
        ),
        pins=fields.take("pins", _pins, ()),
        hide=fields.take("hide", _texts, ()),
        hide_where=fields.take("hide_where", _filter, EVERYTHING),
        boost=fields.take("boost", _lift, None),
        bury=fields.take("bury", _lift, None),
        start=fields.take("from", _moment, None),
        until=fields.take("until", _moment, None),
        paused=fields.take("paused", _flag, False),
    )
    fields.check_empty("the rule")
    return rule


class _Fields:
    """The fields of a JSON object, each taken once; a fault names its field."""

    def __init__(self, given: dict[str, Any]) -> None:
        self._given = given

    def take(self, name: str, read: Callable[[Any, str], _T], default: _D) -> _T | _D:
        value = self._given.pop(name, None)
        return default if value is None else read(value, name)

    def check_empty(self, of: str) -> None:
        if self._given:
            raise RuleError(f"{next(iter(self._given))[:80]!r} is no field of {of}")


def _object(value: object, name: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise RuleError(f"{name}: must be a JSON object, not {_shown(value)}")
    return value


def _list(value: object, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise RuleError(f"{name}: must be a JSON list, not {_shown(value)}")
    return value


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise RuleError(f"{name}: must be a text, not {_shown(value)}")
    return value


def _number(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise RuleError(f"{name}: must be a number, not {_shown(value)}")
    if not abs(value) <= _MAX_NUMBER:  # NaN is no number either
        raise RuleError(f"{name}: must be a number of at most {_MAX_NUMBER:g}")
    return float(value)


def _whole_number(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise RuleError(f"{name}: must be a whole number, not {_shown(value)}")
    return value


def _flag(value: object, name: str) -> bool:
    if not isinstance(value, bool):
        raise RuleError(f"{name}: must be true or false, not {_shown(value)}")
    return value


def _shown(value: object) -> str:
    return repr(value)[:80]


def _texts(value: object, name: str) -> tuple[str, ...]:
    return tuple(_text(one, f"{name}[{n}]") for n, one in enumerate(_list(value, name)))


def _moment(value: object, name: str) -> datetime:
    try:
        return moment(_text(value, name))
    except RuleError as error:
        raise RuleError(f"{name}: {error}") from None


def _pins(value: object, name: str) -> tuple[Pin, ...]:
    return tuple(_pin(one, f"{name}[{n}]") for n, one in enumerate(_list(value, name)))


def _pin(value: object, name: str) -> Pin:
    fields = _Fields(dict(_object(value, name)))
    position = fields.take("position", lambda one, _: _whole_number(one, f"{name}.position"), 0)
    product_id = fields.take("product_id", lambda one, _: _text(one, f"{name}.product_id"), "")
    fields.check_empty(name)
    return Pin(position, product_id)


def _lift(value: object, name: str) -> Lift:
    fields = _Fields(dict(_object(value, name)))
    where = fields.take("where", lambda one, _: _filter(one, f"{name}.where"), EVERYTHING)
    factor = fields.take("factor", lambda one, _: _number(one, f"{name}.factor"), 2.0)
    fields.check_empty(name)
    return Lift(where, factor)


def _filter(value: object, name: str) -> ProductFilter:
    conditions = (_condition(one, f"{name}[{n}]") for n, one in enumerate(_list(value, name)))
    return ProductFilter(tuple(conditions)).canonical()


def _condition(value: object, name: str) -> Condition:
    given = dict(_object(value, name))
    fields = _Fields(given)
    field = fields.take("field", lambda one, _: _text(one, f"{name}.field"), "")
    if not field:
        raise RuleError(f"{name}: names no field")
    condition = _said_of(field, fields, name, frozenset(given))
    fields.check_empty(name)
    return condition


def _said_of(field: str, fields: _Fields, name: str, given: frozenset[str]) -> Condition:
    if "exists" in given:
        present = fields.take("exists", lambda one, _: _flag(one, f"{name}.exists"), True)
        return Exists(field, present)
    if given & {"min", "max"}:
        low = fields.take("min", lambda one, _: _number(one, f"{name}.min"), None)
        high = fields.take("max", lambda one, _: _number(one, f"{name}.max"), None)
        if low is not None and high is not None and low > high:
            raise RuleError(f"{name}: min is {low:g} and max is {high:g}: nothing is in between")
        return Between(field, low, high)
    values = fields.take("any_of", lambda one, _: _texts(one, f"{name}.any_of"), None)
    if not values:
        raise RuleError(f"{name}: says nothing of {field!r}; give any_of, min, max or exists")
    negate = fields.take("not", lambda one, _: _flag(one, f"{name}.not"), False)
    return AnyOf(field, tuple(value.casefold() for value in values), negate)


def _lift_json(lift: Lift | None) -> dict[str, Any] | None:
    if lift is None:
        return None
    return {"where": _filter_json(lift.where), "factor": lift.factor}


def _filter_json(where: ProductFilter) -> list[dict[str, Any]]:
    return [_condition_json(condition) for condition in where.conditions]


def _condition_json(condition: Condition | Narrowing) -> dict[str, Any]:
    match condition:
        case AnyOf(field, values, negate):
            return {"field": field, "any_of": list(values), **({"not": True} if negate else {})}
        case Between(field, low, high):
            bounds = {"min": low, "max": high}
            return {"field": field, **{n: one for n, one in bounds.items() if one is not None}}
        case Exists(field, present):
            return {"field": field, "exists": present}
        case Withheld() | Among():
            raise RuleError("what rules withhold cannot be a filter of a rule")


def _condition_text(condition: Condition | Narrowing) -> str:
    match condition:
        case AnyOf(field, values, negate):
            told = values[0] if len(values) == 1 else f"[{', '.join(values)}]"
            return f"{field}{'!=' if negate else '='}{told}"
        case Between(field, low, high):
            bounds = ("" if one is None else f"{one:g}" for one in (low, high))
            return f"{field}={'..'.join(bounds)}"
        case Exists(field, present):
            return f"{field}{'=' if present else '!='}*"
        case Withheld() | Among():
            return "what rules withhold"
