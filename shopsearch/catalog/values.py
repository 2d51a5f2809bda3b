"""Values of records, as CSV and JSON give them -> plain text and flat columns."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TypeAlias

from shopsearch.catalog.fields import is_spread
from shopsearch.domain import VALUE_SEPARATOR

# Numbers are kept as they were written: 19.90 stays 19.90, an id of 20 digits stays exact.
Json: TypeAlias = "str | bool | list[Json] | dict[str, Json] | None"
Record: TypeAlias = Mapping[str, Json]

_MAX_DEPTH = 6  # of columns: what lies deeper is told in one
_MAX_NESTED = 50
_NAME_KEYS = ("key", "name", "label", "attribute_name")  # the last is Google's, in product_detail
_VALUE_KEYS = ("value", "values", "attribute_value")
_AMOUNT_KEYS = ("value", "amount")
_CURRENCY_KEYS = ("currency", "currency_code", "currencyCode")


def parse_json(text: str) -> Json:
    """Raises `json.JSONDecodeError`, or `ValueError` where it is nested too deeply."""
    try:
        value: Json = json.loads(
            text, parse_float=str, parse_int=str, parse_constant=lambda _: None
        )
    except RecursionError as error:
        raise ValueError("the JSON is nested without end") from error
    if _is_deeper(value, _MAX_NESTED):
        raise ValueError(f"the JSON is nested more than {_MAX_NESTED} levels deep")
    return value


def _is_deeper(value: Json, levels: int) -> bool:
    if not isinstance(value, list | dict):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(each, levels - 1) for each in inner)


def as_text(value: Json) -> str:
    """One line for anything: lists are joined by commas, objects told as `name: value`."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(filter(None, map(as_text, value)))
    if money := _money(value):
        return money
    return ", ".join(f"{name}: {text}" for name, each in value.items() if (text := as_text(each)))


def as_values(value: Json) -> str:
    """The same for a field that may have several values, which lists give it."""
    if not isinstance(value, list) or any(isinstance(each, dict) for each in value):
        return as_text(value)
    values = filter(None, map(as_values, value))
    return VALUE_SEPARATOR.join(dict.fromkeys(values))


def flatten(record: Mapping[str, Json]) -> Record:
    """Nested objects become columns with dotted names, but for those that hold attributes."""
    if not any(isinstance(value, dict) for value in record.values()):
        return record
    return dict(_flat(record, "", 1))


def _flat(record: Mapping[str, Json], prefix: str, depth: int) -> Iterator[tuple[str, Json]]:
    for name, value in record.items():
        column = f"{prefix}{name}"
        if not isinstance(value, dict) or is_spread(name) or depth == _MAX_DEPTH:
            yield column, value
        elif money := _money(value):
            yield column, money
        else:
            yield from _flat(value, f"{column}.", depth + 1)


def spread(value: Json) -> Iterator[tuple[str, str]]:
    """The attributes in an object, in a list of name and value pairs, or in JSON that is text.

    Text that is no JSON has none: it is one value.
    """
    if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
        try:
            value = parse_json(value)
        except ValueError:
            return
    if isinstance(value, dict):
        yield from ((name, as_values(each)) for name, each in _flat(value, "", 1))
    elif isinstance(value, list):
        for pair in value:
            if isinstance(pair, dict) and (name := _first(pair, _NAME_KEYS)):
                yield name, next(filter(None, (as_values(pair.get(k)) for k in _VALUE_KEYS)), "")


def _money(value: dict[str, Json]) -> str:
    """{"value": "19.99", "currency": "USD"} as `19.99 USD`; "" for anything else."""
    amount, currency = _first(value, _AMOUNT_KEYS), _first(value, _CURRENCY_KEYS)
    return f"{amount} {currency}" if amount and currency else ""


def _first(value: dict[str, Json], names: tuple[str, ...]) -> str:
    return next((text for name in names if (text := as_text(value.get(name)))), "")
