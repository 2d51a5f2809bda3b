"""What a shopper meant by the words typed: corrected where the catalog has no such word, with the
synonyms of the shop.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock

from shopsearch.domain import Lexicon, Product
from shopsearch.languages import ENGLISH, Language
from shopsearch.ranking.negation import Said
from shopsearch.ranking.phrases import Quoted
from shopsearch.ranking.said import said_in
from shopsearch.ranking.spelling import Vocabulary, most_typos, spelled_words, splits
from shopsearch.ranking.synonyms import SynonymRule, Synonyms
from shopsearch.ranking.words import (
    MAX_QUERY_WORDS,
    Alternative,
    AskedWords,
    Phrase,
    fold,
    folded_words,
)
from shopsearch.store import ProductStore, SynonymStore

TRUST = 0.8  # how much a corrected word counts beside one that the catalog has
TOGETHER = 0.6  # typos that standing beside the same word somewhere in the catalog makes up for
NAME_SHARE = 1 / 3  # of the products with "stick", from which on "non stick" is what they are
READ_AT_ONCE = 500  # products
MAX_NAMES = 50_000  # brands and categories that are remembered
_PER_CALL = 64  # terms that a lexical index looks at in one call

_CHUNK = re.compile(r"\w+(?:['\N{RIGHT SINGLE QUOTATION MARK}\-./]\w+)*")
_PART = re.compile(r"[^\W\d_]+(?:['\N{RIGHT SINGLE QUOTATION MARK}]s\b)?")


@dataclass(frozen=True, slots=True)
class Wording:
    """What is searched for."""

    # as typed, but for words that were corrected and quotes around phrases; `words.text` is what of
    # it is wanted
    text: str
    words: AskedWords
    did_you_mean: str | None = None  # the text where a word of it was corrected


class CatalogWords:
    """The vocabulary of titles, brands, categories, colours and materials, in step with the store.

    It is read when it is first needed, and then what has changed since. Words of products that
    were removed stay until the next start, so whoever shows one asks the lexical index first.
    """

    def __init__(self, store: ProductStore, language: Language = ENGLISH) -> None:
        self._store = store
        self._language = language
        self._revision = 0
        self._lock = Lock()
        self._is_followed = False
        self._words = Vocabulary()
        self.brands: Counter[str] = Counter()
        self.categories: Counter[str] = Counter()

    def vocabulary(self) -> Vocabulary:
        """All words up to the store's latest revision, or to that of the latest look at it."""
        if not (self._is_followed and self._revision):
            self._look()
        return self._words

    def in_background(self) -> Callable[[], None]:
        """What has to be called now and then from here on: nobody else looks for new words."""
        self._is_followed = True
        return self._look

    def _look(self) -> None:
        if self._store.revision() != self._revision:
            with self._lock:
                self._catch_up()

    def _catch_up(self) -> None:
        while True:
            changes = self._store.changes_since(self._revision, READ_AT_ONCE)
            if changes.revision == self._revision:
                return
            self._take_in([stored.product for stored in changes.upserted])
            self._revision = changes.revision

    def _take_in(self, products: Sequence[Product]) -> None:
        self._words.add(word for one in products for word in set(_words_of(one, self._language)))
        for counter, names in (
            (self.brands, (one.brand for one in products)),
            (self.categories, (one.product_type for one in products)),
        ):
            known = len(counter) < MAX_NAMES
            counter.update(name for name in names if name and (known or name in counter))


class WordingService:
    """Reads the words of a query as the catalog would write them."""

    def __init__(
        self,
        lexical: Lexicon,
        catalog: CatalogWords,
        synonyms: SynonymStore,
        language: Language = ENGLISH,
    ) -> None:
        self._lexical = lexical
        self._language = language
        self._catalog = catalog
        self._store = synonyms
        self._synonyms = (0, Synonyms())  # by the revision of the list

    def read(self, text: str, *, as_typed: bool = False) -> Wording:
        """Any text; `as_typed` corrects nothing. What the catalog has is never corrected, and
        neither is what stands in quotes, which has no synonyms either.
        """
        quoted = Quoted.of(text, self._language)
        unknown = self._unknown(" ".join(quoted.outside))
        compounds = self._compounds(unknown)
        corrected = {} if as_typed else self._corrections(quoted.plain, unknown - set(compounds))
        meant = quoted.changed(lambda piece: _with_corrections(piece, corrected, self._language))
        asked = self._asked(meant)
        by_word = (folded_words(word, self._language) for word in corrected.values())
        words = replace(
            asked,
            terms=tuple(dict.fromkeys((*asked.terms, *compounds.values()))),
            alternatives=self._alternatives(asked, meant),
            trust={word: TRUST for words in by_word for word in words},
        )
        return Wording(meant.plain, words, did_you_mean=str(meant) if corrected else None)

    def _asked(self, meant: Quoted) -> AskedWords:
        """What is asked for; quotes that say what is not wanted are no phrases."""
        language = self._language
        if not meant.inside:
            return AskedWords.of(meant.plain, language, self._is_name)
        said = said_in(meant.masked, language, self._is_name)
        unwanted = tuple(map(meant.unmasked, said.unwanted))
        wanted = replace(said, wanted=meant.unmasked(said.wanted), unwanted=unwanted)
        asked = AskedWords.saying(meant.plain, wanted, language)
        inside, outside = meant.within(said.wanted)
        if not inside:
            return asked
        others = AskedWords.saying(outside, Said(outside), language)
        return asked.quoting([Phrase.of(one, language) for one in inside], others)

    def _alternatives(self, asked: AskedWords, meant: Quoted) -> tuple[Alternative, ...]:
        revision = self._store.revision()
        if revision != self._synonyms[0]:
            rules = map(SynonymRule.of, self._store.rules())
            self._synonyms = (revision, Synonyms(rules, self._language))
        outside: Iterable[Sequence[str]] = [asked.words]
        if asked.phrases:
            outside = [folded_words(piece, self._language) for piece in meant.outside]
        return tuple(one for words in outside for one in self._synonyms[1].of(words))

    def _is_name(self, pair: str) -> bool:
        """Whether the catalog says "non stick" nearly as often as "stick" in all its ways."""
        _, word = pair.split(" ", maxsplit=1)
        held_by = self._held_by([pair, word])
        return held_by[pair] > NAME_SHARE * held_by[word]

    def _unknown(self, text: str) -> set[str]:
        """The words that no product holds, in any of its forms; no numbers, no model codes."""
        asked = {word for chunk in _chunks(text) for word in _correctable(chunk, self._language)}
        held_by = self._held_by(sorted(asked))
        return {word for word in asked if not held_by[word]}

    def _compounds(self, unknown: set[str]) -> dict[str, str]:
        """What the catalog writes apart: `t shirt` by `tshirt`."""
        ways = {word: list(splits(word)) for word in sorted(unknown)}
        held_by = self._held_by([way for each in ways.values() for way in each])
        best = {word: max(each, key=held_by.__getitem__) for word, each in ways.items() if each}
        return {word: way for word, way in best.items() if held_by[way]}

    def _corrections(self, text: str, unknown: set[str]) -> dict[str, str]:
        """A word of the catalog by each that is taken for its misspelling."""
        corrected = {}
        neighbours = _neighbours(text, self._language)
        for word in sorted(word for word in unknown if most_typos(word)):
            if best := self._nearest(word, neighbours.get(word, ("", ""))):
                corrected[word] = best
        return corrected

    def _nearest(self, word: str, beside: tuple[str, str]) -> str | None:
        """Fewest typos; then one that stands beside the same words somewhere, or is frequent."""
        near = self._catalog.vocabulary().near(word)
        before, after = beside
        pairs = {one.word: (f"{before} {one.word}", f"{one.word} {after}") for one in near}
        held_by = self._held_by([*pairs, *(pair for both in pairs.values() for pair in both)])
        merits = {
            one.word: TOGETHER * any(held_by[pair] for pair in pairs[one.word] if _is_pair(pair))
            + 0.1 * math.log(held_by[one.word])
            - one.cost
            for one in near
            if held_by[one.word]
        }
        return max(merits, key=merits.__getitem__, default=None)

    def _held_by(self, terms: Sequence[str]) -> Mapping[str, int]:
        held_by: dict[str, int] = {}
        for start in range(0, len(terms), _PER_CALL):
            held_by |= self._lexical.frequencies(terms[start : start + _PER_CALL])
        return held_by


def _words_of(product: Product, language: Language) -> Iterator[str]:
    told = (product.title[:500], product.brand, product.product_type, product.color)
    for text in (*told, product.material):
        yield from spelled_words(text, language)


def _chunks(text: str) -> list[str]:
    return _CHUNK.findall(text)[:MAX_QUERY_WORDS]


def _correctable(chunk: str, language: Language) -> Iterator[str]:
    """The folded words of a chunk that may be misspelt: none where it has a digit."""
    if not any(map(str.isdigit, chunk)):
        for part in _PART.findall(chunk):
            folded = fold(part, language)
            if most_typos(folded):
                yield folded


def _neighbours(text: str, language: Language) -> dict[str, tuple[str, str]]:
    """The words before and after each, "" where there is none."""
    parts = (part for chunk in _chunks(text) for part in _PART.findall(chunk))
    words = ["", *(fold(part, language) for part in parts), ""]
    triples = zip(words, words[1:], words[2:], strict=False)
    return {word: (before, after) for before, word, after in triples}


def _is_pair(pair: str) -> bool:
    return pair == pair.strip()


def _with_corrections(text: str, corrected: Mapping[str, str], language: Language) -> str:
    """The text with each misspelt word replaced; all else stays as it was typed."""
    if not corrected:
        return text

    def in_chunk(chunk: re.Match[str]) -> str:
        if any(map(str.isdigit, chunk[0])):
            return chunk[0]
        return _PART.sub(lambda part: corrected.get(fold(part[0], language), part[0]), chunk[0])

    return _CHUNK.sub(in_chunk, text)
