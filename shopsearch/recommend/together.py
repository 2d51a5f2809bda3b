"""Candidates that were bought in one basket with the products at hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from shopsearch.domain import ProductFilter, Reason, StoredProduct, WasBoughtWith
from shopsearch.domain import Together as Pair
from shopsearch.index import VectorIndex
from shopsearch.ranking.cooccurrence import (
    expected_together,
    lift,
    score_of_lift,
    together_lift,
)
from shopsearch.recommend.source import Line, Seed, Taken, passing
from shopsearch.store import Baskets, EventStore, ProductStore

N_TOGETHER = 500  # of one product, the most frequent
N_TOLD = 3  # products at hand that a reason names


@dataclass(frozen=True, slots=True)
class Met:
    """How a candidate met the products at hand in baskets."""

    stored: StoredProduct
    reasons: tuple[WasBoughtWith, ...]  # the strongest first
    lift: float  # of all of them together

    @property
    def score(self) -> float:
        """The lift in [-1, 1]."""
        return score_of_lift(self.lift)


@dataclass(frozen=True, slots=True)
class Meetings:
    """What the baskets tell of the products at hand."""

    by_key: Mapping[int, Met]

    @classmethod
    def of(
        cls, seeds: Sequence[Seed], events: EventStore, since: datetime, store: ProductStore
    ) -> Self:
        """Of what the catalog holds; those that met nothing are in no product's way."""
        baskets = {
            one.product_id: events.together(one.product_id, since, limit=N_TOGETHER)
            for one in seeds
        }
        told = {seed: one for seed, one in baskets.items() if one.n_baskets}
        pairs_of: dict[str, dict[str, Pair]] = {}
        for seed, one in told.items():
            for pair in one.together:
                pairs_of.setdefault(pair.product_id, {})[seed] = pair
        stored = store.find(sorted(pairs_of.keys() - baskets.keys()))
        met = (_met(one, told, pairs_of[product_id]) for product_id, one in stored.items())
        return cls({one.stored.key: one for one in met})


def _met(stored: StoredProduct, told: Mapping[str, Baskets], pairs: Mapping[str, Pair]) -> Met:
    """A product that met one product at hand, and not another, counts as 0 there."""
    n_other = next(pair.n_baskets for pair in pairs.values())
    lifts: list[float] = []
    reasons: list[WasBoughtWith] = []
    for seed, one in told.items():
        n = pairs[seed].n_together if seed in pairs else 0
        value = lift(n, expected_together(one.n_baskets, n_other, one.n_all))
        lifts.append(value)
        if n:
            reasons.append(WasBoughtWith(product_id=seed, n_together=n, lift=value))
    strongest = sorted(reasons, key=lambda one: -one.lift)[:N_TOLD]
    return Met(stored, tuple(strongest), together_lift(lifts))


class Together:
    """What met the products at hand in baskets more often than by chance."""

    def __init__(self, index: VectorIndex, meetings: Meetings) -> None:
        self._index = index
        self._met = {key: one for key, one in meetings.by_key.items() if one.score > 0.0}

    def lines(self, width: int, within: Sequence[ProductFilter]) -> Sequence[Line]:  # noqa: ARG002 - all there are
        """See `Source.lines`."""
        scores = {key: one.score for key, one in self._met.items()}
        return [Line(passing(self._index, scores, within))]

    def reasons(self, taken: Sequence[Taken]) -> Sequence[tuple[Reason, ...]]:
        """See `Source.reasons`."""
        return [self._met[one.key].reasons for one in taken]
