"""Phrases in quotes: words that have to stand next to each other, as they were typed."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

from shopsearch.domain import CATEGORY_SEPARATOR, Product
from shopsearch.languages import ENGLISH, Language
from shopsearch.ranking.words import Phrase, folded_words

_QUOTES = '"\u201c\u201d\u201e\u201f\u00ab\u00bb\uff02'
_MARK = re.compile(f"[{_QUOTES}]+")
_SPACED_GUILLEMETS = re.compile(r"\u00ab\s*([^\u00ab\u00bb]*?)\s*\u00bb")  # as French sets them
_STRAY = re.compile(rf"(?<!\d)[{_QUOTES}]")  # what touches a number says inch
_BEFORE_AN_OPENING = frozenset("([{,;:/+&")
_TAG = re.compile(r"<[a-zA-Z/!][^<>]*>")
_STORY_CHARS = 6_000


@dataclass(frozen=True, slots=True)
class Quoted:
    """A text taken apart at its quotes.

    A quote that has no partner is just a character, and so is one right after a number, which
    says inch: `5" tv`. Only a phrase may end so: `"iphone 5" case`.
    """

    pieces: tuple[str, ...]  # what stands outside and inside of quotes in turn, outside first

    @classmethod
    def of(cls, text: str, language: Language = ENGLISH) -> Self:
        """Any text. A quote after "without" names what is not wanted: its words stay outside."""
        text = _SPACED_GUILLEMETS.sub('"\\1"', text)
        pieces, rest = [""], 0
        for start, end, first, last in _pairs(text):
            before, inside = text[rest:start], text[first:last]
            rest = end
            if not any(map(str.isalnum, inside)) or _is_refused(pieces[-1] + before, language):
                pieces[-1] += f"{before} {inside} "
            else:
                pieces[-1] += before
                pieces += [inside, ""]
        if len(pieces) == 1:
            return cls((text,))
        pieces[-1] += text[rest:]
        return cls(tuple(_STRAY.sub(" ", piece) for piece in pieces))

    @property
    def outside(self) -> tuple[str, ...]:
        """What stands outside of quotes."""
        return self.pieces[::2]

    @property
    def inside(self) -> tuple[str, ...]:
        """The phrases."""
        return self.pieces[1::2]

    @property
    def plain(self) -> str:
        """The text without the quotes of its phrases; one without phrases as it is."""
        return " ".join(" ".join(self.pieces).split()) if self.inside else self.pieces[0]

    def __str__(self) -> str:
        """The text with its phrases in straight quotes."""
        if not self.inside:
            return self.pieces[0]
        quoted = (f'"{piece}"' if n % 2 else piece for n, piece in enumerate(self.pieces))
        return " ".join(" ".join(quoted).split())

    def changed(self, change: Callable[[str], str]) -> Quoted:
        """The same with other words outside of its quotes."""
        return replace(
            self, pieces=tuple(p if n % 2 else change(p) for n, p in enumerate(self.pieces))
        )


class PhraseTexts:
    """The words of a product as they follow each other, place by place, to look for phrases in."""

    def __init__(self, product: Product, language: Language = ENGLISH) -> None:
        told = (product.title, product.brand, *product.product_type.split(CATEGORY_SEPARATOR))
        facts = (product.color, product.material, product.size, product.gender)
        story = product.description[:_STORY_CHARS]
        if "<" in story or "&" in story:
            story = html.unescape(_TAG.sub(" ", story))
        places = (*told, *facts, *product.attributes.values(), story)
        self._runs = [_run(folded_words(text[:_STORY_CHARS], language)) for text in places if text]

    def hold(self, phrase: Phrase) -> bool:
        """Whether the words of the phrase follow each other in one place."""
        wanted = _run(phrase.words)
        return any(wanted in run for run in self._runs)


def phrases_given_up(phrases: Sequence[Phrase], held: Sequence[Collection[Phrase]]) -> set[Phrase]:
    """The phrases to drop until one product holds all that are left.

    `held` are those that each candidate has. A phrase that none has goes first, then the one that
    most have, which says least.
    """
    kept = list(phrases)
    n_holding = {one: sum(one in some for some in held) for one in phrases}
    while kept and not any(set(kept) <= set(some) for some in held):
        kept.remove(min(kept, key=lambda one: (n_holding[one] > 0, -n_holding[one])))
    return set(phrases) - set(kept)


@dataclass(frozen=True, slots=True)
class _Mark:
    """A quote, or several side by side."""

    start: int
    end: int
    opens: bool  # it may
    closes: bool  # it may
    says_inch: bool  # it may


def _pairs(text: str) -> Iterator[tuple[int, int, int, int]]:
    """Where each quoted phrase starts and ends, with its quotes and without them."""
    marks = [_mark(text, found) for found in _MARK.finditer(text)]
    opened: _Mark | None = None
    for mark, following in zip(marks, (*marks[1:], None), strict=False):
        if opened and mark.closes and not (mark.says_inch and _closes_better(following)):
            yield opened.start, mark.end, opened.end, mark.start
            opened = None
        elif mark.opens:
            opened = mark


def _mark(text: str, found: re.Match[str]) -> _Mark:
    before, after = text[: found.start()][-1:], text[found.end() :][:1]
    stands_apart = not before or before.isspace()
    return _Mark(
        found.start(),
        found.end(),
        opens=(stands_apart or before in _BEFORE_AN_OPENING) and bool(after.strip()),
        closes=not stands_apart,
        says_inch=before.isdecimal(),
    )


def _closes_better(mark: _Mark | None) -> bool:
    """Whether a quote can be nothing but the end of a phrase: `"12" pan"` has one."""
    return mark is not None and mark.closes and not (mark.opens or mark.says_inch)


def _is_refused(before: str, language: Language) -> bool:
    """Whether the last word before a quote says that what follows is not wanted."""
    return (folded_words(before[-100:], language) or [""])[-1] in language.without


def _run(words: Sequence[str]) -> str:
    return f" {' '.join(words)} "
