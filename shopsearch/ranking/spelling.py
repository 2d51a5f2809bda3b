"""Words that are spelled nearly as one that was typed, out of a catalog's own vocabulary.

Distances are those of optimal string alignment (Damerau, 1964): a letter left out, put in, or
exchanged, or two neighbours swapped, are one typo each.
"""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from threading import Lock

from rapidfuzz import process
from rapidfuzz.distance import OSA

from shopsearch.languages import ENGLISH, Language
from shopsearch.ranking.words import fold

FEWEST_LETTERS = 4  # shorter words have too many neighbours
LETTERS_FOR_TWO = 8  # from here on two typos are forgiven, as by Algolia and Typesense
MOST_LETTERS = 40
MAX_WORDS = 200_000
FIRST_LETTER = 0.5  # typos more that a wrong first letter counts: it is the one least often wrong

_LETTERS = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Near:
    """A word of the vocabulary, and how far it is from one that was typed."""

    word: str
    cost: float  # typos, and more for a wrong first letter


def most_typos(word: str) -> int:
    """How many typos a word of this length is forgiven."""
    if not FEWEST_LETTERS <= len(word) <= MOST_LETTERS or not word.isalpha():
        return 0
    return 1 if len(word) < LETTERS_FOR_TWO else 2


def spelled_words(text: str, language: Language = ENGLISH) -> list[str]:
    """The words of a text as they are spelled, in lower case and without accents; no numbers."""
    return _LETTERS.findall(fold(text, language))


class Vocabulary:
    """The words of a catalog and how often they came. Threads may share it.

    Words only ever come: those whose products are gone are for the caller to tell, who asks a
    lexical index anyway. Beyond `max_words` new words are left out, so its memory is bounded.
    """

    def __init__(self, max_words: int = MAX_WORDS) -> None:
        self._max_words = max_words
        self._counts: Counter[str] = Counter()
        self._by_length: dict[int, list[str]] = {}
        self._sorted: list[str] = []
        self._lock = Lock()

    def __len__(self) -> int:
        """How many words it holds."""
        return len(self._counts)

    def __contains__(self, word: str) -> bool:
        """Whether it holds a folded word."""
        return word in self._counts

    def add(self, words: Iterable[str]) -> None:
        """Take in words as `spelled_words` gives them."""
        counted = Counter(words)
        with self._lock:
            new = [word for word in counted if word not in self._counts and len(word) > 1]
            new = new[: max(0, self._max_words - len(self._counts))]
            self._counts.update({w: counted[w] for w in counted if w in self._counts})
            self._counts.update({word: counted[word] for word in new})
            for word in new:
                self._by_length.setdefault(len(word), []).append(word)
            self._sort_in(new)

    def count(self, word: str) -> int:
        """How often a word came."""
        return self._counts[word]

    def near(self, word: str, n: int = 8) -> list[Near]:
        """The at most n nearest words within `most_typos`, the nearest and most frequent first."""
        typos = most_typos(word)
        if not typos:
            return []
        found = process.extract(
            word,
            self._of_length(len(word), typos),
            scorer=OSA.distance,
            score_cutoff=typos,
            limit=None,
        )
        forgiven = (Near(other, cost) for other, cost in _costs(word, found))
        kept = [one for one in forgiven if one.cost <= typos + FIRST_LETTER]
        return sorted(kept, key=lambda one: (one.cost, -self._counts[one.word], one.word))[:n]

    def starting(self, prefix: str, n: int = 20) -> list[str]:
        """The at most n most frequent words with a prefix."""
        with self._lock:
            start = bisect_left(self._sorted, prefix)
            end = bisect_left(self._sorted, prefix + "\U0010ffff", lo=start)
            found = self._sorted[start:end]
        return sorted(found, key=lambda word: (-self._counts[word], word))[:n]

    def starting_nearly(self, prefix: str, n: int = 20) -> list[str]:
        """The same, where the prefix itself may have typos (see `most_typos`) but for its first
        letter.
        """
        typos = most_typos(prefix)
        if not typos:
            return []
        with self._lock:
            start = bisect_left(self._sorted, prefix[0])
            end = bisect_left(self._sorted, prefix[0] + "\U0010ffff", lo=start)
            words = self._sorted[start:end]
        costs: dict[str, float] = {}
        for length in (len(prefix) - 1, len(prefix), len(prefix) + 1):  # a letter more or less
            starts = [word[:length] for word in words]
            for _, cost, at in process.extract(
                prefix, starts, scorer=OSA.distance, score_cutoff=typos, limit=None
            ):
                costs[words[at]] = min(cost, costs.get(words[at], cost))
        return sorted(costs, key=lambda word: (costs[word], -self._counts[word], word))[:n]

    def _of_length(self, length: int, typos: int) -> list[str]:
        lengths = range(length - typos, length + typos + 1)
        return [word for one in lengths for word in tuple(self._by_length.get(one, ()))]

    def _sort_in(self, new: Sequence[str]) -> None:
        if len(new) < 100:
            for word in new:
                insort(self._sorted, word)
        else:
            self._sorted = sorted([*self._sorted, *new])


def splits(word: str) -> Iterator[str]:
    """Two words that may have been written as one: `t shirt` for `tshirt`, `hair dryer`."""
    if not 5 <= len(word) <= MOST_LETTERS or not word.isalpha():
        return
    for place in (1, *range(3, len(word) - 2)):
        yield f"{word[:place]} {word[place:]}"


def _costs(word: str, found: Iterable[tuple[str, float, int]]) -> Iterator[tuple[str, float]]:
    """Typos, and more for a wrong first letter, which words of four letters do not forgive."""
    for other, typos, _ in found:
        if other[0] == word[0]:
            yield other, float(typos)
        elif len(word) > FEWEST_LETTERS:
            yield other, typos + FIRST_LETTER
