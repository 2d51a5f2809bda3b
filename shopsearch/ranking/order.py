"""The order of hits: by relevance, by price, by age, by popularity."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import Sort, StoredProduct


@dataclass(frozen=True, slots=True)
class Candidate:
    """A product that may become a hit, with its score for the query."""

    stored: StoredProduct
    score: float
    raised: float = 0.0  # what of the score merchandising rules have added; negative where buried
    signalled: float | None = None  # what business signals have added; None: they had no say
    is_exact: bool = False  # whether it is the very product that is asked for

    @property
    def unruled(self) -> Candidate:
        """The same with the score that it would have without rules and signals."""
        score = self.score - self.raised - (self.signalled or 0.0)
        return replace(self, score=score, raised=0.0, signalled=None)


def ordered(
    candidates: Sequence[Candidate], sort: Sort, popularity: Mapping[int, float] | None = None
) -> list[Candidate]:
    """The candidates in the order asked for; stable, so equal ones stay in the order given.

    Products without a price come last in both orders by price. Prices of several currencies are
    compared currency by currency, in alphabetical order: nothing here knows exchange rates.
    Newest is the latest write to the store. `popularity` is by key; what it lacks comes last.
    """
    match sort:
        case Sort.RELEVANCE:
            return list(candidates)
        case Sort.PRICE_ASC:
            return sorted(candidates, key=lambda c: _price_key(c, descending=False))
        case Sort.PRICE_DESC:
            return sorted(candidates, key=lambda c: _price_key(c, descending=True))
        case Sort.NEWEST:
            return sorted(candidates, key=lambda c: -c.stored.revision)
        case Sort.POPULARITY:
            known = popularity or {}
            return sorted(candidates, key=lambda c: -known.get(c.stored.key, -math.inf))


def by_number(
    numbers: NDArray[np.float64],
    groups: NDArray[np.int64] | None = None,
    *,
    descending: bool = False,
) -> NDArray[np.int64]:
    """The order, as positions (N,), of N numbers, as `ordered` has it: stable, NaN last.

    With `groups` (N,), numbers are compared within a group, and groups come in ascending order.
    """
    is_unknown = np.isnan(numbers)
    keys = np.where(is_unknown, 0.0, -numbers if descending else numbers)
    if groups is None:
        return np.lexsort((keys, is_unknown))
    return np.lexsort((keys, np.where(is_unknown, 0, groups), is_unknown))


def _price_key(candidate: Candidate, *, descending: bool) -> tuple[bool, str, int]:
    price = candidate.stored.product.price
    if price is None:
        return (True, "", 0)
    return (False, price.currency, -price.amount_minor if descending else price.amount_minor)
