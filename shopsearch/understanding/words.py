"""The words of a query, each with its place in the text, and which of them are no wish."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from shopsearch.ranking.words import MAX_QUERY_WORDS, folded_words

MAX_PHRASE_WORDS = 6
JOINING = frozenset(("and", "n"))  # `black and decker` is `Black & Decker`
FUNCTION_WORDS = frozenset(
    [
        *("a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "from", "in", "into"),
        *("is", "it", "me", "my", "of", "on", "only", "or", "our", "please", "that", "the"),
        *("these", "this", "to", "under", "w", "was", "which", "with", "without", "your"),
    ]
)
NEGATIONS = frozenset(("not", "no", "non", "without", "except", "excluding", "minus"))
_END_OF_NEGATION = frozenset(("but", "for", "from", "in", "on", "that", "to", "with"))

_WORD = re.compile(
    r"[0-9]+(?:[.,/][0-9]+)*|[^\W\d_]+(?:['\N{RIGHT SINGLE QUOTATION MARK}][^\W\d_]+)*"
)
_QUOTED = re.compile(
    r'(?<!\S)"[^"]+"(?!\w)|\N{LEFT DOUBLE QUOTATION MARK}[^\N{RIGHT DOUBLE QUOTATION MARK}]+'
    r"\N{RIGHT DOUBLE QUOTATION MARK}|\N{LEFT-POINTING DOUBLE ANGLE QUOTATION MARK}"
    r"[^\N{RIGHT-POINTING DOUBLE ANGLE QUOTATION MARK}]+"
    r"\N{RIGHT-POINTING DOUBLE ANGLE QUOTATION MARK}"
)
_STOP = re.compile(r"[,;.!?()|]")


@dataclass(frozen=True, slots=True)
class Span:
    """Characters of a text from `start` up to `end`."""

    start: int
    end: int

    def meets(self, other: Span) -> bool:
        """Whether both share a character."""
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Word:
    """One word, folded as the ranking folds it: lower case, no accents, singular."""

    folded: str
    span: Span


def words_of(text: str) -> list[Word]:
    """The first `MAX_QUERY_WORDS` words of any text."""
    found = []
    for match in _WORD.finditer(text):
        if folded := " ".join(folded_words(match[0])):
            found.append(Word(folded, Span(*match.span())))
        if len(found) == MAX_QUERY_WORDS:
            break
    return found


def phrase_of(words: Sequence[Word]) -> str:
    """What a value is looked up by, however its words are joined."""
    return " ".join(word.folded for word in words if word.folded not in JOINING)


def no_wishes(text: str, words: Sequence[Word]) -> list[Span]:
    """What is quoted, and what follows "not" or "without": words alone."""
    quoted = (Span(*match.span()) for match in _QUOTED.finditer(text))
    return list(chain(quoted, _negated(text, words)))


def is_parted(text: str, first: Word, second: Word) -> bool:
    """Whether a comma or the like stands between neighbours."""
    return _STOP.search(text, first.span.end, second.span.start) is not None


def _negated(text: str, words: Sequence[Word]) -> Iterator[Span]:
    is_negated, before = False, 0
    for word in words:
        gap = text[before : word.span.start]
        if word.folded in _END_OF_NEGATION or _STOP.search(gap):
            is_negated = False
        if is_negated or (gap.endswith("-") and not gap[:-1].strip() and gap != "-"):
            yield word.span
        if word.folded in NEGATIONS:
            is_negated = True
        before = word.span.end
