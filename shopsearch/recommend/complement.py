"""Candidates that go with the products at hand: of other categories, by baskets and by style."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shopsearch.domain import AnyOf, GoesWith, ProductFilter, Reason
from shopsearch.index import VectorIndex
from shopsearch.ranking.rules import lifted
from shopsearch.recommend.categories import CategoryMap, CategoryShare, is_kin
from shopsearch.recommend.source import (
    Line,
    Near,
    Seed,
    Taken,
    best_first,
    keys_of,
    nearest,
    passing,
)
from shopsearch.recommend.together import Meetings, Met

MAX_LINES = 8  # categories that take turns
FIELD = "product_type"


@dataclass(frozen=True, slots=True)
class Beside:
    """A category that goes with those of the products at hand."""

    share: CategoryShare
    seed: Seed  # the product at hand that it goes with most


def beside(
    seeds: Sequence[Seed], of_seed: Sequence[Sequence[CategoryShare]], own: Sequence[str]
) -> list[Beside]:
    """The categories to take from, for S seeds: by the mean of their shares, the greatest first;
    none that a product at hand is of.
    """
    best: dict[str, Beside] = {}
    sums: dict[str, float] = {}
    met: dict[str, int] = {}
    for seed, told in zip(seeds, of_seed, strict=True):
        for one in told:
            if any(is_kin(one.category, category) for category in own):
                continue
            sums[one.category] = sums.get(one.category, 0.0) + one.share / len(seeds)
            met[one.category] = met.get(one.category, 0) + one.n_together
            if one.category not in best or one.share > best[one.category].share.share:
                best[one.category] = Beside(one, seed)
    order = sorted(sums, key=lambda name: (-sums[name], name))[:MAX_LINES]
    return [Beside(CategoryShare(name, sums[name], met[name]), best[name].seed) for name in order]


class Complement:
    """What goes with the products at hand.

    Each category that goes with theirs is a line, with a share of the places. Within it come first
    the most like the products at hand. The lift of what was bought with them multiplies the odds of
    its cosine: it is near 1 until there are baskets enough to tell.
    """

    def __init__(
        self,
        index: VectorIndex,
        drawn: CategoryMap,
        categories: Sequence[Beside],
        own: Sequence[str],
        meetings: Meetings,
    ) -> None:
        self._index = index
        self._drawn = drawn
        self._categories = categories
        self._own = tuple(one.casefold() for one in own)
        self._met = self._by_category(meetings)

    def lines(self, width: int, within: Sequence[ProductFilter]) -> Sequence[Line]:
        """See `Source.lines`."""
        return [self._line(one, width, within) for one in self._categories]

    def reasons(self, taken: Sequence[Taken]) -> Sequence[tuple[Reason, ...]]:
        """See `Source.reasons`."""
        rows = self._index.fetch(keys_of(taken))
        told: list[tuple[Reason, ...]] = []
        for (key, line), row in zip(taken, rows, strict=True):
            one = self._categories[line]
            met = self._met.get(one.share.category, {}).get(key)
            goes_with = GoesWith(
                product_id=one.seed.product_id,
                category=one.share.category,
                share=one.share.share,
                n_baskets=one.share.n_together,
                cosine=float(row @ one.seed.vector),
            )
            told.append((*(met.reasons if met else ()), goes_with))
        return told

    def _line(self, one: Beside, width: int, within: Sequence[ProductFilter]) -> Line:
        there = [self._of(where, one.share.category) for where in within]
        near = nearest(self._index, one.seed.vector, width, there)
        met = self._met.get(one.share.category, {})
        scores = {**near.cosines, **self._blended(one.seed, near, met, there)}
        return Line(best_first(scores), one.share.share, near.is_whole)

    def _blended(
        self, seed: Seed, near: Near, met: Mapping[int, Met], within: Sequence[ProductFilter]
    ) -> dict[int, float]:
        allowed = passing(self._index, {key: one.score for key, one in met.items()}, within)
        keys = [*allowed]
        rows = self._index.fetch(np.array(keys, dtype=np.int64)) if keys else np.empty((0, 1))
        cosines = [near.cosines.get(key, float("nan")) for key in keys]
        blended: dict[int, float] = {}
        for key, row, known in zip(keys, rows, cosines, strict=True):
            style = float(row @ seed.vector) if np.isnan(known) else known
            blended[key] = lifted(style, math.log(met[key].lift))
        return blended

    def _of(self, where: ProductFilter, category: str) -> ProductFilter:
        wanted = AnyOf(FIELD, (category.casefold(),))
        return ProductFilter((*where.conditions, wanted, AnyOf(FIELD, self._own, negate=True)))

    def _by_category(self, meetings: Meetings) -> dict[str, dict[int, Met]]:
        by_category: dict[str, dict[int, Met]] = {}
        for key, one in meetings.by_key.items():
            category = self._drawn.category_of(one.stored.product.product_type)
            by_category.setdefault(category, {})[key] = one
        return by_category
