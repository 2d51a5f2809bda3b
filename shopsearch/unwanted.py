"""What holds words that are not wanted comes behind all that does not. Nothing is hidden: a later
page reaches it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from shopsearch.domain import StoredProduct, Why
from shopsearch.ranking.affirmed import affirmed_words, holds
from shopsearch.ranking.order import Candidate
from shopsearch.ranking.remembered import Remembered
from shopsearch.second_stage import Wish
from shopsearch.store import ProductStore

REACH = 500  # the most relevant so many are looked at, on every page alike
N_REMEMBERED = 8192  # products whose words stay in memory


class Unwanted:
    """Orders candidates by whether they hold what a wish says is not wanted."""

    def __init__(self, store: ProductStore) -> None:
        self._store = store
        self._words = Remembered(lambda one: affirmed_words(one.product), N_REMEMBERED)

    def holds(self, wish: Wish, one: StoredProduct) -> bool:
        """Whether a product holds all words of an unwanted phrase in one of its fields."""
        return holds(self._words.of(one), wish.unwanted)

    def behind(self, wish: Wish, candidates: Sequence[Candidate]) -> list[Candidate]:
        """The candidates by relevance; of the first `REACH`, those with unwanted words come last.

        A score s becomes -1 + (1 + f)(1 + s) / 2, where f is the lowest of these scores: so it is
        below all others, stays in [-1, 1], and higher ones stay higher. What comes after `REACH` is
        not looked at; it keeps its place, and its scores become no higher than those before.
        """
        if not wish.unwanted:
            return list(candidates)
        seen, rest = candidates[:REACH], candidates[REACH:]
        stored = self._store.fetch([one.key for one in seen])
        held = [one.key in stored and self.holds(wish, stored[one.key]) for one in seen]
        if not any(held) or all(held):
            return list(candidates)
        lowest = min(one.score for one in seen)
        first = [one for one, is_held in zip(seen, held, strict=True) if not is_held]
        last = [one for one, is_held in zip(seen, held, strict=True) if is_held]
        later = [*last, *(_capped(one, lowest) for one in rest)]
        return [*first, *(_lowered(one, lowest) for one in later)]


def with_lowered(why: Why, candidate: Candidate) -> Why:
    """The same, told what unwanted words took from the score."""
    return replace(why, score=replace(why.score, unwanted=candidate.lowered))


def _lowered(candidate: Candidate, lowest: float) -> Candidate:
    score = -1.0 + (1.0 + lowest) * (1.0 + candidate.score) / 2.0
    return replace(candidate, score=score, lowered=score - candidate.score)


def _capped(candidate: Candidate, highest: float) -> Candidate:
    return replace(candidate, score=min(candidate.score, highest))
