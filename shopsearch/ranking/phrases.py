"""Phrases in quotes: words that have to stand next to each other, as they were typed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Self

import numpy as np
from numpy.typing import NDArray

from shopsearch.languages import ENGLISH, Language
from shopsearch.ranking.words import Phrase, folded_words

_QUOTES = '"\u201c\u201d\u201e\u201f\u00ab\u00bb\uff02'
_MARK = re.compile(f"[{_QUOTES}]+")
_SPACED_GUILLEMETS = re.compile(r"\u00ab\s*([^\u00ab\u00bb]*?)\s*\u00bb")  # as French sets them
_REFUSED = rf"(?<!\S)-[{_QUOTES}][^{_QUOTES}]+[{_QUOTES}]"  # `-"faux leather"`
_STRAY = re.compile(rf"({_REFUSED})|(?<!\d)[{_QUOTES}]")  # what touches a number says inch
_MASK = "\N{OGHAM LETTER BEITH}"  # a letter that nobody writes
_MASKED = re.compile(rf"{_MASK}(\d+){_MASK}")
_BEFORE_AN_OPENING = frozenset("([{,;:/+&")


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
        return cls(tuple(_STRAY.sub(lambda found: found[1] or " ", piece) for piece in pieces))

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

    @property
    def masked(self) -> str:
        """The text with a word that nobody writes for each phrase, see `unmasked`."""
        if not self.inside:
            return self.pieces[0]
        masked = (f"{_MASK}{n // 2}{_MASK}" if n % 2 else p for n, p in enumerate(self.pieces))
        return " ".join(" ".join(masked).split())

    def unmasked(self, masked: str) -> str:
        """Some of the masked text with the phrases for their masks."""
        by_mask = self._by_mask
        return _MASKED.sub(lambda mask: by_mask.get(mask[0], mask[0]), masked)

    def within(self, masked: str) -> tuple[tuple[str, ...], str]:
        """The phrases in some of the masked text, and what stands outside of them."""
        by_mask = self._by_mask
        masks = [found[0] for found in _MASKED.finditer(masked) if found[0] in by_mask]
        outside = _MASKED.sub(lambda mask: " " if mask[0] in by_mask else mask[0], masked)
        return tuple(by_mask[mask] for mask in masks), outside

    @property
    def _by_mask(self) -> dict[str, str]:
        return {f"{_MASK}{n}{_MASK}": phrase for n, phrase in enumerate(self.inside)}

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


def _no_keys() -> NDArray[np.int64]:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class HeldPhrases:
    """The products that hold the phrases of a query.

    A product holds a phrase where a lexical index finds it: its words follow each other, with any
    ending, in one of the columns, in one of the ways to write it.
    """

    keys: NDArray[np.int64] = field(default_factory=_no_keys)  # ascending
    given_up: tuple[Phrase, ...] = ()

    @classmethod
    def of(cls, held: Mapping[Phrase, NDArray[np.int64]]) -> Self:
        """From the keys of those that hold each. Phrases are given up until one product holds all
        that are left: one that none has goes first, then the one that most have, which says least.
        """
        kept = list(held)
        while kept:
            keys = reduce(np.intersect1d, (held[one] for one in kept))
            if len(keys):
                return cls(keys, tuple(one for one in held if one not in kept))
            kept.remove(min(kept, key=lambda one: (len(held[one]) > 0, -len(held[one]))))
        return cls(given_up=tuple(held))


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
