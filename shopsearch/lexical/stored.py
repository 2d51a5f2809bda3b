"""The words of products from the database: for catalogs that shall not be held in memory, and for
index generations that were made without words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import Product, Sketches, WordMatches
from shopsearch.ranking.sketching import sketched
from shopsearch.store import LexicalIndex, ProductStore
from shopsearch.store.words import columns_of


class StoredWords:
    """A `Lexicon` over the lexical index of a store and its products."""

    def __init__(self, lexical: LexicalIndex, store: ProductStore) -> None:
        self._lexical = lexical
        self._store = store

    def search(
        self, terms: Sequence[str], k: int, among: NDArray[np.int64] | None = None
    ) -> WordMatches:
        """See `Lexicon.search`."""
        return self._lexical.search(terms, k, among)

    def frequencies(self, terms: Sequence[str]) -> Mapping[str, int]:
        """See `Lexicon.frequencies`."""
        return self._lexical.frequencies(terms)

    def count(self) -> int:
        """See `Lexicon.count`."""
        return self._lexical.count()

    def holding(self, wanted: Sequence[Sequence[str]]) -> NDArray[np.int64]:
        """See `Lexicon.holding`."""
        return self._lexical.holding(wanted)

    def sketches(self, keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], Sketches]:
        """See `Lexicon.sketches`; the products are read anew each time."""
        keys = np.asarray(keys, dtype=np.int64)
        stored = self._store.fetch(keys.tolist())
        there = np.array([key in stored for key in keys.tolist()], dtype=np.bool_)
        return keys[there], sketches_of([stored[key].product for key in keys[there].tolist()])


def sketches_of(products: Sequence[Product]) -> Sketches:
    """The words of products, read out of them now."""
    return sketched(products, [tuple(columns_of(one).values()) for one in products])
