"""Business signals: what popularity, margin, stock, freshness and other numbers make of a search.

A signal multiplies the odds of scores, as a rule that boosts does: those that the second stage
weighs, and those of what rules bring. Lists without words are ordered by it as a whole. An exact
match stays above all others. None of this depends on the page.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from shopsearch.catalog_numbers import CatalogNumbers, numbers_of
from shopsearch.domain import Hit, Query, Signal, SignalEffect, Sort
from shopsearch.domain.signals import FRESHNESS, POPULARITY, STOCK
from shopsearch.following import CHECK_EVERY_S, Followed
from shopsearch.index.generations import Generation
from shopsearch.ranking.order import Candidate
from shopsearch.ranking.signals import freshness, lifted_all, log_factors, shares_of
from shopsearch.store import SignalStore
from shopsearch.write_times import FollowedTimes

SECONDS_PER_DAY = 86_400.0

Keys = NDArray[np.int64]


class Signals(Protocol):
    """Where the signals come from."""

    def signals(self) -> Sequence[Signal]:
        """The signals as they are now."""


class FixedSignals:
    """Signals that never change: those of a preview."""

    def __init__(self, signals: Sequence[Signal] = ()) -> None:
        self._signals = signals

    def signals(self) -> Sequence[Signal]:
        """See `Signals.signals`."""
        return self._signals


class LiveSignals:
    """The signals of the store, read again when their revision has changed."""

    def __init__(
        self,
        store: SignalStore,
        check_every_s: float = CHECK_EVERY_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._followed: Followed[Sequence[Signal]] = Followed(
            (), store.signals, store.revision, check_every_s, clock
        )

    def signals(self) -> Sequence[Signal]:
        """See `Signals.signals`."""
        return self._followed.get()


@dataclass(frozen=True, slots=True)
class Weighed:
    """A signal, and where its values come from."""

    signal: Signal
    values: Callable[[Keys], NDArray[np.float64]]  # keys (M,) -> (M,) 0..1, NaN where not known

    def log_factors(self, keys: Keys) -> NDArray[np.float64]:
        """(M,) of the odds of scores."""
        return log_factors(self.signal.weight, self.values(keys))


@dataclass(frozen=True, slots=True)
class Weighing:
    """What the signals make of one search."""

    signals: tuple[Weighed, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.signals)

    def log_factors(self, keys: Keys) -> NDArray[np.float64]:
        """(M,) of all signals together."""
        total = np.zeros(len(keys))
        for one in self.signals:
            total += one.log_factors(keys)
        return total

    def lifted(self, keys: Keys, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """The scores (M,) of keys (M,) as the signals make them."""
        return lifted_all(scores, self.log_factors(keys)) if self.signals else scores

    def over(self, cosines: Mapping[int, float], n: int) -> Mapping[int, float]:
        """Scores by key, the best first: the first n reordered, those after them held below."""
        if not self.signals:
            return cosines
        keys = np.fromiter(islice(cosines, n), dtype=np.int64)
        first = np.fromiter(islice(cosines.values(), n), dtype=np.float32)
        scores = self.lifted(keys, first)
        best_first = np.argsort(-scores, kind="stable")
        lowest = float(scores.min(initial=1.0))
        moved = dict(zip(keys[best_first].tolist(), scores[best_first].tolist(), strict=True))
        after = islice(cosines.items(), n, None)
        return moved | {key: min(cosine, lowest) for key, cosine in after}

    def weighed(self, candidates: Sequence[Candidate], highest: float) -> list[Candidate]:
        """Candidates that a rule brought, with the scores that the signals give them; none is
        lifted above the `highest`.
        """
        if not self.signals or not candidates:
            return list(candidates)
        keys = np.array([one.key for one in candidates], dtype=np.int64)
        scores = np.array([one.score for one in candidates], dtype=np.float32)
        moved = np.minimum(self.lifted(keys, scores), np.maximum(scores, highest)).tolist()
        return [
            replace(one, score=score, signalled=score - one.score)
            for one, score in zip(candidates, moved, strict=True)
        ]

    def told(
        self, hits: tuple[Hit, ...], page: Sequence[Candidate], *, explain: bool
    ) -> tuple[Hit, ...]:
        """The hits with the signals that weighed them, where that is to be explained."""
        if not (explain and self.signals):
            return hits
        keys = np.array([one.key for one in page], dtype=np.int64)
        values = np.array([one.values(keys) for one in self.signals])  # (S, M)
        return tuple(
            hit if one.signalled is None else self._with(hit, one, values[:, n])
            for n, (hit, one) in enumerate(zip(hits, page, strict=True))
        )

    def _with(self, hit: Hit, candidate: Candidate, values: NDArray[np.float64]) -> Hit:
        gain = candidate.signalled or 0.0
        factors = np.array(
            [
                log_factors(one.signal.weight, values[n, None])[0]
                for n, one in enumerate(self.signals)
            ]
        )
        parts: list[float | None] = [None] * len(factors)
        if hit.why is not None:
            parts = [*shares_of(gain, candidate.itself.score, factors).tolist()]
        effects = tuple(
            SignalEffect(
                signal=one.signal.name,
                value=None if np.isnan(value) else float(value),
                weight=one.signal.weight,
                factor=float(np.exp(factor)),
                part=part,
            )
            for one, value, factor, part in zip(self.signals, values, factors, parts, strict=True)
        )
        why = hit.why and replace(hit.why, score=replace(hit.why.score, signals=gain))
        return replace(hit, signals=effects, why=why)


class SignalService:
    """Weighs searches by the signals of a shop."""

    def __init__(
        self,
        signals: Signals,
        times: FollowedTimes,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._signals = signals
        self._times = times
        self._clock = clock

    def weighing(self, query: Query, generation: Generation) -> Weighing:
        """What the signals say of a query.

        Only the order by relevance is changed, and not that of products like another one.
        """
        signals = [one for one in self._signals.signals() if one.weight]
        if not signals or query.sort is not Sort.RELEVANCE or query.product_id:
            return Weighing()
        numbers = numbers_of(generation)
        return Weighing(tuple(Weighed(one, self._values(one, numbers)) for one in signals))

    def n_known(self, signal: Signal, generation: Generation) -> int:
        """Of how many products the value of a signal is known."""
        numbers = numbers_of(generation)
        return int(np.count_nonzero(~np.isnan(self._values(signal, numbers)(numbers.keys))))

    def fields(self, signal: Signal, generation: Generation) -> tuple[str, ...]:
        """The fields that a signal is read from; none where the catalog has none of them."""
        numbers = numbers_of(generation)
        if signal.name == FRESHNESS:
            return ()
        if signal.name == POPULARITY:
            return tuple(numbers.popularity_fields())
        field = numbers.field_of("availability" if signal.name == STOCK else signal.name)
        return () if field is None else (field,)

    def _values(
        self, signal: Signal, numbers: CatalogNumbers
    ) -> Callable[[Keys], NDArray[np.float64]]:
        if signal.name == FRESHNESS:
            return lambda keys: freshness(self._ages_days(keys), signal.half_life_days)
        if signal.name == POPULARITY:
            values = numbers.popularity_shares()
        elif signal.name == STOCK:
            values = numbers.stock()
        else:
            values = numbers.ranks(signal.name)
        return lambda keys: numbers.at(values, keys)

    def _ages_days(self, keys: Keys) -> NDArray[np.float64]:
        ages: NDArray[np.float64] = self._clock() - self._times.created_s(keys)
        return ages / SECONDS_PER_DAY
