"""The words of a query and of a product, as the ranking compares them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from shopsearch.languages import ENGLISH, Language
from shopsearch.ranking.negation import IsName, Said, no_name
from shopsearch.ranking.said import said_in
from shopsearch.ranking.units import is_unit, spellings, with_units_folded

MAX_QUERY_WORDS = 32
MAX_PHRASE_CHARS = 90  # folded, they are below the 100 that a lexical index reads of a term

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
        """Of the words between two quotes; those after the first `MAX_PHRASE_CHARS` do not
        count.
        """
        said = text
        if len(text) > MAX_PHRASE_CHARS:  # a lexical index looks no further
            said = text[: MAX_PHRASE_CHARS + 1].rpartition(" ")[0] or text[:MAX_PHRASE_CHARS]
        words = folded_words(said, language)
        apart = words if language is ENGLISH else _apart(said, language)
        terms = dict.fromkeys((fold(said, language), " ".join(apart), said))
        return cls(tuple(words), tuple(terms), text)


@dataclass(frozen=True, slots=True)
class AskedWords:
    """What the words of a query ask for; words are folded (see `folded_words`)."""

    words: tuple[str, ...] = ()  # all, in order
    wanted: tuple[str, ...] = ()  # those that say what is wanted, each once
    unwanted: tuple[str, ...] = ()  # those that say what is not, see `negation`
    noun: str = ""  # what kind of thing, as far as the order of words tells
    codes: tuple[str, ...] = ()  # model numbers and the like, see `codes_in`
    terms: tuple[str, ...] = ()  # to be looked up in a lexical index
    alternatives: tuple[Alternative, ...] = ()  # synonyms
    trust: Mapping[str, float] = field(default_factory=dict)  # 0..1 of corrected words; others 1
    text: str = ""  # what is wanted, as typed
    negated: tuple[str, ...] = ()  # phrases for what is not, as typed
    phrases: tuple[Phrase, ...] = ()  # in quotes
    language: Language = ENGLISH
    forms: Mapping[str, str] = field(default_factory=dict)  # of folded words; others are their own

    def __bool__(self) -> bool:
        return bool(self.terms)

    @classmethod
    def of(cls, text: str, language: Language = ENGLISH, is_name: IsName = no_name) -> AskedWords:
        """Any text; words after the first `MAX_QUERY_WORDS` do not count. For `is_name` see
        `negation.taken_apart`.
        """
        return cls.saying(text, said_in(text, language, is_name), language)

    @classmethod
    def saying(cls, text: str, said: Said, language: Language = ENGLISH) -> AskedWords:
        """Of a text that has been taken apart."""
        small = language.function_words
        chunks = _chunks(text, language)
        asked = chunks if said.wanted == text else _chunks(said.wanted, language)
        words = folded_words(" ".join(asked), language)
        wanted = [word for word in words if word not in small] or words
        negated = {phrase: folded_words(phrase, language) for phrase in said.unwanted}
        unwanted = (word for phrase in negated.values() for word in phrase)
        everything = words if asked is chunks else folded_words(" ".join(chunks), language)
        return cls(
            words=tuple(everything),
            wanted=tuple(dict.fromkeys(wanted)),
            unwanted=tuple(dict.fromkeys(w for w in unwanted if not (w in wanted or w in small))),
            noun=_noun(words, language),
            codes=tuple(dict.fromkeys(filter(_is_code, map(_compact, asked)))),
            terms=tuple(dict.fromkeys(_terms(asked, language))),
            text=said.wanted,
            negated=tuple(one for one, told in negated.items() if not set(told) <= set(wanted)),
            language=language,
            forms={} if language is ENGLISH else _forms(" ".join(chunks), language),
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
            unwanted=tuple(word for word in self.unwanted if word not in wanted),
            terms=tuple(dict.fromkeys((*terms, *(one for one in chunks if one not in small)))),
            phrases=tuple(dict.fromkeys(phrases)),
        )

    def written(self, word: str) -> str:
        """How the query writes a folded word, to be looked up in a lexical index: it would take
        another ending off what has none any more.
        """
        return self.forms.get(word, word)

    def ways(self) -> list[list[str]]:
        """For each wanted word all terms that it may be written by, and those that stand for it."""
        folded = {term: folded_words(term, self.language) for term in self.terms}
        joined = [
            (self.written(one) + self.written(other), (one, other))
            for one, other in pairwise(self.words)
        ]
        return [
            [
                self.written(word),
                *(term for term, words in folded.items() if word in words),
                *(both for both, words in joined if word in words),
                *(one.term for one in self.alternatives if word in one.stands_for),
            ]
            for word in self.wanted
        ]

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
    return [language.stem(word) for word in _apart(text, language)]


def _apart(text: str, language: Language) -> list[str]:
    """The folded words of a text with their endings."""
    return _WORD.findall(with_units_folded(fold(text, language)))


def _forms(text: str, language: Language) -> dict[str, str]:
    return {language.stem(word): word for word in reversed(_apart(text, language))}


def codes_in(text: str) -> set[str]:
    """Model numbers and the like, without hyphens: letters mixed with digits, or many digits."""
    return set(filter(_is_code, map(_compact, _CHUNK.findall(fold(text)))))


def with_joined(words: Sequence[str]) -> set[str]:
    """The words, and neighbours written as one: `ear buds` is `earbuds` too."""
    return {*words, *(first + second for first, second in pairwise(words))}


def _chunks(text: str, language: Language) -> list[str]:
    return _CHUNK.findall(with_units_folded(fold(text, language)))[:MAX_QUERY_WORDS]


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


def _terms(chunks: Sequence[str], language: Language) -> Iterator[str]:
    """What to look up: each chunk, and other ways in which a feed may write it."""
    asked = [chunk for chunk in chunks if chunk not in language.function_words]
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
