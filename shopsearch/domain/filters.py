"""What a search lets through."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain.products import FILTER_ALIASES


@dataclass(frozen=True, slots=True)
class AnyOf:
    """The field has at least one of the values (case-folded); `negate` turns it round."""

    field: str
    values: tuple[str, ...]
    negate: bool = False


@dataclass(frozen=True, slots=True)
class Between:
    """The field is a number within both bounds, inclusive; None leaves a side open."""

    field: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Exists:
    """The field has a value, or, with `present=False`, has none."""

    field: str
    present: bool = True


@dataclass(frozen=True, slots=True)
class Withheld:
    """The product is none of these, by key, and fulfils none of these filters."""

    keys: tuple[int, ...] = ()
    filters: tuple[ProductFilter, ...] = ()
    field: str = ""  # it is about no field


@dataclass(frozen=True, slots=True, eq=False)
class Among:
    """The product is one of these, by key: those that are relevant to a query."""

    keys: NDArray[np.int64]  # ascending, each once
    field: str = ""  # it is about no field


Condition = AnyOf | Between | Exists  # what people ask for
Narrowing = Withheld | Among  # what rules and relevance add


@dataclass(frozen=True, slots=True)
class ProductFilter:
    """What a hit must fulfil: all conditions together. No condition lets every product through."""

    conditions: tuple[Condition | Narrowing, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.conditions)

    def canonical(self) -> ProductFilter:
        """The same filter with each field under its own name, where a shop says it otherwise."""
        return ProductFilter(
            tuple(
                replace(condition, field=FILTER_ALIASES.get(condition.field, condition.field))
                for condition in self.conditions
            )
        )

    def without(self, field: str) -> ProductFilter:
        """The same filter but for what it says about one field."""
        if all(one.field != field for one in self.conditions):
            return self
        return ProductFilter(tuple(one for one in self.conditions if one.field != field))


EVERYTHING = ProductFilter()
