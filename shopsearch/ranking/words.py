"""The words of a query and of a product, as the ranking compares them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise

from shopsearch.ranking.units import is_unit, spellings, with_units_folded

MAX_QUERY_WORDS = 32

_WORD = re.compile(r"\d+(?:[./]\d+)*|[^\W\d_]+")
_CHUNK = re.compile(r"\w+(?:['\N{RIGHT SINGLE QUOTATION MARK}\-./]\w+)*")
_ACCENTS = re.compile("[\N{COMBINING GRAVE ACCENT}-\N{COMBINING LATIN SMALL LETTER X}]+")
_NUMBER_AND_UNIT = re.compile(r"(\d+(?:[./]\d+)*)([a-z]+)")
_FEWEST_CODE_CHARS = 4
_FEWEST_NUMBER_CHARS = 6  # shorter ones are years, sizes and amounts

# numbers that no ending tells, by the one that catalogs use less: "women" comes from "women's" too
_IRREGULAR = dict(
    [
        *(("woman", "women"), ("man", "men"), ("child", "children"), ("feet", "foot")),
        *(("teeth", "tooth"), ("knives", "knife"), ("shelves", "shelf"), ("scarves", "scarf")),
        *(("leaves", "leaf"), ("loaves", "loaf"), ("halves", "half"), ("mice", "mouse")),
    ]
)
_OTHER_NUMBER = _IRREGULAR | {usual: other for other, usual in _IRREGULAR.items()}

WITHOUT = ("without",)
# what follows them says more about the thing, but does not name it
_AFTER_THE_NOUN = frozenset(("for", "from", "in", "of", "on", "that", "to", "w", "with", "without"))
_FUNCTION_WORDS = _AFTER_THE_NOUN | frozenset(
    [
        *("a", "an", "and", "are", "as", "at", "be", "by", "into", "is", "it"),
        *("my", "not", "or", "t", "the", "this", "was", "your"),
    ]
)


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
    def of(cls, text: str) -> Phrase:
        """Of the words between two quotes; those after the first `MAX_QUERY_WORDS` do not count."""
        words = tuple(folded_words(text)[:MAX_QUERY_WORDS])
        return cls(words, tuple(dict.fromkeys((fold(text), " ".join(words)))), text)


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

    def __bool__(self) -> bool:
        return bool(self.terms)

    @classmethod
    def of(cls, text: str) -> AskedWords:
        """Any text; words after the first `MAX_QUERY_WORDS` do not count."""
        chunks = _CHUNK.findall(with_units_folded(fold(text)))[:MAX_QUERY_WORDS]
        words = folded_words(" ".join(chunks))
        wanted, unwanted = _parted(words)
        return cls(
            words=tuple(words),
            wanted=tuple(dict.fromkeys(wanted)),
            unwanted=tuple(dict.fromkeys(unwanted)),
            noun=_noun(words),
            codes=tuple(dict.fromkeys(filter(_is_code, map(_compact, chunks)))),
            terms=tuple(dict.fromkeys(_terms(chunks, frozenset(unwanted)))),
        )

    def quoting(self, phrases: Sequence[Phrase], outside: AskedWords) -> AskedWords:
        """The same words, some of which stand in quotes; `outside` are those that do not.

        What stands in quotes is wanted, whatever stands before it.
        """
        quoted = [word for phrase in phrases for word in phrase.words]
        said = [word for word in quoted if word not in _FUNCTION_WORDS]
        others = [word for word in outside.wanted if not said or word not in _FUNCTION_WORDS]
        wanted = {*others, *(said or quoted)}
        in_order = (*self.words, *quoted)  # a phrase may reach beyond the first words
        chunks = (chunk for phrase in phrases for chunk in _CHUNK.findall(phrase.terms[0]))
        terms = (*(term for phrase in phrases for term in phrase.terms), *outside.terms)
        return replace(
            self,
            wanted=tuple(dict.fromkeys(word for word in in_order if word in wanted)),
            unwanted=tuple(word for word in outside.unwanted if word not in wanted),
            terms=tuple(
                dict.fromkeys((*terms, *(one for one in chunks if one not in _FUNCTION_WORDS)))
            ),
            phrases=tuple(dict.fromkeys(phrases)),
        )

    @property
    def lesser_terms(self) -> tuple[str, ...]:
        """To be looked up too, and to count less than `terms`."""
        known = set(self.terms)
        return tuple(dict.fromkeys(a.term for a in self.alternatives if a.term not in known))


def fold(text: str) -> str:
    """Lower case, without accents, and without the apostrophe of `women's`."""
    text = text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}s", "s").replace("'s", "s")
    if text.isascii():
        return text
    return _ACCENTS.sub("", unicodedata.normalize("NFKD", text))


def folded_words(text: str) -> list[str]:
    """Words and numbers in order, folded, singular; `5m` is `5` and `m`, `5"` is `5` and `inch`."""
    return [_singular(word) for word in _WORD.findall(with_units_folded(fold(text)))]


def codes_in(text: str) -> set[str]:
    """Model numbers and the like, without hyphens: letters mixed with digits, or many digits."""
    return set(filter(_is_code, map(_compact, _CHUNK.findall(fold(text)))))


def with_joined(words: Sequence[str]) -> set[str]:
    """The words, and neighbours written as one: `ear buds` is `earbuds` too."""
    return {*words, *(first + second for first, second in pairwise(words))}


@lru_cache(maxsize=50_000)
def _singular(word: str) -> str:
    """After the S stemmer of Harman (How effective is suffixing?, 1991), and a few by heart."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if not word.endswith("s") or len(word) < 4 or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    return word[:-2] if word.endswith(("ches", "shes", "sses", "xes", "zes")) else word[:-1]


def _parted(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Wanted and unwanted words. What follows "without" is, up to a "with" or "for"."""
    parts: tuple[list[str], list[str]] = ([], [])
    is_unwanted = False
    for word in words:
        if word in WITHOUT or word in _AFTER_THE_NOUN:
            is_unwanted = word in WITHOUT
        if word not in _FUNCTION_WORDS:
            parts[is_unwanted].append(word)
    wanted, unwanted = parts
    if not wanted:  # nothing but function words, or a name that begins with "without"
        return list(words), []
    return wanted, [word for word in unwanted if word not in wanted]


def _noun(words: Sequence[str]) -> str:
    """The last word before what only says more: English puts the noun there."""
    noun = ""
    for word in words:
        if word in _AFTER_THE_NOUN and noun:
            break
        if word not in _FUNCTION_WORDS and not word[0].isdigit():
            noun = word
    return noun


def _terms(chunks: Sequence[str], unwanted: frozenset[str]) -> Iterator[str]:
    """What to look up: each chunk, and other ways in which a feed may write it."""
    asked = [c for c in chunks if c not in _FUNCTION_WORDS and _singular(c) not in unwanted]
    for chunk in asked or chunks:
        yield chunk
        parts = re.split(r"\W", chunk)
        if len(parts) > 1:
            yield "".join(parts)
            yield from (part for part in parts if len(part) > 2)
        if unit := _NUMBER_AND_UNIT.fullmatch(chunk):
            yield " ".join(unit.groups())
        if chunk in _OTHER_NUMBER:
            yield _OTHER_NUMBER[chunk]
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
