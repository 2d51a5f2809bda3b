"""The words of a query and of a product, as the ranking compares them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from shopsearch.languages import ENGLISH, Language
from shopsearch.ranking.units import is_unit, spellings, with_units_folded

MAX_QUERY_WORDS = 32

_WORD = re.compile(r"\d+(?:[./]\d+)*|[^\W\d_]+")
_CHUNK = re.compile(r"\w+(?:['\N{RIGHT SINGLE QUOTATION MARK}\-./]\w+)*")
_NUMBER_AND_UNIT = re.compile(r"(\d+(?:[./]\d+)*)([a-z]+)")
_FEWEST_CODE_CHARS = 4
_FEWEST_NUMBER_CHARS = 6  # shorter ones are years, sizes and amounts


@dataclass(frozen=True, slots=True)
class Alternative:
    """A phrase that will do for some words of a query, though not as well as they."""

    stands_for: tuple[str, ...]  # folded words of the query, in order
    words: tuple[str, ...]  # the folded words of the phrase
    term: str  # the phrase, to be looked up in a lexical index


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words in quotes: whatever has them next to each other comes before what has not."""

    words: tuple[str, ...]  # folded
    terms: tuple[str, ...]  # how a product may write it, for a lexical index
    text: str  # as typed

    def __str__(self) -> str:
        """As it was typed."""
        return self.text

    @classmethod
    def of(cls, text: str, language: Language = ENGLISH) -> Phrase:
        """Of the words between two quotes; those after the first `MAX_QUERY_WORDS` do not count."""
        words = tuple(folded_words(text, language)[:MAX_QUERY_WORDS])
        terms = dict.fromkeys((fold(text, language), " ".join(words)))
        return cls(words, tuple(terms), text)


@dataclass(frozen=True, slots=True)
class AskedWords:
    """What the words of a query ask for; words are folded (see `folded_words`)."""

    words: tuple[str, ...] = ()  # all, in order
    wanted: tuple[str, ...] = ()  # those that say what is wanted, each once
    unwanted: tuple[str, ...] = ()  # those after "without"
    noun: str = ""  # what kind of thing, as far as the order of words tells
    codes: tuple[str, ...] = ()  # model numbers and the like, see `codes_in`
    terms: tuple[str, ...] = ()  # to be looked up in a lexical index
    alternatives: tuple[Alternative, ...] = ()  # synonyms
    trust: Mapping[str, float] = field(default_factory=dict)  # 0..1 of corrected words; others 1
    phrases: tuple[Phrase, ...] = ()  # in quotes
    language: Language = ENGLISH

    def __bool__(self) -> bool:
        return bool(self.terms)

    @classmethod
    def of(cls, text: str, language: Language = ENGLISH) -> AskedWords:
        """Any text; words after the first `MAX_QUERY_WORDS` do not count."""
        chunks = _CHUNK.findall(with_units_folded(fold(text, language)))[:MAX_QUERY_WORDS]
        words = folded_words(" ".join(chunks), language)
        wanted, unwanted = _parted(words, language)
        return cls(
            words=tuple(words),
            wanted=tuple(dict.fromkeys(wanted)),
            unwanted=tuple(dict.fromkeys(unwanted)),
            noun=_noun(words, language),
            codes=tuple(dict.fromkeys(filter(_is_code, map(_compact, chunks)))),
            terms=tuple(dict.fromkeys(_terms(chunks, frozenset(unwanted), language))),
            language=language,
        )

    def quoting(self, phrases: Sequence[Phrase], outside: AskedWords) -> AskedWords:
        """The same words, some of which stand in quotes; `outside` are those that do not.

        What stands in quotes is wanted, whatever stands before it.
        """
        quoted = [word for phrase in phrases for word in phrase.words]
        small = self.language.function_words
        said = [word for word in quoted if word not in small]
        others = [word for word in outside.wanted if not said or word not in small]
        wanted = {*others, *(said or quoted)}
        in_order = (*self.words, *quoted)  # a phrase may reach beyond the first words
        chunks = (chunk for phrase in phrases for chunk in _CHUNK.findall(phrase.terms[0]))
        terms = (*(term for phrase in phrases for term in phrase.terms), *outside.terms)
        return replace(
            self,
            wanted=tuple(dict.fromkeys(word for word in in_order if word in wanted)),
            unwanted=tuple(word for word in outside.unwanted if word not in wanted),
            terms=tuple(dict.fromkeys((*terms, *(one for one in chunks if one not in small)))),
            phrases=tuple(dict.fromkeys(phrases)),
        )

    @property
    def lesser_terms(self) -> tuple[str, ...]:
        """To be looked up too, and to count less than `terms`."""
        known = set(self.terms)
        return tuple(dict.fromkeys(a.term for a in self.alternatives if a.term not in known))


def fold(text: str, language: Language = ENGLISH) -> str:
    """Lower case, without accents, and without the apostrophe of `women's`."""
    return language.fold(text)


def folded_words(text: str, language: Language = ENGLISH) -> list[str]:
    """Words and numbers in order, folded, without endings (in English, singular); `5m` is `5` and
    `m`, `5"` is `5` and `inch`.
    """
    return [language.stem(word) for word in _WORD.findall(with_units_folded(fold(text, language)))]


def codes_in(text: str) -> set[str]:
    """Model numbers and the like, without hyphens: letters mixed with digits, or many digits."""
    return set(filter(_is_code, map(_compact, _CHUNK.findall(fold(text)))))


def with_joined(words: Sequence[str]) -> set[str]:
    """The words, and neighbours written as one: `ear buds` is `earbuds` too."""
    return {*words, *(first + second for first, second in pairwise(words))}


def _parted(words: Sequence[str], language: Language) -> tuple[list[str], list[str]]:
    """Wanted and unwanted words. What follows "without" is, up to a "with" or "for"."""
    parts: tuple[list[str], list[str]] = ([], [])
    is_unwanted = False
    for word in words:
        if word in language.without or word in language.after_the_noun:
            is_unwanted = word in language.without
        if word not in language.function_words:
            parts[is_unwanted].append(word)
    wanted, unwanted = parts
    if not wanted:  # nothing but function words, or a name that begins with "without"
        return list(words), []
    return wanted, [word for word in unwanted if word not in wanted]


def _noun(words: Sequence[str], language: Language) -> str:
    """The last word before what only says more: English puts the noun there. Where nouns come
    first, the first word.
    """
    noun = ""
    for word in words:
        if noun and (language.noun_comes_first or word in language.after_the_noun):
            break
        if word not in language.function_words and not word[0].isdigit():
            noun = word
    return noun


def _terms(chunks: Sequence[str], unwanted: frozenset[str], language: Language) -> Iterator[str]:
    """What to look up: each chunk, and other ways in which a feed may write it."""
    small = language.function_words
    asked = [c for c in chunks if c not in small and language.stem(c) not in unwanted]
    for chunk in asked or chunks:
        yield chunk
        parts = re.split(r"\W", chunk)
        if len(parts) > 1:
            yield "".join(parts)
            yield from (part for part in parts if len(part) > 2)
        if unit := _NUMBER_AND_UNIT.fullmatch(chunk):
            yield " ".join(unit.groups())
        if chunk in language.other_numbers:
            yield language.other_numbers[chunk]
    for first, second in pairwise(chunks):
        if first[0].isdigit() and is_unit(second):
            yield from spellings(first, second)
        elif first.isalnum() and second.isalnum() and len(first + second) > 3:
            yield first + second


def _compact(chunk: str) -> str:
    return re.sub(r"\W", "", chunk)


def _is_code(compact: str) -> bool:
    if compact.isdigit():
        return len(compact) >= _FEWEST_NUMBER_CHARS
    is_mixed = any(map(str.isdigit, compact)) and any(map(str.isalpha, compact))
    return (
        is_mixed
        and len(compact) >= _FEWEST_CODE_CHARS
        and _NUMBER_AND_UNIT.fullmatch(compact) is None
    )
