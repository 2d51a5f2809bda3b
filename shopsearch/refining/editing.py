"""A query in, the same query with one thing changed out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from shopsearch.domain import (
    FILTER_ALIASES,
    AnyOf,
    Between,
    Narrowing,
    ProductFilter,
    Query,
    Sort,
    Wanted,
)
from shopsearch.domain.filters import Condition

PRICE = "price"
_DANGLING = r"(?:in|with|of|for|and|or|made of|by|from|but|the|a|an)"


def values_wanted(query: Query, field: str) -> tuple[str, ...]:
    """The values of a field that will do."""
    return tuple(
        value
        for one in query.where.conditions
        if isinstance(one, AnyOf) and not one.negate and _field(one) == field
        for value in one.values
    )


def values_excluded(query: Query, field: str) -> tuple[str, ...]:
    """The values of a field that will not do."""
    return tuple(
        value
        for one in query.where.conditions
        if isinstance(one, AnyOf) and one.negate and _field(one) == field
        for value in one.values
    )


def wanting(query: Query, field: str, values: Iterable[str]) -> Query:
    """Of a field, these values alone will do, and none of them is excluded any more."""
    wanted = _each_once(values)
    kept = _without_values(query, field, wanted, negate=True)
    others = [one for one in kept if not _is_any_of(one, field, negate=False)]
    return _where(query, [*others, AnyOf(field, wanted)] if wanted else others)


def excluding(query: Query, field: str, values: Iterable[str]) -> Query:
    """Of a field, these values will not do either."""
    new = _each_once(values)
    kept = _without_values(query, field, new, negate=False)
    others = [one for one in kept if not _is_any_of(one, field, negate=True)]
    return _where(
        query, [*others, AnyOf(field, _each_once((*values_excluded(query, field), *new)), True)]
    )


def without_values(query: Query, field: str, values: Iterable[str]) -> Query:
    """Nothing is said of these values of a field."""
    gone = tuple(values)
    once = _where(query, _without_values(query, field, gone, negate=False))
    return _where(once, _without_values(once, field, gone, negate=True))


def without_field(query: Query, field: str) -> Query:
    """Nothing is said of a field."""
    return _where(query, [one for one in query.where.conditions if _field(one) != field])


def bounds_of(query: Query) -> Between | None:
    """The price that will do."""
    found = (one for one in query.where.conditions if isinstance(one, Between))
    return next((one for one in found if one.field == PRICE), None)


def priced(query: Query, low: float | None, high: float | None) -> Query:
    """The price is within these bounds alone."""
    others = without_field(query, PRICE).where.conditions
    return _where(query, [*others, Between(PRICE, low, high)])


def without_words(query: Query, words: str) -> Query:
    """The text without some of its words, and without what they leave dangling."""
    pattern = r"\s+".join(map(re.escape, words.split()))
    text = re.sub(rf"(?<!\w){pattern}(?:'s)?(?!\w)", " ", query.text, flags=re.IGNORECASE)
    if text == query.text:
        return query
    text = re.sub(rf"(?:\s+{_DANGLING})+\s*$|^\s*(?:{_DANGLING}\s+)+", "", text, flags=re.I)
    return replace(query, text=" ".join(text.split()).strip(" ,;"))


def with_wish(query: Query, wish: Wanted) -> Query:
    """One more wish; one for the same has its weight from now on."""
    mine = (wish.text.casefold(), wish.product_id, wish.image)
    others = [one for one in query.also if (one.text.casefold(), one.product_id, one.image) != mine]
    return replace(query, also=(*others, wish))


def cleared(query: Query) -> Query:
    """What is searched for, without anything that narrows or orders it."""
    return replace(
        query, where=ProductFilter(), negatives=(), also=(), literal=(), sort=Sort.RELEVANCE
    )


def renewed(query: Query, text: str) -> Query:
    """Nothing but these words."""
    return replace(cleared(query), text=text, product_id=None, text_weight=0.5)


def same(one: str, other: str) -> bool:
    """Whether two values are equal but for case."""
    return one.casefold() == other.casefold()


def _field(condition: Condition | Narrowing) -> str:
    return FILTER_ALIASES.get(condition.field, condition.field)


def _is_any_of(one: Condition | Narrowing, field: str, *, negate: bool) -> bool:
    return isinstance(one, AnyOf) and one.negate is negate and _field(one) == field


def _without_values(
    query: Query, field: str, values: Iterable[str], *, negate: bool
) -> list[Condition | Narrowing]:
    gone = {value.casefold() for value in values}
    kept: list[Condition | Narrowing] = []
    for one in query.where.conditions:
        if isinstance(one, AnyOf) and _is_any_of(one, field, negate=negate):
            left = tuple(value for value in one.values if value.casefold() not in gone)
            kept += [replace(one, values=left)] if left else []
        else:
            kept.append(one)
    return kept


def _where(query: Query, conditions: Iterable[Condition | Narrowing]) -> Query:
    return replace(query, where=ProductFilter(tuple(conditions)))


def _each_once(values: Iterable[str]) -> tuple[str, ...]:
    return tuple({value.casefold(): value for value in reversed(tuple(values))}.values())[::-1]
