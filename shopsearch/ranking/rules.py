"""Merchandising rules at work: which of them a query meets, and what they make of an order."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Self, TypeVar

from shopsearch.domain import CATEGORY_SEPARATOR, AnyOf, ProductFilter, Query
from shopsearch.languages import ENGLISH, Language
from shopsearch.ranking.words import fold, folded_words
from shopsearch.rules import KeptRule, Rule, When, category_path

WILDCARD = "*"
MAX_QUERY_CHARS = 1000
_WORD = re.compile(r"\d+(?:[./]\d+)*|[^\W\d_]+")  # as `ranking.words` takes words apart
_WIDEST_SCORE = 1.0 - 1e-9  # the ends of the scale are infinitely far away
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a query its rules are found by."""

    words: tuple[str, ...]  # folded, without endings
    plain: str  # folded alone, with one space between words
    categories: tuple[str, ...]  # those that the search is filtered by, either will do
    language: Language = ENGLISH

    @classmethod
    def of(cls, query: Query, language: Language = ENGLISH) -> Self:
        """Of any query; characters after the first `MAX_QUERY_CHARS` do not count."""
        text = query.text[:MAX_QUERY_CHARS]
        return cls(
            words=tuple(folded_words(text, language)),
            plain=" ".join(_WORD.findall(fold(text, language))),
            categories=_categories(query.where.canonical()),
            language=language,
        )


class RuleBook:
    """All rules of a shop, so that those of a query are found without asking each of them."""

    def __init__(self, kept: Sequence[KeptRule] = (), language: Language = ENGLISH) -> None:
        self._language = language
        self._rules = [one.rule for one in sorted(kept, key=lambda one: one.number)]
        self._by_query: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        self._by_word: defaultdict[str, list[int]] = defaultdict(list)
        self._by_category: defaultdict[str, list[int]] = defaultdict(list)
        self._others: list[int] = []
        for n, rule in enumerate(self._rules):
            self._places(rule.when).append(n)

    def __len__(self) -> int:
        return len(self._rules)

    def met_by(self, query: Query, now: datetime) -> list[Rule]:
        """The rules that hold for a query at a moment, the oldest first."""
        asked = Asked.of(query, self._language)
        return [
            self._rules[n]
            for n in sorted(set(self._perhaps(asked)))
            if self._rules[n].holds_at(now) and is_met(self._rules[n].when, asked)
        ]

    def _places(self, when: When) -> list[int]:
        """The list that a rule is looked for in: the one that the fewest queries ask for."""
        if when.query_is:
            return self._by_query[tuple(folded_words(when.query_is, self._language))]
        if when.words:
            words = folded_words(when.words, self._language)
            return self._by_word[max(words, key=len, default="")]
        if when.category:
            return self._by_category[category_path(when.category)]
        return self._others

    def _perhaps(self, asked: Asked) -> Iterator[int]:
        yield from self._others
        yield from self._by_query.get(asked.words, ())
        for word in set(asked.words):
            yield from self._by_word.get(word, ())
        for level in _levels(asked.categories):
            yield from self._by_category.get(level, ())


def is_met(when: When, asked: Asked) -> bool:
    """Whether a query fulfils all conditions of a rule."""
    if when.asks_for_words and not asked.words:
        return False
    if when.query_is and tuple(folded_words(when.query_is, asked.language)) != asked.words:
        return False
    if when.words and not set(folded_words(when.words, asked.language)).issubset(asked.words):
        return False
    if when.pattern and not is_like(when.pattern, asked):
        return False
    return not when.category or _is_within(asked.categories, category_path(when.category))


def is_like(pattern: str, asked: Asked) -> bool:
    """Whether the words of a query look like a pattern, in which `*` stands for any characters.

    A word that the pattern tells to its end may be singular or plural.
    """
    singular = _globs(_pieces(pattern, asked.language, singular=True), " ".join(asked.words))
    return singular or _globs(_pieces(pattern, asked.language, singular=False), asked.plain)


def slots_of(wanted: Sequence[tuple[int, int]], n: int) -> dict[int, int]:
    """Which key is pinned to which position: `wanted` are (position, key), the oldest rule's first.

    A key is pinned once; a contested position goes to who came first, the others take the next free
    one. There are n products in all: who would come after the last takes one of the last positions.
    """
    next_free: dict[int, int] = {}
    at: dict[int, int] = {}
    pinned: set[int] = set()
    for position, key in wanted:
        if key not in pinned:
            pinned.add(key)
            at[_taken(next_free, position)] = key
    return _within(at, n)


def merged(others: Sequence[_T], pinned: Mapping[int, _T], n: int) -> list[_T]:
    """The first n of an order: the pinned at their positions, the others around them in order."""
    rest = iter(others)
    order: list[_T] = []
    for position in range(1, n + 1):
        order += [pinned[position]] if position in pinned else islice(rest, 1)
    return order


def lifted(score: float, log_factor: float) -> float:
    """A score in [-1, 1] whose odds are multiplied by a factor; higher ones stay higher.

    The odds of a score s are (1 + s) / (1 - s), and half of their logarithm is z = artanh s
    (Fisher, Frequency distribution of the values of the correlation coefficient, 1915). So a factor
    f makes tanh(z + ln f / 2) of it, several factors are multiplied, and 1/f takes back what f did.
    """
    within = max(-_WIDEST_SCORE, min(_WIDEST_SCORE, score))
    return math.tanh(math.atanh(within) + log_factor / 2.0)


def _categories(where: ProductFilter) -> tuple[str, ...]:
    """The categories that a search is filtered by; of several filters, the first."""
    for condition in where.conditions:
        is_category = condition.field == "product_type"
        if is_category and isinstance(condition, AnyOf) and not condition.negate:
            return tuple(map(category_path, condition.values))
    return ()


def _levels(categories: Sequence[str]) -> set[str]:
    """All categories and those above them."""
    split = (category.split(CATEGORY_SEPARATOR) for category in categories)
    return {
        CATEGORY_SEPARATOR.join(levels[: n + 1]) for levels in split for n in range(len(levels))
    }


def _is_within(categories: Sequence[str], wanted: str) -> bool:
    """Whether all of the categories, at least one, are the wanted one or below it."""
    return bool(categories) and all(wanted in _levels([category]) for category in categories)


@lru_cache(maxsize=50_000)  # each pattern of a shop is asked for by every query
def _pieces(pattern: str, language: Language, *, singular: bool) -> tuple[str, ...]:
    """What stands between the wildcards, as it stands in the words of a query."""
    pieces = pattern.split(WILDCARD)
    return tuple(
        _piece(piece, language, is_first=n == 0, is_last=n == len(pieces) - 1, singular=singular)
        for n, piece in enumerate(pieces)
    )


def _piece(piece: str, language: Language, *, is_first: bool, is_last: bool, singular: bool) -> str:
    """Its words; a space at an end that a wildcard follows keeps the words there whole."""
    words = _WORD.findall(fold(piece, language))
    starts_whole = not is_first and not piece[:1].isalnum() and bool(piece)
    ends_whole = not is_last and not piece[-1:].isalnum() and bool(piece)
    if singular and words:
        n_told = len(words) if ends_whole or is_last else len(words) - 1
        words = [*folded_words(" ".join(words[:n_told]), language), *words[n_told:]]
    text = " ".join(words)
    if not text:
        return " " if starts_whole and ends_whole else ""
    return f"{' ' if starts_whole else ''}{text}{' ' if ends_whole else ''}"


def _globs(pieces: Sequence[str], text: str) -> bool:
    """Whether the pieces stand in a text in this order, the first and last at its ends.

    Takes each piece where it comes first: enough, and no pattern makes it look twice.
    """
    first, *middle = pieces
    if not middle:
        return text == first
    *middle, last = middle
    if not text.startswith(first):
        return False
    at = len(first)
    for piece in middle:
        found = text.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return text.endswith(last) and len(text) - len(last) >= at


def _taken(next_free: dict[int, int], position: int) -> int:
    """The first free position from a wanted one on, taken; long runs are passed in few steps."""
    passed = []
    while position in next_free:
        passed.append(position)
        position = next_free[position]
    for one in (*passed, position):
        next_free[one] = position + 1
    return position


def _within(at: Mapping[int, int], n: int) -> dict[int, int]:
    late = sorted(position for position in at if position > n)
    last_free = (position for position in range(n, 0, -1) if position not in at)
    moved = dict(zip(reversed(late), last_free, strict=False))
    return {moved.get(position, position): key for position, key in at.items()}
