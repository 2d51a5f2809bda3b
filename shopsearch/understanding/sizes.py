"""Sizes in the words of a query: `size 42`, `eu 42`, `king size`, `xl`, as the catalog has them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from shopsearch.understanding.words import Span, Word

ANNOUNCING = frozenset(("size", "sz"))  # singular
SYSTEMS = frozenset(("eu", "eur", "uk", "us"))
_MAX_VALUE_WORDS = 4
_LETTERS_ALONE = re.compile(
    r"(?<![\w/-])(?:(?:[2-6] ?)?x{1,4}-?[sl]|[2-6]x[sl])(?![\w/-])", re.IGNORECASE
)
_NUMBER = re.compile(r"[0-9]+(?:[.,/][0-9]+)*")
_PARTS = re.compile(r"[,;|]|\s/\s")
_ALIKE = {
    "small": "s",
    "medium": "m",
    "large": "l",
    "extra large": "xl",
    "x large": "xl",
    "extra small": "xs",
    "x small": "xs",
    "xx large": "xxl",
    "2 x large": "xxl",
    "2 xl": "xxl",
    "3 xl": "xxxl",
    "4 xl": "xxxxl",
    "2 xs": "xxs",
    "x l": "xl",
    "x s": "xs",
}


@dataclass(frozen=True, slots=True)
class SizeWords:
    """A size that the catalog has, and where a text tells it."""

    span: Span
    values: tuple[str, ...]  # as the catalog has it, case-folded
    stands_alone: bool  # nothing beside it says that it is a size


class CatalogSizes:
    """The sizes of a catalog, by what people call them."""

    def __init__(self, values: Mapping[tuple[str, str], tuple[str, ...]]) -> None:
        self._values = values

    @classmethod
    def of(cls, words: Iterable[str]) -> Self:
        """From the values of the field, case-folded; one may list several: `s, m, l`."""
        values: dict[tuple[str, str], dict[str, None]] = {}
        for word in words:
            for part in _PARTS.split(word):
                system, size = _key(part)
                for asked in {system, ""}:
                    if size:
                        values.setdefault((asked, size), {})[word] = None
        return cls({key: tuple(found) for key, found in values.items()})

    def called(self, text: str) -> tuple[str, ...]:
        """The values that are called so; none where the catalog has no such size.

        A size in another system than the one that is asked for will not do; one in none will.
        """
        system, size = _key(text)
        if found := self._values.get((system, size)):
            return found
        without = self._values.get(("", size), ())
        return tuple(value for value in without if not _key(value)[0])


def sizes_in(text: str, words: Sequence[Word], sizes: CatalogSizes) -> Iterator[SizeWords]:
    """The sizes that a text tells and the catalog has, those that are announced first."""
    for at, word in enumerate(words):
        if word.folded in ANNOUNCING:
            yield from _beside(text, words, at, sizes)
    for at, word in enumerate(words):
        if word.folded in SYSTEMS:
            yield from _in_system(text, words, at, sizes)
    for match in _LETTERS_ALONE.finditer(text):
        if values := sizes.called(match[0]):
            yield SizeWords(Span(*match.span()), values, stands_alone=True)


def _beside(text: str, words: Sequence[Word], at: int, sizes: CatalogSizes) -> Iterator[SizeWords]:
    """`size 42`, or else `king size`."""
    last = min(len(words), at + 1 + _MAX_VALUE_WORDS)
    after = ((at, end, at + 1, end) for end in range(last, at + 1, -1))
    before = ((start, at + 1, start, at) for start in range(max(0, at - 3), at))
    for start, end, first, stop in (*after, *before):
        said = text[words[first].span.start : words[stop - 1].span.end]
        if values := sizes.called(said):
            yield SizeWords(_span(words[start:end]), values, stands_alone=False)
            return


def _in_system(
    text: str, words: Sequence[Word], at: int, sizes: CatalogSizes
) -> Iterator[SizeWords]:
    """`eu 42`, `9.5 us`: a number beside the system."""
    for first, stop in ((at, at + 2), (at - 1, at + 1)):
        pair = words[max(first, 0) : stop]
        if len(pair) == 2 and any(_NUMBER.fullmatch(one.folded) for one in pair):
            values = sizes.called(text[pair[0].span.start : pair[1].span.end])
            if values:
                yield SizeWords(_span(pair), values, stands_alone=False)
                return


def _key(text: str) -> tuple[str, str]:
    """The system of a size, "" for none, and the size in one spelling."""
    words = re.findall(r"[0-9]+(?:[.,/][0-9]+)*|[^\W\d_]+", text.casefold())
    systems = [word for word in words if word in SYSTEMS]
    size = " ".join(word for word in words if word not in SYSTEMS and word not in ANNOUNCING)
    size = re.sub(r"(?<=[0-9]),(?=[0-9])", ".", size)
    size = re.sub(r"(?<=[0-9])\.0+(?![0-9])", "", size)
    alike = _ALIKE.get(size, size)
    return ("eu" if "eur" in systems else next(iter(systems), "")), alike


def _span(words: Sequence[Word]) -> Span:
    return Span(words[0].span.start, words[-1].span.end)
