"""The words of a query and of a product, as the ranking compares them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

from shopsearch.ranking.grammar import AFTER_THE_NOUN, FUNCTION_WORDS
from shopsearch.ranking.negation import IsName, no_name, taken_apart
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


@dataclass(frozen=True, slots=True)
class Alternative:
    """A phrase that will do for some words of a query, though not as well as they."""

    stands_for: tuple[str, ...]  # folded words of the query, in order
    words: tuple[str, ...]  # the folded words of the phrase
    term: str  # the phrase, to be looked up in a lexical index


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

    def __bool__(self) -> bool:
        return bool(self.terms)

    @classmethod
    def of(cls, text: str, is_name: IsName = no_name) -> AskedWords:
        """Any text; words after the first `MAX_QUERY_WORDS` do not count. For `is_name` see
        `negation.taken_apart`.
        """
        said = taken_apart(text, is_name)
        chunks = _chunks(text)
        asked = chunks if said.wanted == text else _chunks(said.wanted)
        words = folded_words(" ".join(asked))
        wanted = [word for word in words if word not in FUNCTION_WORDS] or words
        negated = {phrase: folded_words(phrase) for phrase in said.unwanted}
        unwanted = (word for phrase in negated.values() for word in phrase)
        return cls(
            words=tuple(words if asked is chunks else folded_words(" ".join(chunks))),
            wanted=tuple(dict.fromkeys(wanted)),
            unwanted=tuple(
                dict.fromkeys(w for w in unwanted if not (w in wanted or w in FUNCTION_WORDS))
            ),
            noun=_noun(words),
            codes=tuple(dict.fromkeys(filter(_is_code, map(_compact, asked)))),
            terms=tuple(dict.fromkeys(_terms(asked))),
            text=said.wanted,
            negated=tuple(one for one, told in negated.items() if not set(told) <= set(wanted)),
        )

    def ways(self) -> list[list[str]]:
        """For each wanted word all terms that it may be written by, and those that stand for it."""
        folded = {term: folded_words(term) for term in self.terms}
        joined = [(one + other, (one, other)) for one, other in pairwise(self.words)]
        return [
            [
                word,
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


def _chunks(text: str) -> list[str]:
    return _CHUNK.findall(with_units_folded(fold(text)))[:MAX_QUERY_WORDS]


def _noun(words: Sequence[str]) -> str:
    """The last word before what only says more: English puts the noun there."""
    noun = ""
    for word in words:
        if word in AFTER_THE_NOUN and noun:
            break
        if word not in FUNCTION_WORDS and not word[0].isdigit():
            noun = word
    return noun


def _terms(chunks: Sequence[str]) -> Iterator[str]:
    """What to look up: each chunk, and other ways in which a feed may write it."""
    asked = [chunk for chunk in chunks if chunk not in FUNCTION_WORDS]
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
