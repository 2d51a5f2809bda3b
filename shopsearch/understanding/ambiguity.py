"""Whether words are a wish for a value, or only happen to be spelled like one.

The catalog itself tells: `wood` is the colour of few things that are of wood; where `orange juicer`
stands on products that are not orange, and `apple pie` on what Apple does not make, these words
mean something else.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import AnyOf, Exists, Lexicon, PartKind, ProductFilter
from shopsearch.domain.key_sets import common
from shopsearch.index import VectorIndex
from shopsearch.understanding.values import Closeness, Meaning

LEAST_SHARES = {  # of the products that hold the words, those that have the value
    PartKind.BRAND: 0.5,
    PartKind.COLOR: 0.2,
    PartKind.MATERIAL: 0.15,
    PartKind.CATEGORY: 0.2,
    PartKind.GENDER: 0.0,
}
LEAST_SHARE_OF_ENDINGS = 0.5  # of a category of which they are the last word, as `young adult`
LEAST_SHARE_BESIDE = 0.25  # of the products that hold the words together with the next one
MAX_LOOKED_AT = 200  # products that hold a phrase, the best of them
MAX_REMEMBERED = 20_000  # answers of one generation


class Ambiguity:
    """Asks the words of one index generation, and remembers what they answered."""

    def __init__(self, lexical: Lexicon, index: VectorIndex) -> None:
        self._lexical = lexical
        self._index = index
        self._answers: dict[Hashable, bool] = {}

    def is_usual(self, words: str, meaning: Meaning) -> bool:
        """Whether enough of the products that hold the words have what they would be taken for."""
        is_named = meaning.closeness > Closeness.ENDING
        least = LEAST_SHARES[meaning.kind] if is_named else LEAST_SHARE_OF_ENDINGS

        def ask() -> bool:
            return meaning.n_products >= least * self._held_by(words)

        return self._answered((meaning.kind, words.casefold()), ask)

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
        holding = np.sort(self._lexical.search([together], MAX_LOOKED_AT).keys)
        if not len(holding):
            return False
        telling = common(holding, self._matching(Exists(wish.field)))
        having = common(telling, self._matching(wish))
        return len(having) < LEAST_SHARE_BESIDE * len(telling)

    def _matching(self, condition: AnyOf | Exists) -> NDArray[np.int64]:
        return self._index.fields.matching(ProductFilter((condition,)))

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
