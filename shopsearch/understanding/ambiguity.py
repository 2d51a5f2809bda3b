"""Whether words are a wish for a value, or only happen to be spelled like one.

The catalog itself tells: where `orange juicer` stands on products that are not orange, and `apple
pie` on what Apple does not make, these words mean something else.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import AnyOf, Exists, ProductFilter
from shopsearch.index import VectorIndex
from shopsearch.store import LexicalIndex

LEAST_SHARE_OF_BRAND = 0.5  # of the products that hold its words
LEAST_SHARE_BESIDE = 0.5  # of the products that hold the words together with the next one
MAX_LOOKED_AT = 200  # products that hold a phrase, the best of them
MAX_REMEMBERED = 20_000  # answers of one generation


class Ambiguity:
    """Asks the words of one index generation, and remembers what they answered."""

    def __init__(self, lexical: LexicalIndex, index: VectorIndex) -> None:
        self._lexical = lexical
        self._index = index
        self._answers: dict[Hashable, bool] = {}

    def is_brand(self, words: str, n_products: int) -> bool:
        """Whether most products that hold the words are of the brand."""

        def ask() -> bool:
            return n_products >= LEAST_SHARE_OF_BRAND * self._held_by(words)

        return self._answered(("brand", words.casefold()), ask)

    def is_held(self, words: str) -> bool:
        """Whether a product holds the words together, as they are."""
        return self._answered(("held", words.casefold()), lambda: self._held_by(words) > 0)

    def means_else(self, wish: AnyOf, together: str) -> bool:
        """Whether the products that hold these words together mostly have another value.

        `together` are the words of the wish and the one beside them. Products that tell no value
        do not count.
        """
        key = ("beside", wish.field, together.casefold())
        return self._answered(key, lambda: self._is_else(wish, together))

    def is_made_by(self, wish: AnyOf, others: Sequence[str]) -> bool:
        """Whether a product that has the value holds one of the other words."""

        def ask() -> bool:
            return len(self._lexical.search(others, 1, self._matching(wish)).keys) > 0

        return self._answered(("made", wish.values, *map(str.casefold, others)), ask)

    def _is_else(self, wish: AnyOf, together: str) -> bool:
        holding = self._lexical.search([together], MAX_LOOKED_AT).keys
        if not len(holding):
            return False
        telling = np.intersect1d(holding, self._matching(Exists(wish.field)))
        having = np.intersect1d(telling, self._matching(wish))
        return len(having) < LEAST_SHARE_BESIDE * len(telling)

    def _matching(self, condition: AnyOf | Exists) -> NDArray[np.int64]:
        return self._index.matching(ProductFilter((condition,)))

    def _held_by(self, words: str) -> int:
        return self._lexical.frequencies([words])[words]

    def _answered(self, key: Hashable, ask: Callable[[], bool]) -> bool:
        """The answer that is remembered, or a new one; several threads may ask at once."""
        answer = self._answers.get(key)
        if answer is None:
            if len(self._answers) >= MAX_REMEMBERED:
                self._answers = {}
            answer = self._answers[key] = ask()
        return answer
