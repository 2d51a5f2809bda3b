"""Words that are values of the catalog: colours, brands, categories, genders and materials."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from shopsearch.domain import AnyOf, PartKind
from shopsearch.languages import ENGLISH, Language
from shopsearch.understanding.ambiguity import Ambiguity
from shopsearch.understanding.values import CatalogValues, Meaning
from shopsearch.understanding.words import (
    JOINING,
    MAX_PHRASE_WORDS,
    Span,
    Word,
    is_parted,
    no_nouns,
    phrase_of,
)

_NAMES_A_QUALITY = frozenset((PartKind.COLOR, PartKind.MATERIAL, PartKind.GENDER))


@dataclass(frozen=True, slots=True)
class ValueWords:
    """Words that are a value of a field, and where a text has them."""

    span: Span
    kind: PartKind
    wish: AnyOf


class ValueReader:
    """Finds the values in one text."""

    def __init__(
        self,
        text: str,
        words: Sequence[Word],
        values: CatalogValues,
        ambiguity: Ambiguity,
        fields_told: Collection[str] = (),
        *,
        language: Language = ENGLISH,
    ) -> None:
        self._text = text
        self._words = words
        self._values = values
        self._ambiguity = ambiguity
        self._no_nouns = no_nouns(language)
        self._told = fields_told  # by the filter of the query: they are not looked for

    def found(self, taken: Sequence[Span]) -> Iterator[ValueWords]:
        """The longest first; none of them meets another, or what is taken already."""
        spans = list(taken)
        for first, stop in _windows(len(self._words)):
            words = self._words[first:stop]
            span = Span(words[0].span.start, words[-1].span.end)
            if any(span.meets(other) for other in spans) or self._is_parted(words):
                continue
            for meaning in self._meanings(words):
                if self._is_meant(meaning, first, stop, spans):
                    spans.append(span)
                    yield ValueWords(span, meaning.kind, _wish(meaning))
                    break

    def _meanings(self, words: Sequence[Word]) -> list[Meaning]:
        """What the words may mean: a brand before all else, then what most products have."""
        if words[0].folded in JOINING or words[-1].folded in JOINING:
            return []
        found = self._values.meanings.get(phrase_of(words), ())
        asked = (one for one in found if one.field not in self._told)
        return sorted(asked, key=lambda one: (one.kind is not PartKind.BRAND, -one.n_products))

    def _is_meant(self, meaning: Meaning, first: int, stop: int, taken: Sequence[Span]) -> bool:
        if meaning.kind is PartKind.GENDER:
            return True
        said = self._said(first, stop)
        if not self._ambiguity.is_usual(said, meaning):
            return False
        if meaning.kind is PartKind.CATEGORY:
            return self._ends_the_noun(stop, taken)
        if meaning.kind is PartKind.BRAND and not self._is_made(meaning, first, stop, taken):
            return False
        return not self._means_else(meaning, first, stop)

    def _means_else(self, meaning: Meaning, first: int, stop: int) -> bool:
        """Whether the words mean something else together with the one after them."""
        if stop == len(self._words) or self._words[stop].folded in self._no_nouns:
            return False
        if self._is_parted(self._words[stop - 1 : stop + 1]):
            return False
        return self._ambiguity.means_else(_wish(meaning), self._said(first, stop + 1))

    def _is_made(self, brand: Meaning, first: int, stop: int, taken: Sequence[Span]) -> bool:
        """Whether the brand has anything of what else is asked for."""
        others = self._other_words(first, stop, taken)
        return not others or self._ambiguity.is_made_by(_wish(brand), others)

    def _ends_the_noun(self, stop: int, taken: Sequence[Span]) -> bool:
        """Whether no further noun follows: a `lamp shade` is no lamp."""
        if stop == len(self._words) or self._is_parted(self._words[stop - 1 : stop + 1]):
            return True
        following = self._words[stop]
        if following.folded in self._no_nouns or following.folded[0].isdigit():
            return True
        return any(following.span.meets(span) for span in taken) or self._is_quality(following)

    def _is_quality(self, word: Word) -> bool:
        meanings = self._values.meanings.get(word.folded, ())
        return any(one.kind in _NAMES_A_QUALITY for one in meanings)

    def _other_words(self, first: int, stop: int, taken: Sequence[Span]) -> list[str]:
        """What the text asks for beside some of its words, but for qualities."""
        return [
            self._text[word.span.start : word.span.end]
            for place, word in enumerate(self._words)
            if not first <= place < stop
            and word.folded not in self._no_nouns
            and not any(word.span.meets(span) for span in taken)
            and not self._is_quality(word)
        ]

    def _is_parted(self, words: Sequence[Word]) -> bool:
        return any(is_parted(self._text, one, following) for one, following in pairwise(words))

    def _said(self, first: int, stop: int) -> str:
        return self._text[self._words[first].span.start : self._words[stop - 1].span.end]


def _windows(n_words: int) -> Iterator[tuple[int, int]]:
    """All runs of words that may be a value, the longest first, of equal ones the first."""
    for length in range(min(MAX_PHRASE_WORDS + 1, n_words), 0, -1):
        for first in range(n_words - length + 1):
            yield first, first + length


def _wish(meaning: Meaning) -> AnyOf:
    return AnyOf(meaning.field, meaning.values)
