"""Candidates for everybody: what visitors turn to; where nobody knows, what the catalog says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from shopsearch.catalog_numbers import numbers_of
from shopsearch.domain import (
    EventKind,
    Fallback,
    IsColdStart,
    IsPopular,
    IsTrending,
    ProductFilter,
    Reason,
    Sort,
)
from shopsearch.index.generations import Generation
from shopsearch.ranking.cooccurrence import lift, score_of_lift
from shopsearch.recommend.source import Line, Taken, passing
from shopsearch.store import EventStore, ProductStore
from shopsearch.write_times import FollowedTimes

N_POPULAR = 10_000
TREND_SHRINKAGE = 10.0  # events; how many it takes to be believed half
UNKNOWN_SCORE = -1.0
_ALL = tuple(EventKind)


class Trends:
    """What grows, by key, and how much."""

    def __init__(
        self, events: EventStore, store: ProductStore, *, now: datetime, days: float
    ) -> None:
        since = now - timedelta(days=days)
        until = now + timedelta(minutes=5)  # clocks of those who tell may be ahead
        recent = events.popular(since, until, _ALL, limit=N_POPULAR)
        earlier = events.popular(since - timedelta(days=days), since, _ALL, limit=N_POPULAR)
        before = {one.product_id: one.n_events for one in earlier}
        n_recent = sum(one.n_events for one in recent)
        self.has_before = bool(before)
        # a shop that has twice the visitors has no trend in everything; without a before, all
        # products were as likely
        grown = n_recent / sum(before.values()) if before else 0.0
        even = n_recent / len(recent) if recent else 0.0
        keys = store.keys([one.product_id for one in recent])
        self.by_key: dict[int, IsTrending] = {}
        for one in recent:
            if one.product_id in keys:
                n_before = before.get(one.product_id, 0)
                expected = n_before * grown if before else even
                self.by_key[keys[one.product_id]] = IsTrending(
                    growth=lift(one.n_events, expected, TREND_SHRINKAGE),
                    n_events=one.n_events,
                    n_before=n_before,
                )


class ForEveryone:
    """What trends, then what visitors turn to at all, then what the catalog's own numbers say."""

    def __init__(self, generation: Generation, trends: Trends, times: FollowedTimes) -> None:
        self._generation = generation
        self._trends = trends.by_key
        self._has_before = trends.has_before
        self._times = times
        numbers = numbers_of(generation)
        has_numbers = bool(np.nansum(numbers.popularity()) > 0)
        self.basis = Fallback.POPULARITY if has_numbers else Fallback.NEWEST

    def knows_events(self, where: ProductFilter) -> bool:
        """Whether anything that passes a filter is here by events."""
        index = self._generation.index
        return bool(passing(index, dict.fromkeys(self._trends, 0.0), [where]))

    def lines(self, width: int, within: Sequence[ProductFilter]) -> Sequence[Line]:
        """See `Source.lines`."""
        scores = {key: score_of_lift(one.growth) for key, one in self._trends.items()}
        wanted = passing(self._generation.index, scores, within)
        matching = self._generation.index.fields.matching(within[0])
        others = matching[~np.isin(matching, np.fromiter(wanted, dtype=np.int64))]
        cold = dict.fromkeys(self._cold(others)[:width].tolist(), UNKNOWN_SCORE)
        return [Line({**wanted, **cold}, is_whole=len(others) <= width)]

    def reasons(self, taken: Sequence[Taken]) -> Sequence[tuple[Reason, ...]]:
        """See `Source.reasons`."""
        return [(self._reason(one.key),) for one in taken]

    def _reason(self, key: int) -> Reason:
        trend = self._trends.get(key)
        if trend is None:
            return IsColdStart(basis=self.basis)
        if self._has_before and trend.growth > 1.0:
            return trend
        return IsPopular(n_events=trend.n_events)

    def _cold(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        if self.basis is Fallback.POPULARITY:
            return numbers_of(self._generation).sorted(keys, Sort.POPULARITY)
        return keys[np.argsort(-self._times.revisions(keys), kind="stable")]
