"""What brings candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import ProductFilter, Reason, StoredProduct
from shopsearch.index import VectorIndex

FIRST_WIDTH = 200  # candidates; as many as the second stage of a search weighs
WIDER = 4
MAX_WIDTH = 4_000  # beyond this, what is found is taken as it is


@dataclass(frozen=True, slots=True)
class Line:
    """Candidates for one wish."""

    scores: Mapping[int, float]  # in [-1, 1] by key, the best first
    weight: float = 1.0  # of its share of the places, beside other lines
    is_whole: bool = True  # whether a greater width would bring no more


class Taken(NamedTuple):
    """A candidate that became a hit."""

    key: int
    line: int  # the number of the line that it was taken from


def keys_of(taken: Sequence[Taken]) -> NDArray[np.int64]:
    """(N,)."""
    return np.array([one.key for one in taken], dtype=np.int64)


class Source(Protocol):
    """Where the candidates of one request come from."""

    def lines(self, width: int, within: Sequence[ProductFilter]) -> Sequence[Line]:
        """At least `width` candidates a line that pass the first filter, where there are so many;
        beside them the best that pass the others, which are narrower.
        """

    def reasons(self, taken: Sequence[Taken]) -> Sequence[tuple[Reason, ...]]:
        """Why each of some candidates was brought."""


@dataclass(frozen=True, slots=True)
class Seed:
    """A product that the request is about."""

    stored: StoredProduct
    vector: NDArray[np.float32]  # (D,)

    @property
    def product_id(self) -> str:
        """The shop's own id."""
        return self.stored.product.product_id


def vectors_of(seeds: Sequence[Seed], dimension: int) -> NDArray[np.float32]:
    """(N, D), also where there are none."""
    return np.array([one.vector for one in seeds], dtype=np.float32).reshape(-1, dimension)


@dataclass(frozen=True, slots=True)
class Near:
    """The neighbours of a vector."""

    cosines: Mapping[int, float]  # by key, the best first
    is_whole: bool  # whether these are all that pass
    bound: float  # no product that is not among them has a higher cosine


def nearest(
    index: VectorIndex,
    vector: NDArray[np.float32],
    width: int,
    within: Sequence[ProductFilter],
) -> Near:
    """The neighbours of a vector (D,) among what passes the first filter, and the best of each of
    the others.
    """
    found: dict[int, float] = {}
    for n, where in enumerate(within):
        neighbours = index.search(vector[None, :], width, where)
        keys, scores = neighbours.keys[0].tolist(), neighbours.scores[0].tolist()
        passing = {key: score for key, score in zip(keys, scores, strict=True) if key >= 0}
        if n == 0:
            is_whole = len(passing) < width or width >= len(index)
            bound = -1.0 if is_whole else min(passing.values(), default=-1.0)
        found |= passing
    return Near(best_first(found), is_whole, bound)


def best_first(scores: Mapping[int, float]) -> dict[int, float]:
    """In order of scores, equal ones by key."""
    return dict(sorted(scores.items(), key=lambda pair: (-pair[1], pair[0])))


def passing(
    index: VectorIndex, scores: Mapping[int, float], within: Sequence[ProductFilter]
) -> dict[int, float]:
    """Those that pass the first filter, the best first."""
    matching = set(index.fields.matching(within[0]).tolist())
    return best_first({key: score for key, score in scores.items() if key in matching})
