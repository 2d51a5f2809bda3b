"""Lists: everything that passes a filter, in the order asked for, where nothing else is asked.

Keys alone are ordered, the whole list at once, by what the index's columns and the times of writes
tell; products are fetched for the page that is shown.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shopsearch.catalog_numbers import numbers_of
from shopsearch.collapsing import Variants
from shopsearch.domain import Query, Sort
from shopsearch.index.generations import Generation
from shopsearch.merchandising import Ruling
from shopsearch.ranking.order import Candidate
from shopsearch.signals import Weighing
from shopsearch.write_times import FollowedTimes

Keys = NDArray[np.int64]


class Listing:
    """Orders lists without words."""

    def __init__(self, times: FollowedTimes) -> None:
        self._times = times

    def page(
        self,
        generation: Generation,
        matching: Keys,
        query: Query,
        ruling: Ruling,
        weighing: Weighing,
    ) -> tuple[list[Candidate], Variants | None]:
        """The candidates of one page, and the variants that they stand for where the query asks to
        collapse; `matching` are all keys of the list, ascending.
        """
        in_order = self.ordered(generation, matching, query.sort, ruling, weighing)
        variants = None
        if query.collapse:
            variants = Variants.of(generation.index.fields, matching)
            in_order = in_order[variants.firsts(in_order, ruling.pinned)]
        keys = ruling.placed(in_order, query.offset, query.offset + query.k)
        signalled = 0.0 if weighing else None
        return [Candidate(key, 0.0, signalled=signalled) for key in keys], variants

    def resorted(self, generation: Generation, keys: Keys, sort: Sort) -> Keys:
        """Some keys (M,) in an order other than that by relevance; equal ones as they were."""
        if sort is Sort.NEWEST:
            return keys[np.argsort(-self._times.revisions(keys), kind="stable")]
        return keys[numbers_of(generation).order_of(keys, sort)]

    def ordered(
        self,
        generation: Generation,
        matching: Keys,
        sort: Sort,
        ruling: Ruling,
        weighing: Weighing,
    ) -> Keys:
        """All of the keys (M,) in order; equal ones the newest first, for keys grow with time."""
        match sort:
            case Sort.RELEVANCE:
                return _by_factors(matching, ruling, weighing)
            case Sort.NEWEST:
                return matching[np.argsort(-self._times.revisions(matching), kind="stable")]
            case Sort.PRICE_ASC | Sort.PRICE_DESC | Sort.POPULARITY:
                return numbers_of(generation).sorted(matching, sort)


def _by_factors(matching: Keys, ruling: Ruling, weighing: Weighing) -> Keys:
    """What rules and signals lift first, what they lower last, the newest first among equals."""
    newest_first = matching[::-1]
    if not (ruling.liftings or weighing):
        return newest_first
    factors = ruling.log_factors(matching) + weighing.log_factors(matching)  # (M,)
    return newest_first[np.argsort(-factors[::-1], kind="stable")]
