"""How well the words of products answer those of a query: many products at once.

The columns are `features.WORD_FEATURES`; each is a number from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain.words import Place, Sketches, Words, word_hash, word_hashes
from shopsearch.ranking.sketching import whole
from shopsearch.ranking.stemming import stem
from shopsearch.ranking.words import AskedWords

SYNONYM = 0.7  # how much a synonym counts beside the word itself
EARLY = 5.0  # places in a title after which a first wanted word is half as early

_TITLE = (Place.TITLE, Place.JOINED_TITLE)

Marks = NDArray[np.bool_]  # (N, W) which products have each wanted word
Column = NDArray[np.float64]  # (N,)


class WordTable:
    """The words of one query, compared with those of N products."""

    def __init__(self, asked: AskedWords, sketches: Sketches) -> None:
        self._asked = asked
        self._sketches = sketches
        self._joined = {first + second: (first, second) for first, second in pairwise(asked.words)}
        alternatives = (word for one in asked.alternatives for word in one.words)
        known = (*asked.words, *self._joined, *alternatives)
        self._column = {word: n for n, word in enumerate(dict.fromkeys(known))}
        self._hashes = word_hashes(list(self._column))  # (W,)
        self._marked: dict[Place, Marks] = {}

    def __len__(self) -> int:
        return len(self._sketches)

    @property
    def titles(self) -> NDArray[np.uint32]:
        """(N,) the hashes of the whole titles, see `Place.WHOLE_TITLE`."""
        return self._sketches.at(Place.WHOLE_TITLE).tokens

    @cached_property
    def in_title(self) -> Marks:
        """The wanted words in the title; both words where it writes them as one."""
        marks = self._hold(_TITLE, self._asked.wanted)
        for joined, both in self._joined.items():
            for word in set(both).intersection(self._asked.wanted):
                marks[:, self._asked.wanted.index(word)] |= self._has(_TITLE, joined)
        return marks

    @cached_property
    def in_facts(self) -> Marks:
        """The wanted words in title, brand, category, colour, material, size or attributes."""
        elsewhere = (Place.BRAND, Place.CATEGORY, Place.FACTS)
        return self.in_title | self._hold(elsewhere, self._asked.wanted)

    @cached_property
    def in_description(self) -> Marks:
        """The wanted words in the description, with any ending."""
        stems = word_hashes([stem(word) for word in self._asked.wanted])
        return self._sketches.at(Place.STEMS_OF_DESCRIPTION).hold(stems)

    @cached_property
    def anywhere(self) -> Marks:
        """The wanted words in any of those."""
        return self.in_facts | self.in_description

    @cached_property
    def held(self) -> Marks:
        """The wanted words that are anywhere, or a synonym of."""
        return self.anywhere | self._meant

    def held_share(self, weights: Mapping[str, float]) -> Column:
        """(N,) the share of the wanted words that a product has, or a synonym of."""
        worth = np.array([weights[word] for word in self._asked.wanted], dtype=np.float64)
        return _share(self.held, self.held, worth)

    @cached_property
    def exact(self) -> NDArray[np.bool_]:
        """(N,) whose whole title the words are, or a model number that it has."""
        if self._asked.codes:
            return _all(self._codes)
        title = word_hashes([whole(self._asked.words)])
        return self._sketches.at(Place.WHOLE_TITLE).hold(title)[:, 0]

    def variants(self, reference: Sketches) -> NDArray[np.bool_]:
        """(N,) which products are the reference, one sketch, in what the words ask for.

        "This, but in blue": of the same item group, or of the same title where the reference tells
        no group; and title or facts hold a wanted word that those of the reference lack.
        """
        groups = reference.at(Place.GROUP).tokens
        place = Place.GROUP if len(groups) else Place.WHOLE_TITLE
        same = _any(self._sketches.at(place).hold(reference.at(place).tokens))
        told = (*_TITLE, Place.FACTS)
        theirs = WordTable(self._asked, reference)._hold(told, self._asked.wanted)  # (1, W)
        return same & _any(self._hold(told, self._asked.wanted) & ~theirs)

    def matched(self) -> list[dict[str, tuple[str, ...]]]:
        """For each product the wanted words that each of its fields holds, in the order of the
        query; fields without any are left out.
        """
        wanted = self._asked.wanted
        fields = {
            "title": self.in_title,
            "brand": self._hold((Place.BRAND,), wanted),
            "category": self._hold((Place.CATEGORY,), wanted),
            "facts": self._hold((Place.FACTS,), wanted),
            "description": self.in_description,
        }
        return [
            {
                field: tuple(
                    word for word, is_there in zip(wanted, marks[n], strict=True) if is_there
                )
                for field, marks in fields.items()
                if marks[n].any()
            }
            for n in range(len(self))
        ]

    def features(self, weights: Mapping[str, float]) -> NDArray[np.float32]:
        """(N, F) all features of words but the lexical score; `weights` say how much each of the
        wanted words counts.
        """
        asked = self._asked
        worth = np.array([weights[word] for word in asked.wanted], dtype=np.float64)  # (W,)
        in_category = self._hold((Place.CATEGORY,), asked.wanted)
        n_of_title = self._sketches.lengths[:, Place.TITLE]
        columns = (
            _share(self.in_title, self._meant_in_title, worth),
            _share(self.in_facts, self._meant, worth),
            _share(self.anywhere, self._meant, worth),
            self._noun(),
            _share(in_category, in_category, worth),
            self._earliness(),
            np.where(n_of_title, self.in_title.sum(axis=1) / np.maximum(n_of_title, 1), 0.0),
            self._names_brand(),
            self._number_share(),
            _mean(self._codes),
            _mean(self._hold(_TITLE, asked.unwanted)),
        )
        return np.column_stack(columns).astype(np.float32)

    @cached_property
    def _codes(self) -> Marks:
        return self._sketches.at(Place.CODES).hold(word_hashes(self._asked.codes))

    @cached_property
    def _title(self) -> Words:
        return self._sketches.at(Place.TITLE)

    @cached_property
    def _meant_in_title(self) -> Marks:
        return self._alternatives(_TITLE)

    @cached_property
    def _meant(self) -> Marks:
        """The wanted words for which something stands that will do as well."""
        return self._meant_in_title | self._alternatives((*_TITLE, Place.CATEGORY, Place.FACTS))

    def _alternatives(self, places: Sequence[Place]) -> Marks:
        wanted = self._asked.wanted
        marks = np.zeros((len(self), len(wanted)), dtype=np.bool_)
        for one in self._asked.alternatives:
            there = _all(self._hold(places, one.words))  # (N,)
            for word in set(one.stands_for).intersection(wanted):
                marks[:, wanted.index(word)] |= there
        return marks

    def _hold(self, places: Sequence[Place], words: Sequence[str]) -> Marks:
        """(N, W) which of some words of the query stand in one of the places."""
        columns = [self._column[word] for word in words]
        marks = self._marks(places[0])[:, columns]
        for place in places[1:]:
            marks |= self._marks(place)[:, columns]
        return marks

    def _has(self, places: Sequence[Place], word: str) -> NDArray[np.bool_]:
        return self._hold(places, (word,))[:, 0]

    def _marks(self, place: Place) -> Marks:
        if place not in self._marked:
            self._marked[place] = self._sketches.at(place).hold(self._hashes)
        return self._marked[place]

    def _noun(self) -> Column:
        """Whether the word for the kind of thing is in the title, or something that will do."""
        noun = self._asked.noun
        if noun not in self._column:
            return np.zeros(len(self))
        itself = self._has(_TITLE, noun).astype(np.float64)
        if noun not in self._asked.wanted:
            return itself
        meant = self._meant_in_title[:, self._asked.wanted.index(noun)]
        column: Column = np.maximum(itself, SYNONYM * meant)
        return column

    def _earliness(self) -> Column:
        """1 / (1 + p / EARLY) for the place p of the first wanted word of the title."""
        wanted = np.isin(self._title.tokens, word_hashes(self._asked.wanted))
        first = np.full(len(self), np.inf)
        np.minimum.at(first, self._title.owners[wanted], self._title.positions()[wanted])
        column: Column = 1.0 / (1.0 + first / EARLY)
        return column

    def _names_brand(self) -> Column:
        """Whether the query names every word of the brand."""
        brand = self._sketches.at(Place.BRAND)
        named = np.isin(brand.tokens, word_hashes((*self._asked.words, *self._joined)))
        n_named = np.bincount(brand.owners[named], minlength=len(self))
        is_named: Column = ((brand.counts > 0) & (n_named == brand.counts)).astype(np.float64)
        return is_named

    def _number_share(self) -> Column:
        """The share of the query's numbers that the title has, with the word that follows."""
        pairs = [pair for pair in pairwise((*self._asked.words, "")) if pair[0][0].isdigit()]
        if not pairs:
            return np.zeros(len(self))
        found = [
            _followed(self._title, *pair) if pair[1] else self._has(_TITLE, pair[0])
            for pair in pairs
        ]
        share: Column = np.mean(found, axis=0)
        return share


def titles_with(sketches: Sketches, phrase: Sequence[str]) -> NDArray[np.bool_]:
    """(N,) whose titles have some folded words one after the other."""
    return _followed(sketches.at(Place.TITLE), *phrase)


def _followed(title: Words, *phrase: str) -> NDArray[np.bool_]:
    """(N,) which titles have some words one after the other."""
    n_starts = max(len(title.tokens) - len(phrase) + 1, 0)
    after = title.owners[:n_starts] == title.owners[len(phrase) - 1 :][:n_starts]
    for place, word in enumerate(phrase):
        after &= title.tokens[place : place + n_starts] == word_hash(word)
    found = np.zeros(len(title.counts), dtype=np.bool_)
    found[title.owners[:n_starts][after]] = True
    return found


def _share(found: Marks, meant: Marks, worth: NDArray[np.float64]) -> Column:
    """The worth of the words found, and a part of that of words for which others stand."""
    everything = float(worth.sum())
    if not everything:
        return np.zeros(len(found))
    column: Column = (found @ worth + SYNONYM * ((meant & ~found) @ worth)) / everything
    return column


def _mean(marks: Marks) -> Column:
    return marks.mean(axis=1) if marks.shape[1] else np.zeros(len(marks))


def _all(marks: Marks) -> NDArray[np.bool_]:
    return np.asarray(marks.all(axis=1), dtype=np.bool_)


def _any(marks: Marks) -> NDArray[np.bool_]:
    return np.asarray(marks.any(axis=1), dtype=np.bool_)
