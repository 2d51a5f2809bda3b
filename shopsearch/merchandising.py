"""Merchandising: what the rules of a shop make of a search.

What a rule hides becomes a condition of the query's filter, so no stage ever sees it. What rules
boost and bury gets other scores among those that the second stage weighs and the nearest of what is
boosted; what comes after them keeps the order of its cosines. Pins are set last. None of this
depends on the page, so all pages together are one order, in which no product comes twice.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import (
    Hit,
    Lexicon,
    ProductFilter,
    Query,
    RuleAction,
    RuleEffect,
    Sort,
    UnderstoodPart,
    Why,
    Withheld,
)
from shopsearch.following import CHECK_EVERY_S, Followed
from shopsearch.index import VectorIndex
from shopsearch.languages import ENGLISH, Language
from shopsearch.ranking.order import Candidate
from shopsearch.ranking.rules import RuleBook, lifted, merged, slots_of
from shopsearch.ranking.tiers import EXACT
from shopsearch.rules import KeptRule, Rule
from shopsearch.store import ProductStore, RuleStore
from shopsearch.understanding import Preference, best_of, preferences_of

MAX_PINS = 500  # of one search, those of the oldest rules


class Rules(Protocol):
    """Where the rules come from."""

    def book(self) -> RuleBook:
        """The rules as they are now."""


class FixedRules:
    """Rules that never change: those of a preview."""

    def __init__(self, kept: Sequence[KeptRule] = (), language: Language = ENGLISH) -> None:
        self._book = RuleBook(kept, language)

    def book(self) -> RuleBook:
        """See `Rules.book`."""
        return self._book


class LiveRules:
    """The rules of the store, read again when their revision has changed."""

    def __init__(
        self,
        store: RuleStore,
        check_every_s: float = CHECK_EVERY_S,
        clock: Callable[[], float] = time.monotonic,
        language: Language = ENGLISH,
    ) -> None:
        self._followed = Followed(
            RuleBook(),
            lambda: RuleBook(store.rules(), language),
            store.revision,
            check_every_s,
            clock,
        )

    def book(self) -> RuleBook:
        """See `Rules.book`."""
        return self._followed.get()


@dataclass(frozen=True, slots=True)
class Lifting:
    """Products whose scores one rule changes."""

    effect: RuleEffect
    where: ProductFilter
    keys: NDArray[np.int64]  # all of the search that are meant, ascending

    @property
    def log_factor(self) -> float:
        """Above 0 where it boosts."""
        sign = 1.0 if self.effect.action is RuleAction.BOOST else -1.0
        return sign * math.log(self.effect.by)


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the rules say of one search."""

    where: ProductFilter  # the query's, but for what is hidden
    slots: Mapping[int, int] = field(default_factory=dict)  # position, from 1 -> pinned key
    pinned_by: Mapping[int, str] = field(default_factory=dict)  # key -> name of the rule
    liftings: tuple[Lifting, ...] = ()
    preferences: tuple[Preference, ...] = ()  # of the query itself; no rule, but weighed like one

    def preferring(
        self,
        parts: Sequence[UnderstoodPart],
        index: VectorIndex,
        words: Lexicon,
        language: Language = ENGLISH,
    ) -> Ruling:
        """The same, and what the words of the query were understood to prefer."""
        return replace(self, preferences=preferences_of(parts, self.where, index, words, language))

    @property
    def is_weighing(self) -> bool:
        """Whether it changes scores."""
        return bool(self.liftings or self.preferences)

    @property
    def pinned(self) -> list[int]:
        """The pinned keys."""
        return list(self.slots.values())

    @property
    def boosts(self) -> list[ProductFilter]:
        """What is boosted or preferred: the best of it are wanted among the candidates."""
        boosting = [one.where for one in self.liftings if one.effect.action is RuleAction.BOOST]
        wanted = (*boosting, *best_of(self.preferences))
        return [ProductFilter((*self.where.conditions, *one.conditions)) for one in wanted]

    def weighed(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """The candidates with the scores that rules and preferences give them; equal ones stay in
        order.
        """
        if not self.is_weighing:
            return list(candidates)
        keys = np.array([one.key for one in candidates], dtype=np.int64)
        by_rules, by_wish = self.log_factors(keys).tolist(), self._log_preferences(keys).tolist()
        highest = _highest_by_tier(candidates)
        raised = [
            _raised(one, rules, 0.0 if one.tier & EXACT else wish, highest[one.tier])
            for one, rules, wish in zip(candidates, by_rules, by_wish, strict=True)
        ]
        return sorted(raised, key=lambda one: -one.score)

    def log_factors(self, keys: NDArray[np.int64]) -> NDArray[np.float64]:
        """(N,) by which the rules raise the logarithm of the odds of each key's score."""
        changes = np.zeros(len(keys), dtype=np.float64)
        for one in self.liftings:
            changes[np.isin(keys, one.keys)] += one.log_factor
        return changes

    def placed(self, keys: NDArray[np.int64], start: int, stop: int) -> list[int]:
        """The keys from one place to another of a whole list, the pinned at their positions."""
        if not self.slots:
            return [*map(int, keys[start:stop])]
        others = keys[~np.isin(keys, self.pinned)][:stop]
        return merged([*map(int, others)], self.slots, stop)[start:]

    def arranged(self, candidates: Sequence[Candidate], n: int) -> list[Candidate]:
        """The first n hits: the pinned at their positions, the others in order around them."""
        if not self.slots:
            return list(candidates[:n])
        by_key = {one.key: one for one in candidates if one.key in self.pinned_by}
        pinned = {at: by_key[key] for at, key in self.slots.items() if key in by_key}
        others = [one for one in candidates if one.key not in self.pinned_by]
        return merged(others, pinned, n)

    def told(
        self, hits: tuple[Hit, ...], page: Sequence[Candidate], *, explain: bool
    ) -> tuple[Hit, ...]:
        """The hits with the rules that touched them, where that is to be explained."""
        if not explain:
            return hits
        return tuple(
            replace(
                hit,
                rules=self._effects(one.key),
                preferred=self._preferred(one.key),
                why=_with_changes(hit.why, one),
            )
            for hit, one in zip(hits, page, strict=True)
        )

    def _log_preferences(self, keys: NDArray[np.int64]) -> NDArray[np.float64]:
        changes = np.zeros(len(keys), dtype=np.float64)
        for one in self.preferences:
            changes[one.raises(keys)] += one.log_factor
        return changes

    def _preferred(self, key: int) -> tuple[UnderstoodPart, ...]:
        alone = np.array([key], dtype=np.int64)
        return tuple(one.part for one in self.preferences if one.raises(alone).any())

    def _effects(self, key: int) -> tuple[RuleEffect, ...]:
        lifts = [one.effect for one in self.liftings if _holds(one.keys, key)]
        pins = [
            RuleEffect(self.pinned_by[key], RuleAction.PIN, position)
            for position, pinned in self.slots.items()
            if pinned == key
        ]
        return (*pins, *lifts)


class Merchandising:
    """Applies the rules of a shop to searches."""

    def __init__(
        self,
        rules: Rules,
        store: ProductStore,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._rules = rules
        self._store = store
        self._clock = clock

    def ruling(self, query: Query, index: VectorIndex) -> Ruling:
        """What the rules say of a query, whose filter has canonical fields.

        Only the order by relevance is changed, and not that of products like another one.
        """
        rules = self.met_by(query)
        if not rules:
            return Ruling(query.where)
        where = self._hiding(query.where, rules)
        if query.sort is not Sort.RELEVANCE or query.product_id:
            return Ruling(where)
        return self._ordering(where, rules, index)

    def met_by(self, query: Query) -> list[Rule]:
        """The rules that hold for a query now, the oldest first."""
        return self._rules.book().met_by(query, self._clock())

    def _hiding(self, where: ProductFilter, rules: Sequence[Rule]) -> ProductFilter:
        ids = [product_id for rule in rules for product_id in rule.hide]
        stored = self._store.find(ids) if ids else {}
        filters = tuple(dict.fromkeys(rule.hide_where for rule in rules if rule.hide_where))
        keys = tuple(sorted(one.key for one in stored.values()))
        if not (keys or filters):
            return where
        return ProductFilter((*where.conditions, Withheld(keys, filters)))

    def _ordering(self, where: ProductFilter, rules: Sequence[Rule], index: VectorIndex) -> Ruling:
        liftings = tuple(_liftings(where, rules, index))
        wanted = [(pin, rule.name) for rule in rules for pin in rule.pins][:MAX_PINS]
        if not wanted:
            return Ruling(where, liftings=liftings)
        matching = index.fields.matching(where)
        stored = self._store.find([pin.product_id for pin, _ in wanted])
        keys = {id_: one.key for id_, one in stored.items() if _holds(matching, one.key)}
        pins = [
            (pin.position, keys[pin.product_id], name)
            for pin, name in wanted
            if pin.product_id in keys
        ]
        return Ruling(
            where,
            slots=slots_of([(position, key) for position, key, _ in pins], len(matching)),
            pinned_by={key: name for _, key, name in reversed(pins)},
            liftings=liftings,
        )


def _liftings(where: ProductFilter, rules: Sequence[Rule], index: VectorIndex) -> Iterable[Lifting]:
    for rule in rules:
        for action, lift in ((RuleAction.BOOST, rule.boost), (RuleAction.BURY, rule.bury)):
            if lift is not None:
                meant = ProductFilter((*where.conditions, *lift.where.conditions))
                effect = RuleEffect(rule.name, action, lift.factor)
                yield Lifting(effect, lift.where, index.fields.matching(meant))


def _highest_by_tier(candidates: Sequence[Candidate]) -> dict[int, float]:
    """Up to which score a candidate of each tier may rise: the lowest one of the tiers above."""
    tiers = {one.tier for one in candidates}
    return {
        tier: min((one.score for one in candidates if one.tier > tier), default=1.0)
        for tier in tiers
    }


def _raised(candidate: Candidate, by_rules: float, by_wish: float, highest: float) -> Candidate:
    """The preferences of the query come first, and raise nothing above the `highest`: what the
    rules change then is theirs.
    """
    if not (by_rules or by_wish):
        return candidate
    preferred = candidate.score
    if by_wish:
        preferred = max(preferred, min(lifted(preferred, by_wish), highest))
    score = lifted(preferred, by_rules) if by_rules else preferred
    return replace(
        candidate, score=score, raised=score - preferred, preferred=preferred - candidate.score
    )


def _with_changes(why: Why | None, one: Candidate) -> Why | None:
    return why and replace(
        why, score=replace(why.score, rules=one.raised, understood=one.preferred)
    )


def _holds(keys: NDArray[np.int64], key: int) -> bool:
    """Whether ascending keys hold one."""
    at = int(np.searchsorted(keys, key))
    return at < len(keys) and int(keys[at]) == key
