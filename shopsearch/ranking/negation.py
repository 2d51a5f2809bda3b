"""What words say is not wanted: "not leather", "no lid", "-pink", "without laces or buckles".

English, and careful: a name is no negation. "no 7 cream", "not your mother's", "non stick pan",
"t-shirt" and "size -2" lose nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from shopsearch.ranking.grammar import AFTER_THE_NOUN, FUNCTION_WORDS

MAX_TOKENS = 120  # what comes later is wanted

_TOKEN = re.compile(r"\w+(?:['\N{RIGHT SINGLE QUOTATION MARK}\-./]\w+)*|[^\w\s]")
_PERHAPS = re.compile(r"(?i:\b(?:no|non|not|without|w/o)\b)|(?<!\S)-")
_WITHOUT = frozenset(("without", "w/o"))
_ONE = frozenset(("no", "non", "not"))  # these speak of one thing, "without" of all that follows
_EITHER = frozenset(("or", "nor"))
_JOINS = _EITHER | {"and"}
_LEADING = frozenset(("and", "but", ",", ";", "(", "-"))  # go with the clause that they lead to
_NOT_OF = frozenset(("made", "of", "in", "with", "from"))  # "not made of leather"
_EMPTY = frozenset(("a", "an", "any", "the"))

# what stands before the thing that is meant: "not dark blue", "no long sleeves"
_MODIFIERS = frozenset(
    [
        *("artificial", "bright", "cow", "dark", "deep", "fake", "faux", "full", "genuine", "half"),
        *("heavy", "high", "hot", "large", "light", "long", "loose", "low", "matte", "neon"),
        *("open", "pale", "patent", "pure", "real", "royal", "short", "shiny", "skinny", "slim"),
        *("small", "soft", "stainless", "tight", "vegan", "wide"),
    ]
)
# "this is not", "forget me not", "ready or not": they speak of something else
_SAID_BEFORE = frozenset(
    [
        *("am", "are", "be", "been", "can", "could", "did", "do", "does", "had", "has", "have"),
        *("if", "is", "may", "might", "must", "or", "shall", "should", "was", "were", "why"),
        *("will", "would", "he", "i", "it", "me", "she", "they", "us", "we", "you", "it's"),
    ]
)
# "not your mother's", "not for sale", "not included": no thing that is not wanted follows
_SAID_AFTER = FUNCTION_WORDS | frozenset(
    [
        *("all", "any", "another", "available", "but", "enough", "even", "every", "everyone"),
        *("everything", "found", "going", "guilty", "had", "her", "here", "him", "his", "i"),
        *("if", "included", "including", "just", "me", "mine", "much", "necessary", "needed"),
        *("now", "one", "only", "our", "out", "quite", "really", "required", "responsible"),
        *("so", "sold", "sorry", "sure", "that's", "their", "them", "there", "they", "thing"),
        *("today", "tomorrow", "too", "us", "very", "we", "what", "when", "who", "without"),
        *("working", "yet", "you", "yours"),
    ]
)
# "non stick", "no show": properties and names, each a thing that is wanted
_NAMES = frozenset(
    [
        *("alcoholic", "bake", "bleed", "brainer", "comedogenic", "contact", "crease", "dairy"),
        *("damage", "drip", "escape", "fade", "fear", "fiction", "flush", "fog", "frills"),
        *("fuss", "glare", "gmo", "iron", "knead", "knot", "limit", "limits", "lye", "marking"),
        *(
            "mercy",
            "mess",
            "more",
            "name",
            "nonsense",
            "permanent",
            "prescription",
            "profit",
            "pull",
        ),
        *("regrets", "return", "rinse", "scratch", "sew", "shed", "show", "skid", "slip", "snag"),
        *("spill", "stick", "sticky", "stop", "tangle", "tear", "tears", "tie", "touch", "toxic"),
        *("trespassing", "way", "wax", "woven"),
    ]
)

IsName = Callable[[str], bool]  # of two words, such as "non stick"


def no_name(_pair: str) -> bool:
    """Where nothing is known of a catalog."""
    return False


@dataclass(frozen=True, slots=True)
class Said:
    """A text taken apart."""

    wanted: str  # as typed, without what is not wanted
    unwanted: tuple[str, ...] = ()  # phrases, as typed


@dataclass(frozen=True, slots=True)
class _Token:
    word: str  # in lower case; a sign is a token too
    start: int
    end: int

    @property
    def is_word(self) -> bool:
        return self.word[0].isalnum() or self.word[0] == "_"


@dataclass(frozen=True, slots=True)
class _Clause:
    """The tokens first up to last say what is not wanted."""

    first: int
    last: int  # is none of them
    phrases: tuple[tuple[int, int], ...]  # the tokens of each, in the same way


def taken_apart(text: str, is_name: IsName = no_name, *, minus: bool = True) -> Said:
    """What a text wants, and what not; all of it is wanted where nothing else would be left.

    `is_name` says of two words whether the catalog knows them as a name. A `minus` before a word
    counts, unless it is said that it does not, as in titles.
    """
    if not _PERHAPS.search(text):
        return Said(text)
    reader = _Reader(text, is_name, minus=minus)
    clauses = list(reader.clauses())
    if not clauses or not reader.says_more_than(clauses):
        return Said(text)
    phrases = (reader.text_of(*phrase) for one in clauses for phrase in one.phrases)
    unwanted = (part for phrase in phrases for part in _either(phrase))
    return Said(reader.text_without(clauses), tuple(dict.fromkeys(unwanted)))


class _Reader:
    """Finds the clauses of one text."""

    def __init__(self, text: str, is_name: IsName, *, minus: bool) -> None:
        self._text = text
        self._tokens = list(_tokens(text))
        self._is_name = is_name
        self._minus = minus

    def clauses(self) -> Iterator[_Clause]:
        n = 0
        while n < len(self._tokens):
            clause = self._clause_at(n)
            if clause is not None:
                yield clause
            n = n + 1 if clause is None else clause.last

    def says_more_than(self, clauses: Sequence[_Clause]) -> bool:
        """Whether something else is said that can be looked for."""
        cut = {n for one in clauses for n in range(one.first, one.last)}
        left = (one.word for n, one in enumerate(self._tokens) if n not in cut and one.is_word)
        return not FUNCTION_WORDS.issuperset(left)

    def text_of(self, first: int, last: int) -> str:
        return self._text[self._tokens[first].start : self._tokens[last - 1].end]

    def text_without(self, clauses: Sequence[_Clause]) -> str:
        kept, at = [], 0
        for one in clauses:
            kept.append(self._text[at : self._tokens[one.first].start].strip())
            at = self._tokens[one.last - 1].end
        kept.append(self._text[at:].strip())
        return " ".join(filter(None, kept))

    def _clause_at(self, n: int) -> _Clause | None:
        word = self._word(n)
        if word == "-":
            return self._after_minus(n) if self._minus else None
        if word in _WITHOUT:
            phrases, last = self._listed(n + 1, self._to_the_end)
        elif word in _ONE:
            phrases, last = self._listed(self._thing_after(n), self._one_thing)
        else:
            return None
        return self._clause(n, last, phrases) if phrases else None

    def _clause(self, n: int, last: int, phrases: Sequence[tuple[int, int]]) -> _Clause:
        first = n
        while first and self._word(first - 1) in _LEADING:
            first -= 1
        is_enclosed = first < n and self._word(first) == "(" and self._word(last) == ")"
        return _Clause(first, last + is_enclosed, tuple(phrases))

    def _after_minus(self, n: int) -> _Clause | None:
        """`-leather` and `-"faux leather"`: nothing but a space may stand before."""
        sign = self._tokens[n]
        touches = n + 1 < len(self._tokens) and self._tokens[n + 1].start == sign.end
        is_first = sign.start == 0 or self._text[sign.start - 1].isspace()
        if not (touches and is_first):
            return None
        if self._word(n + 1) == '"':
            return self._quoted(n)
        return self._clause(n, n + 2, [(n + 1, n + 2)]) if self._is_thing(n + 1) else None

    def _quoted(self, n: int) -> _Clause | None:
        words = [token.word for token in self._tokens]
        if '"' not in words[n + 2 :]:
            return None
        end = words.index('"', n + 2)
        return self._clause(n, end + 1, [(n + 2, end)]) if end > n + 2 else None

    def _thing_after(self, n: int) -> int:
        """Where the thing is named that "no" or "not" speaks of; behind all where none is."""
        word, nowhere = self._word(n), len(self._tokens)
        at = n + 1
        while word == "not" and self._word(at) in _NOT_OF:
            at += 1
        after = self._word(at).split("/")[0]
        if self._word(n - 1) in _SAID_BEFORE or after in _SAID_AFTER or not self._is_thing(at):
            return nowhere
        is_called = word != "not" and (after in _NAMES or self._is_name(f"{word} {after}"))
        return nowhere if is_called else at

    def _listed(self, at: int, extent: Extent) -> tuple[list[tuple[int, int]], int]:
        """The phrases of "leather, suede or fur", and where they end."""
        phrases: list[tuple[int, int]] = []
        last = at
        while (phrase := extent(at)) is not None:
            phrases.append(phrase)
            last = phrase[1]
            at = self._after_join(last, extent)
        return phrases, last

    def _after_join(self, at: int, extent: Extent) -> int:
        """Where the next phrase of a list begins; behind all tokens where the list is over."""
        if self._word(at) == "," and self._word(at + 1) in _EITHER:
            return at + 2
        if self._word(at) in _JOINS or (self._word(at) == "," and self._is_list(at, extent)):
            return at + 1
        return len(self._tokens)

    def _is_list(self, at: int, extent: Extent) -> bool:
        """Whether commas from here on lead to an "or": else what follows one is wanted again."""
        while self._word(at) == ",":
            following = extent(at + 1)
            if following is None:
                return self._word(at + 1) in _EITHER
            at = following[1]
        return self._word(at) in _EITHER

    def _to_the_end(self, at: int) -> tuple[int, int] | None:
        """All words up to a sign, or to what says more about the thing itself."""
        while self._word(at) in _EMPTY:
            at += 1
        last = at
        while self._goes_on(last):
            last += 1
        return (at, last) if last > at else None

    def _one_thing(self, at: int) -> tuple[int, int] | None:
        last = at
        while self._is_thing(last):
            last += 1
            if self._word(last - 1) not in _MODIFIERS:
                break
        return (at, last) if last > at else None

    def _goes_on(self, at: int) -> bool:
        word = self._word(at)
        ends = word in AFTER_THE_NOUN or word in _JOINS or word in _ONE or word in _WITHOUT
        return bool(word) and self._tokens[at].is_word and not ends

    def _is_thing(self, at: int) -> bool:
        word = self._word(at)
        return word[:1].isalpha() and self._goes_on(at) and word not in FUNCTION_WORDS

    def _word(self, n: int) -> str:
        """Of token n; "" where there is none."""
        return self._tokens[n].word if 0 <= n < len(self._tokens) else ""


Extent = Callable[[int], tuple[int, int] | None]  # the tokens of the phrase that begins at one


def _tokens(text: str) -> Iterator[_Token]:
    """`non-leather` is two."""
    for found in islice(_TOKEN.finditer(text), MAX_TOKENS):
        word, start = found[0].lower(), found.start()
        if len(word) != len(found[0]):  # some letters have no single small one
            word = found[0]
        if word.startswith("non-"):
            yield _Token("non", start, start + 3)
            word, start = word[4:], start + 4
        yield _Token(word, start, found.end())


def _either(phrase: str) -> list[str]:
    """`leather/suede` is either; `1/2` is not."""
    parts = re.split(r"\s*/\s*", phrase)
    return parts if all(part.replace(" ", "").isalpha() for part in parts) else [phrase]
