"""The order of hits: by relevance, by price, by age."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from shopsearch.domain import Sort, StoredProduct


@dataclass(frozen=True, slots=True)
class Candidate:
    """A product that may become a hit, with its score for the query."""

    key: int
    score: float
    raised: float = 0.0  # what of the score merchandising rules have added; negative where buried

    @property
    def unruled(self) -> Candidate:
        """The same with the score that it would have without rules."""
        return replace(self, score=self.score - self.raised, raised=0.0)


def ordered(
    candidates: Sequence[Candidate], sort: Sort, products: Mapping[int, StoredProduct]
) -> list[Candidate]:
    """The candidates in the order asked for; stable, so equal ones stay in the order given.

    `products` by key are asked for orders by price and age alone; candidates that are not among
    them are left out then. Products without a price come last in both orders by price. Prices of
    several currencies are compared currency by currency, in alphabetical order: nothing here knows
    exchange rates. Newest is the latest write to the store.
    """
    if sort is Sort.RELEVANCE:
        return list(candidates)
    here = [one for one in candidates if one.key in products]
    if sort is Sort.NEWEST:
        return sorted(here, key=lambda c: -products[c.key].revision)
    descending = sort is Sort.PRICE_DESC
    return sorted(here, key=lambda c: _price_key(products[c.key], descending=descending))


def _price_key(stored: StoredProduct, *, descending: bool) -> tuple[bool, str, int]:
    price = stored.product.price
    if price is None:
        return (True, "", 0)
    return (False, price.currency, -price.amount_minor if descending else price.amount_minor)
