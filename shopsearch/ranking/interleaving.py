"""Several lists become one, each with a share of its places."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)


def interleaved(
    lists: Sequence[Sequence[Key]], weights: Sequence[float]
) -> Iterator[tuple[int, Key]]:
    """All keys once, each with the number of the list that it was taken from.

    Next is always the list of highest weight / (2 * places so far + 1), the method of Webster and
    Sainte-Laguë: at every length, each list has about its share of the places, so that what comes
    first is calibrated too (Steck, Calibrated recommendations, RecSys 2018). Equal lists take turns
    in the order given. A list that is used up leaves its places to the others.
    """
    seen: set[Key] = set()
    next_at = [0] * len(lists)
    taken = [0] * len(lists)
    while True:
        for n, one in enumerate(lists):
            while next_at[n] < len(one) and one[next_at[n]] in seen:
                next_at[n] += 1
        left = [n for n, one in enumerate(lists) if next_at[n] < len(one)]
        if not left:
            return
        n = max(left, key=lambda n: (weights[n] / (2 * taken[n] + 1), -n))
        key = lists[n][next_at[n]]
        seen.add(key)
        taken[n] += 1
        yield n, key
