"""The second stage of a search: vectors and words bring candidates, the ranker orders them.

The first `WINDOW` neighbours and the first `WINDOW` products that hold words of the query are
weighed by named features; after them come the other neighbours, by their cosine. The window does
not depend on the page, so all pages together are one order, in which no product comes twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import StoredProduct
from shopsearch.index import VectorIndex
from shopsearch.ranking.features import Rarity, feature_rows, is_exact
from shopsearch.ranking.order import Candidate
from shopsearch.ranking.ranker import Ranker
from shopsearch.ranking.words import AskedWords
from shopsearch.store import LexicalIndex, ProductStore

WINDOW = 100  # of each; twice as many found no better order of the judged queries, see decision 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is searched for, as both indexes are asked."""

    words: AskedWords
    vector: NDArray[np.float32]  # (D,)
    text_weight: float  # how much the words count, 0..1
    is_words_alone: bool  # then an exact title or model number comes first
    among: NDArray[np.int64] | None  # the only keys that pass the filter; None lets all pass
    except_key: int | None  # a product is not among its own hits


@dataclass(frozen=True, slots=True)
class Window:
    """N candidates and what is known of them."""

    products: Sequence[StoredProduct]
    cosines: NDArray[np.float32]  # (N,)
    features: NDArray[np.float32]  # (N, F), columns as in `FEATURES`


class SecondStage:
    """Orders what the vector index has found, and what only the words find, as one list."""

    def __init__(self, lexical: LexicalIndex, store: ProductStore, ranker: Ranker) -> None:
        self._lexical = lexical
        self._store = store
        self._ranker = ranker

    def order(
        self, wish: Wish, neighbours: Mapping[int, float], index: VectorIndex
    ) -> tuple[list[Candidate], dict[int, float]]:
        """The window in its order, and the key and score of the neighbours after it.

        `neighbours` are cosines by key, the best first: `WINDOW` of them at least, if there are.
        """
        window = self.window(wish, neighbours, index)
        scores = self._scores(wish, window)
        best_first = np.argsort(-scores, kind="stable")
        ranked = [Candidate(window.products[n], float(scores[n])) for n in best_first]
        in_window = {stored.key for stored in window.products}
        after = {
            key: cosine
            for key, cosine in islice(neighbours.items(), WINDOW, None)
            if key not in in_window
        }
        return ranked, self._scores_after(wish, window, scores, after)

    def window(self, wish: Wish, neighbours: Mapping[int, float], index: VectorIndex) -> Window:
        """The candidates and their features."""
        cosines = dict(islice(neighbours.items(), WINDOW))
        matches = self._lexical.search(wish.words.terms, WINDOW + 1, wish.among)
        only_by_words = [
            key for key in matches.keys.tolist() if key not in cosines and key != wish.except_key
        ]
        cosines |= _cosines(only_by_words[:WINDOW], wish.vector, index)
        stored = self._store.fetch(list(cosines))
        products = [stored[key] for key in cosines if key in stored]
        return Window(
            products=products,
            cosines=np.array([cosines[one.key] for one in products], dtype=np.float32),
            features=self._features(wish.words, products),
        )

    def _features(
        self, words: AskedWords, products: Sequence[StoredProduct]
    ) -> NDArray[np.float32]:
        keys = np.array([one.key for one in products], dtype=np.int64)
        matches = self._lexical.search(words.terms, len(keys), keys)
        by_key = dict(zip(matches.keys.tolist(), matches.scores.tolist(), strict=True))
        lexical = np.array([by_key.get(key, 0.0) for key in keys.tolist()], dtype=np.float32)
        rarity = Rarity(
            self._lexical.count(), self._lexical.frequencies((*words.wanted, *words.unwanted))
        )
        return feature_rows(words, [one.product for one in products], lexical, rarity)

    def _scores(self, wish: Wish, window: Window) -> NDArray[np.float32]:
        """The ranker's scores, those of exact matches lifted above all others."""
        scores = self._ranker.scores(window.cosines, window.features, wish.text_weight)  # (N,)
        if not wish.is_words_alone:
            return scores
        exact = np.array([is_exact(wish.words, one.product) for one in window.products], dtype=bool)
        if not exact.any() or exact.all():
            return scores
        highest = scores[~exact].max()
        return np.where(exact, highest + (1.0 - highest) * (1.0 + scores) / 2.0, scores)

    def _scores_after(
        self,
        wish: Wish,
        window: Window,
        scores: NDArray[np.float32],
        after: Mapping[int, float],
    ) -> dict[int, float]:
        """By cosine alone, and never above the last score of the window."""
        cosines = np.fromiter(after.values(), dtype=np.float32, count=len(after))
        plain = self._ranker.score_without_words(cosines, window.cosines, wish.text_weight)
        lowest = scores.min(initial=1.0)
        return dict(zip(after, np.minimum(plain, lowest).tolist(), strict=True))


def _cosines(
    keys: Sequence[int], vector: NDArray[np.float32], index: VectorIndex
) -> dict[int, float]:
    """By key; the index may not hold yet, or no longer, what the store holds."""
    rows = index.fetch(np.array(keys, dtype=np.int64))  # (M, D), NaN where it lacks one
    cosines = rows @ vector  # (M,)
    return {
        key: float(cosine)
        for key, cosine in zip(keys, cosines, strict=True)
        if not np.isnan(cosine)
    }
