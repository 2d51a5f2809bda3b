"""Merchandising: what the rules of a shop make of a search.

What a rule hides becomes a condition of the query's filter, so no stage ever sees it. What rules
boost and bury gets other scores among those that the second stage weighs and the nearest of what is
boosted; what comes after them keeps the order of its cosines. Pins are set last. None of this
depends on the page, so all pages together are one order, in which no product comes twice.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import (
    Hit,
    ProductFilter,
    Query,
    RuleAction,
    RuleEffect,
    Sort,
    Why,
    Withheld,
)
from shopsearch.index import VectorIndex
from shopsearch.languages import ENGLISH, Language
from shopsearch.ranking.order import Candidate
from shopsearch.ranking.rules import RuleBook, lifted, merged, slots_of
from shopsearch.rules import KeptRule, Rule
from shopsearch.store import ProductStore, RuleStore

MAX_PINS = 500  # of one search, those of the oldest rules
CHECK_EVERY_S = 1.0  # how old the rules of a server may be


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
        self._store = store
        self._language = language
        self._check_every_s = check_every_s
        self._clock = clock
        self._reading = threading.Lock()
        self._book = RuleBook()
        self._revision = 0
        self._next_check = -math.inf

    def book(self) -> RuleBook:
        """See `Rules.book`; one caller looks for changes while all others go on."""
        is_first = self._next_check < 0
        if self._clock() >= self._next_check and self._reading.acquire(blocking=is_first):
            try:
                self._renew()
            finally:
                self._reading.release()
        return self._book

    def _renew(self) -> None:
        revision = self._store.revision()
        if revision != self._revision:  # what is written in between is read with the next check
            book = RuleBook(self._store.rules(), self._language)
            self._book, self._revision = book, revision
        self._next_check = self._clock() + self._check_every_s


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

    @property
    def pinned(self) -> list[int]:
        """The pinned keys."""
        return list(self.slots.values())

    @property
    def boosts(self) -> list[ProductFilter]:
        """What is boosted: the best of it are wanted among the candidates."""
        boosting = (one for one in self.liftings if one.effect.action is RuleAction.BOOST)
        return [ProductFilter((*self.where.conditions, *one.where.conditions)) for one in boosting]

    def weighed(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """The candidates with the scores that the rules give them; equal ones stay in order."""
        if not self.liftings:
            return list(candidates)
        changes = self._log_factors([one.stored.key for one in candidates])
        raised = [_raised(*one) for one in zip(candidates, changes.tolist(), strict=True)]
        return sorted(raised, key=lambda one: -one.score)

    def listed(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """The keys of a list without scores: what is boosted first, what is buried last."""
        if not self.liftings:
            return keys
        order = np.argsort(-self._log_factors(keys.tolist()), kind="stable")
        return keys[order]

    def arranged(self, candidates: Sequence[Candidate], n: int) -> list[Candidate]:
        """The first n hits: the pinned at their positions, the others in order around them."""
        if not self.slots:
            return list(candidates[:n])
        by_key = {one.stored.key: one for one in candidates if one.stored.key in self.pinned_by}
        pinned = {at: by_key[key] for at, key in self.slots.items() if key in by_key}
        others = [one for one in candidates if one.stored.key not in self.pinned_by]
        return merged(others, pinned, n)

    def told(
        self, hits: tuple[Hit, ...], page: Sequence[Candidate], *, explain: bool
    ) -> tuple[Hit, ...]:
        """The hits with the rules that touched them, where that is to be explained."""
        if not explain:
            return hits
        return tuple(
            replace(hit, rules=self._effects(one.stored.key), why=_with_rules(hit.why, one.raised))
            for hit, one in zip(hits, page, strict=True)
        )

    def _log_factors(self, keys: Sequence[int]) -> NDArray[np.float64]:
        changes = np.zeros(len(keys), dtype=np.float64)
        for one in self.liftings:
            changes[np.isin(keys, one.keys)] += one.log_factor
        return changes

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
        matching = index.matching(where)
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
                yield Lifting(effect, lift.where, index.matching(meant))


def _raised(candidate: Candidate, log_factor: float) -> Candidate:
    if not log_factor:
        return candidate
    score = lifted(candidate.score, log_factor)
    return replace(candidate, score=score, raised=score - candidate.score)


def _with_rules(why: Why | None, raised: float) -> Why | None:
    return why and replace(why, score=replace(why.score, rules=raised))


def _holds(keys: NDArray[np.int64], key: int) -> bool:
    """Whether ascending keys hold one."""
    at = int(np.searchsorted(keys, key))
    return at < len(keys) and int(keys[at]) == key
