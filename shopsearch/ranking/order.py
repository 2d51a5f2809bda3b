"""The order of hits: by relevance, by price, by age."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shopsearch.domain import Sort, StoredProduct


@dataclass(frozen=True, slots=True)
class Candidate:
    """A product that may become a hit, with its score for the query."""

    stored: StoredProduct
    score: float
    raised: float = 0.0  # what of the score merchandising rules have added; negative where buried
    preferred: float = 0.0  # what of the score the preferences of the query have added

    @property
    def unruled(self) -> Candidate:
        """The same with the score that it would have without rules and preferences."""
        score = self.score - self.raised - self.preferred
        return replace(self, score=score, raised=0.0, preferred=0.0)


def ordered(candidates: Sequence[Candidate], sort: Sort) -> list[Candidate]:
    """The candidates in the order asked for; stable, so equal ones stay in the order given.

    Products without a price come last in both orders by price. Prices of several currencies are
    compared currency by currency, in alphabetical order: nothing here knows exchange rates.
    Newest is the latest write to the store.
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


def _price_key(candidate: Candidate, *, descending: bool) -> tuple[bool, str, int]:
    price = candidate.stored.product.price
    if price is None:
        return (True, "", 0)
    return (False, price.currency, -price.amount_minor if descending else price.amount_minor)
