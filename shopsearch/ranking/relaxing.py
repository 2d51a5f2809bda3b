"""Which words of a query no product has together: the ones that say least are given up first."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from shopsearch.ranking.features import Rarity
from shopsearch.ranking.words import AskedWords


def given_up(asked: AskedWords, held: Sequence[Collection[str]], rarity: Rarity) -> tuple[str, ...]:
    """The wanted words to drop until one product holds all that are left, in the query's order.

    `held` are the wanted words that each candidate has. A word that no product has goes first, as
    it can bring nothing; then the most frequent one, which says least. One word always stays, but
    where no word brings anything none was given up either.
    """
    if not any(held):
        return ()
    kept = list(asked.wanted)
    while len(kept) > 1 and not any(set(kept) <= set(words) for words in held):
        kept.remove(min(kept, key=lambda word: _worth(word, rarity)))
    return tuple(word for word in asked.wanted if word not in kept)


def _worth(word: str, rarity: Rarity) -> tuple[bool, float]:
    return rarity.held_by.get(word, 0) > 0, rarity.of(word)
