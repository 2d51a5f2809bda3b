"""Synonyms: what a shop says will do as well as the word that was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from shopsearch.errors import SynonymRejected
from shopsearch.languages import ENGLISH, Language
from shopsearch.ranking.words import Alternative, fold, folded_words

MAX_PHRASES = 20
MAX_PHRASE_WORDS = 6
_ONE_WAY = "=>"
_FORM = "write two-way synonyms as `sofa, couch`, and a one-way synonym as `iphone => smartphone`"


@dataclass(frozen=True, slots=True)
class SynonymRule:
    """Phrases that stand for one another; or, where `means` is not empty, for those of it."""

    asked: tuple[str, ...]
    means: tuple[str, ...] = ()

    @classmethod
    def of(cls, text: str) -> Self:
        """Read `sofa, couch` or `iphone => smartphone`. Raises `SynonymRejected`."""
        left, arrow, right = text.partition(_ONE_WAY)
        if _ONE_WAY in right:
            raise SynonymRejected(f"{text!r} has more than one {_ONE_WAY}: {_FORM}")
        asked, means = _phrases(left), _phrases(right)
        if (arrow and not (asked and means)) or (not arrow and len(asked) < 2):
            raise SynonymRejected(f"{text!r} names no two different phrases: {_FORM}")
        if len(asked) + len(means) > MAX_PHRASES:
            raise SynonymRejected(
                f"the rule {text[:80]!r} has {len(asked) + len(means)} phrases; the limit is "
                f"{MAX_PHRASES}: make several rules of it"
            )
        return cls(asked, means) if arrow else cls(tuple(sorted(asked)))

    def __str__(self) -> str:
        """The canonical spelling: `SynonymRule.of` reads the same rule from it."""
        asked = ", ".join(self.asked)
        return f"{asked} {_ONE_WAY} {', '.join(self.means)}" if self.means else asked

    def pairs(self, language: Language = ENGLISH) -> Iterator[tuple[str, str]]:
        """What is asked for, and what will do for it."""
        for asked in self.asked:
            for other in self.means or self.asked:
                if folded_words(other, language) != folded_words(asked, language):
                    yield asked, other


class Synonyms:
    """All rules of a shop, ready for many queries."""

    def __init__(self, rules: Iterable[SynonymRule] = (), language: Language = ENGLISH) -> None:
        self._language = language
        self._others: dict[tuple[str, ...], dict[str, None]] = {}
        for rule in rules:
            for asked, other in rule.pairs(language):
                self._others.setdefault(tuple(folded_words(asked, language)), {})[other] = None
        self._longest = max(map(len, self._others), default=0)

    def of(self, words: Sequence[str]) -> tuple[Alternative, ...]:
        """What will do for some of the folded words of a query, in their order."""
        return tuple(
            Alternative(some, tuple(folded_words(other, self._language)), term=other)
            for some in self._runs(words)
            for other in self._others.get(some, ())
        )

    def _runs(self, words: Sequence[str]) -> Iterator[tuple[str, ...]]:
        for start in range(len(words)):
            for end in range(start + 1, min(start + self._longest, len(words)) + 1):
                yield tuple(words[start:end])


def _phrases(text: str) -> tuple[str, ...]:
    """Each phrase once, folded but for its endings."""
    phrases = dict.fromkeys(" ".join(fold(phrase).split()) for phrase in text.split(","))
    for phrase in filter(None, phrases):
        if not 1 <= len(folded_words(phrase)) <= MAX_PHRASE_WORDS:
            raise SynonymRejected(
                f"the phrase {phrase[:80]!r} must have 1 to {MAX_PHRASE_WORDS} words: {_FORM}"
            )
    return tuple(filter(None, phrases))
