"""What is known of the words of products, as numbers that many can be compared by at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol
from zlib import crc32

import numpy as np
from numpy.typing import NDArray


class Place(IntEnum):
    """Where words of a product stand.

    The first five are the columns of a lexical index, in its order: the stems of all words as they
    come. The others are what a ranking compares: folded words (see `ranking.words.folded_words`).
    """

    STEMS_OF_TITLE = 0
    STEMS_OF_BRAND = 1
    STEMS_OF_CATEGORY = 2
    STEMS_OF_ATTRIBUTES = 3
    STEMS_OF_DESCRIPTION = 4
    TITLE = 5  # in order
    JOINED_TITLE = 6  # neighbours in the title written as one
    BRAND = 7  # in order
    CATEGORY = 8
    FACTS = 9  # colour, material, size, gender and attributes
    CODES = 10  # model numbers and the like
    WHOLE_TITLE = 11  # one: all folded words of the title
    GROUP = 12  # the item group as it is spelled; none where there is none


N_COLUMNS = 5  # of a lexical index


def word_hash(word: str) -> int:
    """A word as a number below 2^32; two different words in a million pairs of 100 share one."""
    return crc32(word.encode("utf-8", "surrogatepass"))


def word_hashes(words: Sequence[str]) -> NDArray[np.uint32]:
    """(W,) the hashes of words in their order."""
    return np.array([word_hash(word) for word in words], dtype=np.uint32)


@dataclass(frozen=True, slots=True)
class Sketches:
    """The hashed words of N products, place by place, product after product."""

    tokens: NDArray[np.uint32]  # (T,) hashes
    lengths: NDArray[np.int32]  # (N, P) how many tokens each place of each product has
    starts: NDArray[np.int64]  # (N,) where the tokens of each product begin

    def __len__(self) -> int:
        return len(self.lengths)

    @classmethod
    def of(cls, products: Sequence[Sequence[NDArray[np.uint32]]]) -> Sketches:
        """From the tokens of each place of each product, in the order of `Place`."""
        lengths = np.array([[len(part) for part in one] for one in products], dtype=np.int32)
        parts = [part for one in products for part in one]
        tokens = np.concatenate([np.empty(0, dtype=np.uint32), *parts])
        return cls.laid_out(tokens, lengths.reshape(len(products), len(Place)))

    @classmethod
    def laid_out(cls, tokens: NDArray[np.uint32], lengths: NDArray[np.int32]) -> Sketches:
        """From tokens that follow one another without a gap."""
        return cls(tokens, lengths, _before(lengths.sum(axis=1, dtype=np.int64)))

    def at(self, first: Place, last: Place | None = None) -> Words:
        """What stands in one place, or in all from a first to a last."""
        places = slice(first, (first if last is None else last) + 1)
        begins = self.starts + self.lengths[:, :first].sum(axis=1, dtype=np.int64)  # (N,)
        counts = self.lengths[:, places].sum(axis=1, dtype=np.int64)  # (N,)
        return Words(
            self.tokens[_ranges(begins, counts)], np.repeat(np.arange(len(self)), counts), counts
        )

    def taken(self, rows: NDArray[np.int64]) -> Sketches:
        """The sketches of some products, in this order; the tokens are shared."""
        return Sketches(self.tokens, self.lengths[rows], self.starts[rows])

    def compact(self) -> Sketches:
        """The same with tokens that follow one another, and no others."""
        counts = self.lengths.sum(axis=1, dtype=np.int64)
        return Sketches.laid_out(self.tokens[_ranges(self.starts, counts)], self.lengths)

    def then(self, others: Sketches) -> Sketches:
        """These products and others after them; both are compact."""
        tokens = np.concatenate([self.tokens, others.tokens])
        return Sketches.laid_out(tokens, np.concatenate([self.lengths, others.lengths]))


@dataclass(frozen=True, slots=True)
class Words:
    """Some places of N products: M hashes, whose they are, and how many each product has."""

    tokens: NDArray[np.uint32]  # (M,)
    owners: NDArray[np.int64]  # (M,) ascending, 0 to N-1
    counts: NDArray[np.int64]  # (N,)

    def hold(self, wanted: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """(N, W) which products have each of (W,) hashes."""
        held = np.zeros((len(self.counts), len(wanted)), dtype=np.bool_)
        if not len(wanted):
            return held
        order = np.argsort(wanted, kind="stable")
        ascending = wanted[order]
        places = np.searchsorted(ascending, self.tokens)  # (M,)
        found = ascending[np.minimum(places, len(wanted) - 1)] == self.tokens
        held[self.owners[found], order[places[found]]] = True
        # of hashes that repeat among the wanted ones, the first was marked
        same = np.searchsorted(ascending, wanted)
        return held[:, order[same]]

    def positions(self) -> NDArray[np.int64]:
        """(M,) the place of each token among those of its product, from 0."""
        return np.arange(len(self.tokens)) - np.repeat(_before(self.counts), self.counts)


def _before(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """(N,) the sum of all counts before each."""
    sums: NDArray[np.int64] = np.cumsum(counts) - counts
    return sums


def _ranges(begins: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The numbers from each beginning on, as many as its count, one range after the other."""
    return np.arange(int(counts.sum())) + np.repeat(begins - _before(counts), counts)


@dataclass(frozen=True, slots=True)
class WordMatches:
    """The products that hold words of a query, best first."""

    keys: NDArray[np.int64]  # (M,)
    scores: NDArray[np.float32]  # (M,) above 0, higher is better; comparable within one search


class Lexicon(Protocol):
    """All that a search asks about the words of products.

    A term is any text: one of several words matches where they stand next to each other in this
    order. Nothing in it is read as syntax, and none raises, however odd or long; what cannot match
    is passed over, and so are terms beyond the first 64 and characters beyond a term's first 100.
    Case, accents and the endings of English words do not count.
    """

    def search(
        self, terms: Sequence[str], k: int, among: NDArray[np.int64] | None = None
    ) -> WordMatches:
        """The at most k best of the products that hold at least one term, equal ones by key.

        `among` names the only keys that count, however few match of all that do. A term that few
        products hold weighs more, as does one in the title; scores are above 0 and may be compared
        within one call alone.
        """

    def frequencies(self, terms: Sequence[str]) -> Mapping[str, int]:
        """How many products hold each term; a term that no product can hold counts 0."""

    def count(self) -> int:
        """How many products it knows."""

    def holding(self, wanted: Sequence[Sequence[str]]) -> NDArray[np.int64]:
        """The keys, ascending, of the products that hold a term of each of the lists."""

    def sketches(self, keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], Sketches]:
        """Those of the keys that are known, in the order given, and the words of their products."""
