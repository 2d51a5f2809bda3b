"""A `ProductFilter` as an expression that Milvus understands.

No word of a filter and no name of a field ever becomes part of an expression: words are kept as
tags, 63 bits of a hash, and asked for by them; fields of numbers have the hash of their name as
their name. Beside constants of this module an expression holds digits alone, so that nothing can
be smuggled into it.

An expression lets through all that the filter does, and perhaps more: what cannot be said, or not
in reasonable length, is left out of it. Whoever asks knows the filter's own answer from the memory
of the process, and drops what does not belong.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import (
    Among,
    AnyOf,
    Between,
    Condition,
    Exists,
    FilterRow,
    Narrowing,
    ProductFilter,
    Withheld,
)
from shopsearch.index.column import number

ROW, TAGS, NUMBERS, VECTOR = "row", "tags", "numbers", "vector"
MAX_TAGS = 4096  # of one product, as many as an array of Milvus may have
MAX_WORDS = 256  # that are asked for at once
MAX_ROWS = 4096  # that are named at once; a server reads so many in some 30 ms

_SMALLEST, _LARGEST = 1e-4, 1e15  # numbers between them are written without an exponent
_NOTHING, _EVERYTHING = f"{ROW} < 0", f"{ROW} >= 0"
_OVERFULL = ("", "", "overfull")  # the tag of a product that its tags do not tell all about


@lru_cache(maxsize=65536)
def tag(kind: str, field: str, word: str = "") -> int:
    """What stands for a word, a number, or any value in a field: 63 bits that no two have in
    common, as good as surely; where two have, the answer is still right.
    """
    said = "\0".join((kind, field.replace("\0", "\0\0"), word))
    digest = hashlib.blake2b(said.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def number_name(field: str) -> str:
    """The name under which the number of a field is kept."""
    return f"n{tag('name', field):016x}"


def tags_of(row: FilterRow) -> list[int]:
    """All that can be asked of a product but whether a number lies within bounds."""
    tags: set[int] = set()
    for field, value in row.items():
        if isinstance(value, tuple):
            tags |= {tag("word", field, word.casefold()) for word in value}
            tags |= {tag("any", field)} if value else set()
        elif not math.isnan(value):
            tags |= {tag("any", field), tag("number", field), _number_tag(field, value)}
    is_told = all(isinstance(value, tuple) or _can_be_kept(value) for value in row.values())
    if len(tags) > MAX_TAGS or not is_told:
        tags = {*sorted(tags)[: MAX_TAGS - 1], tag(*_OVERFULL)}
    return sorted(tags)


def numbers_of(row: FilterRow) -> dict[str, float]:
    """The numbers of a product by the hash of their field."""
    return {
        number_name(field): value
        for field, value in row.items()
        if not isinstance(value, tuple) and math.isfinite(value)
    }


def _can_be_kept(value: float) -> bool:
    return math.isnan(value) or math.isfinite(value)  # JSON knows no infinity


def _number_tag(field: str, value: float) -> int:
    return tag("equal", field, repr(float(value) + 0.0))  # so that -0.0 is 0.0


@dataclass(frozen=True, slots=True)
class Known:
    """What the process knows of the products that a filter is about."""

    rows_of: Callable[[NDArray[np.int64]], NDArray[np.int64]]  # of keys; those not there left out
    words_between: Callable[[str, float, float], Sequence[str]]  # of a field, by their number


class Expressions:
    """Writes filters as expressions."""

    def __init__(self, known: Known) -> None:
        self._known = known

    def of(self, where: ProductFilter) -> str:
        """The expression; "" where it would let everything through."""
        said = self._all_of(where)
        return "" if said is None else f"({said} or {_has(tag(*_OVERFULL))})"

    def _all_of(self, where: ProductFilter) -> str | None:
        return _joined(" and ", (self._fulfilled(one) for one in where.conditions))

    def _none_of(self, where: ProductFilter) -> str | None:
        """That not all conditions are fulfilled; None where that cannot be said."""
        denied = [self._denied(one) for one in where.conditions]
        if any(one is None for one in denied):
            return None
        return _joined(" or ", denied) or _NOTHING

    def _fulfilled(self, one: Condition | Narrowing) -> str | None:
        match one:
            case AnyOf():
                return self._lacks(one) if one.negate else self._has(one)
            case Between():
                return self._within(one)
            case Exists():
                return _has(tag("any", one.field), present=one.present)
            case Withheld():
                rows = self._known.rows_of(np.array(one.keys, dtype=np.int64))
                withheld = (self._none_of(filtered) for filtered in one.filters)
                return _joined(" and ", [is_row(rows, among=False), *withheld])
            case Among():
                return is_row(self._known.rows_of(one.keys))

    def _denied(self, one: Condition | Narrowing) -> str | None:
        match one:
            case AnyOf():
                return self._has(one) if one.negate else self._lacks(one)
            case Between():
                return self._without(one)
            case Exists():
                return _has(tag("any", one.field), present=not one.present)
            case Withheld():
                rows = is_row(self._known.rows_of(np.array(one.keys, dtype=np.int64)))
                parts = [rows, *(self._all_of(filtered) for filtered in one.filters)]
                return None if None in parts else _joined(" or ", parts)
            case Among():
                return is_row(self._known.rows_of(one.keys), among=False)

    def _has(self, one: AnyOf) -> str | None:
        return _any_tag(_tags_asked(one))

    def _lacks(self, one: AnyOf) -> str | None:
        return _denial(_any_tag(_tags_asked(one)))

    def _within(self, one: Between) -> str | None:
        """A number within the bounds, or a word that is one."""
        words = self._words_between(one)
        if words is None or not (_can_be_written(one.low) and _can_be_written(one.high)):
            return None
        name = f'{NUMBERS}["{number_name(one.field)}"]'
        inside = [_has(tag("number", one.field))]
        inside += [f"{name} >= {_written(one.low)}"] if one.low is not None else []
        inside += [f"{name} <= {_written(one.high)}"] if one.high is not None else []
        plain = f"({' and '.join(inside)})"
        return f"({plain} or {words})" if words else plain

    def _without(self, one: Between) -> str | None:
        """No number within the bounds, and no word that is one; a missing number is never compared:
        what comes of that is not the same everywhere.
        """
        words = self._words_between(one)
        if words is None or not (_can_be_written(one.low) and _can_be_written(one.high)):
            return None
        name = f'{NUMBERS}["{number_name(one.field)}"]'
        outside = [_has(tag("number", one.field), present=False)]
        outside += [f"{name} < {_written(one.low)}"] if one.low is not None else []
        outside += [f"{name} > {_written(one.high)}"] if one.high is not None else []
        plain = f"({' or '.join(outside)})"
        return f"({plain} and not {words})" if words else plain

    def _words_between(self, one: Between) -> str | None:
        """Empty where there is none; None where there are too many."""
        low = -math.inf if one.low is None else one.low
        high = math.inf if one.high is None else one.high
        words = self._known.words_between(one.field, low, high)
        if not words:
            return ""
        return _any_tag({tag("word", one.field, word.casefold()) for word in words})


def is_row(rows: NDArray[np.int64], *, among: bool = True, at_most: int = MAX_ROWS) -> str | None:
    """That a row is among some, or not; None where they are too many."""
    if not len(rows):
        return _NOTHING if among else _EVERYTHING
    if len(rows) > at_most:
        return None
    return f"{ROW} {'in' if among else 'not in'} {_list(rows.tolist())}"


def from_to(lowest: int, highest: int) -> str:
    """That a row is one of a generation's time."""
    return f"{ROW} >= {int(lowest)} and {ROW} <= {int(highest)}"


def _tags_asked(one: AnyOf) -> set[int]:
    folded = {word.casefold() for word in one.values}
    tags = {tag("word", one.field, word) for word in folded}
    numbers = (number(word) for word in folded)
    return tags | {_number_tag(one.field, value) for value in numbers if math.isfinite(value)}


def _any_tag(tags: Iterable[int]) -> str | None:
    several = sorted(tags)
    if not several:
        return _NOTHING
    if len(several) > MAX_WORDS:
        return None
    if len(several) == 1:
        return _has(several[0])
    return f"array_contains_any({TAGS}, {_list(several)})"


def _has(one: int, *, present: bool = True) -> str:
    return f"{'' if present else 'not '}array_contains({TAGS}, {int(one)})"


def _denial(said: str | None) -> str | None:
    if said is None:
        return None
    return _EVERYTHING if said == _NOTHING else f"not {said}"


def _joined(word: str, parts: Iterable[str | None]) -> str | None:
    said = [part for part in parts if part is not None]
    return word.join(f"({part})" for part in said) if said else None


def _list(numbers: Iterable[int]) -> str:
    return f"[{', '.join(str(int(one)) for one in numbers)}]"


def _can_be_written(bound: float | None) -> bool:
    return bound is None or bound == 0 or _SMALLEST <= abs(bound) <= _LARGEST


def _written(bound: float) -> str:
    return repr(float(bound) + 0.0)
