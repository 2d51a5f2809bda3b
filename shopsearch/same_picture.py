"""The product that a query pictures first: no words of other products may outweigh its looks.

A fused vector holds a picture and what is said of it. So a product that looks nearly the same, and
is described more like what the picture shows, can come before the one whose picture it is. For a
query by a picture alone the nearest neighbours are compared once more, by their pictures alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from shopsearch.embedding import ContentHashes, Embedder
from shopsearch.ranking.explain import SubsetCosines
from shopsearch.second_stage import WINDOW, Wish
from shopsearch.store import ProductStore

SAME = 0.97  # the cosine from which on two pictures, fused alone, count as one
STANDS_OUT = 2.5  # standard deviations above the neighbours: the same product, seen otherwise


@dataclass(frozen=True, slots=True)
class Lifted:
    """Scores by key, the best first."""

    scores: Mapping[int, float]
    same: frozenset[int] = frozenset()  # the keys that show the very picture


class SamePicture:
    """Lifts the products whose picture is that of the query, or nearly so."""

    def __init__(self, embedder: Embedder, store: ProductStore) -> None:
        self._embedder = embedder
        self._store = store

    def lifted(self, wish: Wish, neighbours: Mapping[int, float]) -> Lifted:
        """The neighbours, scores by key and the best first, with those of the same picture before
        all others, the most alike first. Other queries get them back as they are.
        """
        asks_in_words = wish.item.text and wish.text_weight
        if wish.item.picture is None or asks_in_words or wish.like is not None or wish.is_moved:
            return Lifted(neighbours)
        alike = self._alike(wish, list(islice(neighbours, WINDOW)))
        others = {key: cosine for key, cosine in neighbours.items() if key not in alike}
        score = max(others.values(), default=-1.0)
        rising: dict[int, float] = {}
        for key in sorted(alike, key=lambda key: (alike[key], neighbours[key])):
            score = rising[key] = max(score, alike[key], neighbours[key])
        return Lifted({**dict(reversed(rising.items())), **others}, frozenset(alike))

    def _alike(self, wish: Wish, keys: list[int]) -> dict[int, float]:
        """The cosines of the query with the pictures that count as its own."""
        stored = self._store.fetch(keys)
        here = [key for key in keys if key in stored]
        hashes = [ContentHashes(stored[key].record.image_hash, None) for key in here]
        kept = self._embedder.kept(hashes)
        cosines = SubsetCosines.of(wish.vector, kept, self._embedder.fuse).image  # (N,)
        own = _stands_out(cosines)
        return {key: float(cosines[n]) for n, key in enumerate(here) if own[n]}


def _stands_out(cosines: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(N,) which of (N,) cosines are the same picture's; NaN, where one is not known, is not."""
    known = cosines[~np.isnan(cosines)]
    if not known.size:
        return np.zeros(len(cosines), dtype=np.bool_)
    bound = known.mean() + STANDS_OUT * known.std()
    marks: NDArray[np.bool_] = (cosines >= SAME) | (cosines > max(bound, 0.0))
    return marks
