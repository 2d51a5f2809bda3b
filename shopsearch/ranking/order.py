"""Candidates, and the order of numbers that they are sorted by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Candidate:
    """A product that may become a hit, with its score for the query."""

    key: int
    score: float
    raised: float = 0.0  # what of the score merchandising rules have added; negative where buried
    preferred: float = 0.0  # what of the score the preferences of the query have added
    signalled: float | None = None  # what business signals have added; None: they had no say
    lowered: float = 0.0  # what of the score words that are not wanted have added: 0 or less
    is_exact: bool = False  # whether it is the very product that is asked for

    @property
    def itself(self) -> Candidate:
        """The same with the score that it would have by relevance alone."""
        added = self.raised + self.preferred + (self.signalled or 0.0) + self.lowered
        return Candidate(self.key, self.score - added, is_exact=self.is_exact)


def by_number(
    numbers: NDArray[np.float64],
    groups: NDArray[np.int64] | None = None,
    *,
    descending: bool = False,
) -> NDArray[np.int64]:
    """The order, as positions (N,), of N numbers: stable, NaN last.

    With `groups` (N,), numbers are compared within a group, and groups come in ascending order.
    """
    is_unknown = np.isnan(numbers)
    keys = np.where(is_unknown, 0.0, -numbers if descending else numbers)
    if groups is None:
        return np.lexsort((keys, is_unknown))
    return np.lexsort((keys, np.where(is_unknown, 0, groups), is_unknown))
