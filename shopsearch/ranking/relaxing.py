"""Which words of a query no product has together: the ones that say least are given up first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shopsearch.ranking.features import Rarity
from shopsearch.ranking.words import AskedWords


def given_up(asked: AskedWords, held: NDArray[np.bool_], rarity: Rarity) -> tuple[str, ...]:
    """The wanted words to drop until one product holds all that are left, in the query's order.

    `held` are (N, W) marks: which of the wanted words each candidate has. A word that no product
    has goes first, as it can bring nothing; then the most frequent one, which says least. One word
    always stays, but where no word brings anything none was given up either.
    """
    if not held.any():
        return ()
    kept = list(range(len(asked.wanted)))
    while len(kept) > 1 and not held[:, kept].all(axis=1).any():
        kept.remove(min(kept, key=lambda n: _worth(asked.wanted[n], rarity)))
    return tuple(word for n, word in enumerate(asked.wanted) if n not in kept)


def _worth(word: str, rarity: Rarity) -> tuple[bool, float]:
    return rarity.held_by.get(word, 0) > 0, rarity.of(word)
