"""The grammar of `--filter`.

    brand=Nike          the brand is Nike; given twice for one field, either value will do
    brand!=Nike         the brand is not Nike
    brand=[Nike,Puma]   the same as giving both; brand!=[Nike,Puma] is neither. Quotes keep a
                        comma within a value: category=["Toys, games",Books]
    price=10..50        a number within both bounds; 10.. and ..50 leave a side open
    price>=10  price<=50
    color=*             the product has a color; color!=* has none

Words are compared without regard to case. All filters hold together.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass

import click

from shopsearch.domain import AnyOf, Between, Condition, Exists, ProductFilter

NUMERIC_FIELDS = frozenset({"price"})
ALIASES = {"category": "product_type"}

_CLAUSE = re.compile(r"\s*(?P<field>[^=!<>]+?)\s*(?P<sign>!=|>=|<=|=)\s*(?P<value>.*?)\s*")
_RANGE = re.compile(r"(?P<low>-?\d+(?:\.\d+)?)?\s*\.\.\s*(?P<high>-?\d+(?:\.\d+)?)?")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?")
_LIST = re.compile(r"\[(?P<values>.*)\]", re.DOTALL)
_GRAMMAR = (
    "write FIELD=VALUE, FIELD=[ONE,TWO], FIELD!=VALUE, FIELD=LOW..HIGH, FIELD>=N, FIELD<=N "
    "or FIELD=*"
)


@dataclass(frozen=True, slots=True)
class _Clause:
    text: str
    field: str
    sign: str
    value: str


def parse_filters(texts: Iterable[str]) -> ProductFilter:
    """The filter that clauses of the grammar above spell. Raises `click.BadParameter`."""
    conditions: list[Condition] = []
    words: dict[tuple[str, bool], list[str]] = {}
    for clause in map(_read, texts):
        if condition := _exists(clause) or _between(clause):
            conditions.append(condition)
        else:
            values = words.setdefault((clause.field, clause.sign == "!="), [])
            values += [value.casefold() for value in _values(clause)]
    any_of = [AnyOf(field, tuple(values), negate) for (field, negate), values in words.items()]
    return ProductFilter((*any_of, *conditions))


def _read(text: str) -> _Clause:
    match = _CLAUSE.fullmatch(text)
    if match is None:
        raise _wrong(f"{text!r} is no filter: {_GRAMMAR}")
    if not match["value"]:
        raise _wrong(f"{text!r} names no value: {_GRAMMAR}")
    field = match["field"]
    return _Clause(text, ALIASES.get(field, field), match["sign"], match["value"])


def _values(clause: _Clause) -> list[str]:
    """The value of a clause, or those of its list in brackets."""
    match = _LIST.fullmatch(clause.value)
    if match is None:
        return [clause.value]
    try:
        (row,) = csv.reader([match["values"]], skipinitialspace=True, strict=True)
    except (csv.Error, ValueError):
        remedy = 'close every quote, as in FIELD=["one, with a comma",two]'
        raise _wrong(f"the list of {clause.text!r} cannot be read: {remedy}") from None
    values = [value.strip() for value in row]
    if not values or not all(values):
        raise _wrong(f"{clause.text!r} has an empty value: write {clause.field}=[ONE,TWO]")
    return values


def _exists(clause: _Clause) -> Exists | None:
    if clause.value != "*" or clause.sign not in ("=", "!="):
        return None
    return Exists(clause.field, present=clause.sign == "=")


def _between(clause: _Clause) -> Between | None:
    if clause.sign == ">=":
        return Between(clause.field, low=_number(clause))
    if clause.sign == "<=":
        return Between(clause.field, high=_number(clause))
    if (match := _RANGE.fullmatch(clause.value)) and (match["low"] or match["high"]):
        if clause.sign == "!=":
            raise _wrong(f"{clause.text!r} excludes a range: use two ranges, >= or <= instead")
        return _range(clause, match)
    if clause.field not in NUMERIC_FIELDS:
        return None
    if clause.sign == "!=":
        raise _wrong(f"{clause.text!r} excludes a number: use {clause.field}>=N or <=N instead")
    return Between(clause.field, _number(clause), _number(clause))


def _range(clause: _Clause, match: re.Match[str]) -> Between:
    low = float(match["low"]) if match["low"] else None
    high = float(match["high"]) if match["high"] else None
    if low is not None and high is not None and low > high:
        raise _wrong(f"{clause.text!r} is an empty range: {low:g} is above {high:g}")
    return Between(clause.field, low, high)


def _number(clause: _Clause) -> float:
    if not _NUMBER.fullmatch(clause.value):
        remedy = f"write {clause.field}=10..50, {clause.field}>=10 or {clause.field}<=50"
        raise _wrong(f"{clause.value!r} in {clause.text!r} is no number: {remedy}")
    return float(clause.value)


def _wrong(message: str) -> click.BadParameter:
    return click.BadParameter(message, param_hint="'--filter'")
