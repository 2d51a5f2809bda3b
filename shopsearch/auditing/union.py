"""Clusters of what is joined by pairs (union-find, Tarjan 1975)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable


class Joined:
    """Places that were joined, directly or by way of others, are one cluster."""

    def __init__(self) -> None:
        self._above: dict[int, int] = {}

    def join(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Join both places of each pair."""
        for one, other in pairs:
            first, second = sorted((self._top(one), self._top(other)))
            self._above[second] = first

    def clusters(self) -> list[list[int]]:
        """Each cluster's places, ascending; the largest first."""
        members: dict[int, list[int]] = defaultdict(list)
        for place in sorted(self._above):
            members[self._top(place)].append(place)
        return sorted(members.values(), key=lambda places: (-len(places), places))

    def _top(self, place: int) -> int:
        self._above.setdefault(place, place)
        while self._above[place] != place:
            self._above[place] = self._above[self._above[place]]  # halves the way for the next one
            place = self._above[place]
        return place
