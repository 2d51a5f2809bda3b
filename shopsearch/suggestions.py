"""Suggestions while somebody types: words, brands, categories and products of the catalog, and what
many have searched for.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import islice
from typing import Self

from shopsearch.domain import CATEGORY_SEPARATOR, AnyOf, Lexicon, ProductFilter, StoredProduct
from shopsearch.index.generations import Generation
from shopsearch.index.live import LiveGeneration
from shopsearch.languages import ENGLISH, Language
from shopsearch.logged_queries import LoggedQueries
from shopsearch.ranking.spelling import spelled_words
from shopsearch.ranking.words import fold, folded_words
from shopsearch.store import ProductStore
from shopsearch.wording import CatalogWords, WordingService

N_COMPLETIONS = 20  # words that the one being typed may become
N_LOOKED_AT = 40  # products; the words beside the given ones are read out of their titles
MAX_NAMES_LOOKED_AT = 5_000  # the most frequent brands, and as many categories
MAX_TYPED_WORDS = 12


class SuggestionKind(StrEnum):
    """What a suggestion is."""

    WORDS = "words"
    BRAND = "brand"
    QUERY = "query"  # what many have searched for


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Words to search for instead of the beginning that was typed."""

    text: str
    kind: SuggestionKind


@dataclass(frozen=True, slots=True)
class CategoryPreview:
    """A category, its path from the top, and how many products it has."""

    category: str
    n_products: int


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What may be meant by a beginning, each list with the likeliest first."""

    suggestions: tuple[Suggestion, ...]
    products: tuple[StoredProduct, ...]
    categories: tuple[CategoryPreview, ...]
    took_ms: float


@dataclass(frozen=True, slots=True)
class _Typed:
    """What has been typed so far."""

    given: tuple[str, ...]  # whole words, spelled as the catalog does
    ways_on: tuple[str, ...]  # what the last word may become, the likeliest first
    given_folded: frozenset[str]
    ways_folded: frozenset[str]
    language: Language

    @classmethod
    def of(cls, given: Sequence[str], ways_on: Sequence[str], language: Language) -> Self:
        """Folded once, as they are compared with many names."""
        folded = (_all_folded(given, language), _all_folded(ways_on, language))
        return cls(tuple(given), tuple(ways_on), *folded, language)

    def fits(self, words: Sequence[str]) -> bool:
        """Whether all given words, and one of the ways on, are among some folded words."""
        return self.given_folded.issubset(words) and not self.ways_folded.isdisjoint(words)

    def begins(self, words: Sequence[str]) -> bool:
        """Whether what was typed is how the folded words of a text begin."""
        n = len(self.given_folded)
        return self.given_folded.issuperset(words[:n]) and not self.ways_folded.isdisjoint(
            words[n : n + 1]
        )


class SuggestionService:
    """Suggests from what the catalog holds, and from what was searched for where that is logged."""

    def __init__(
        self,
        *,
        catalog: CatalogWords,
        wording: WordingService,
        lexical: Lexicon,
        store: ProductStore,
        live: LiveGeneration,
        language: Language = ENGLISH,
        logged: LoggedQueries | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._language = language
        self._logged = logged
        self._catalog = catalog
        self._wording = wording
        self._lexical = lexical
        self._store = store
        self._live = live
        self._clock = clock

    def suggest(self, text: str, size: int = 8) -> Suggestions:
        """At most `size` of each kind, for any text; typos in it are forgiven as in a search.

        Raises `GenerationMissing` before anything is indexed.
        """
        with self._live.one() as generation:
            return self._suggested(text, size, generation)

    def _suggested(self, text: str, size: int, generation: Generation) -> Suggestions:
        started = self._clock()
        typed = self._typed(text)
        products = self._products(typed) if typed.ways_on else []
        brands = self._brands(generation, typed)
        asked = islice(self._asked(typed), (size + 1) // 2)  # they leave room for the catalog
        texts = (*asked, *self._texts(typed, products), *brands)
        return Suggestions(
            suggestions=tuple(_each_once(texts))[:size],
            products=tuple(products[:size]),
            categories=self._categories(generation, typed)[:size],
            took_ms=(self._clock() - started) * 1000,
        )

    def _typed(self, text: str) -> _Typed:
        words = fold(text, self._language).split()[:MAX_TYPED_WORDS]
        is_whole = text[-1:].isspace()
        given, last = (words, "") if is_whole else (words[:-1], "".join(words[-1:]))
        meant = self._wording.read(" ".join(given)).text if given else ""
        whole = tuple(meant.split())
        if not last:  # the last word is whole: it is its only way on
            return _Typed.of(whole[:-1], whole[-1:], self._language)
        return _Typed.of(whole, self._ways_on(last), self._language)

    def _ways_on(self, beginning: str) -> list[str]:
        """Words that products hold now; the beginning itself where it is a number or a code."""
        vocabulary = self._catalog.vocabulary()
        parts = spelled_words(beginning, self._language)
        if parts != [beginning]:
            return [beginning] if any(map(str.isalnum, beginning)) else []
        ways = vocabulary.starting(beginning, N_COMPLETIONS)
        ways = ways or vocabulary.starting_nearly(beginning, N_COMPLETIONS)
        held_by = self._lexical.frequencies(ways)
        return [way for way in ways if held_by[way]]

    def _products(self, typed: _Typed) -> list[StoredProduct]:
        """Those with all words in title, brand or category, as the lexical index orders them."""
        keys = self._lexical.search((*typed.given, *typed.ways_on), N_LOOKED_AT).keys.tolist()
        stored = self._store.fetch(keys)
        found = (stored[key] for key in keys if key in stored)
        return [one for one in found if typed.fits(self._words_named(one))]

    def _texts(self, typed: _Typed, products: Sequence[StoredProduct]) -> Iterator[Suggestion]:
        """The given words with each way on, those first that more of the products go."""
        if typed.given:
            titles = [set(self._words_named(one)) for one in products]
            ways_on = ((way, folded_words(way, self._language)) for way in typed.ways_on)
            gone = Counter(way for way, words in ways_on for t in titles if _are_in(words, t))
            ways = [way for way, _ in gone.most_common()]
        else:
            ways = list(typed.ways_on)
        for way in _one_form_each(ways, self._language):
            yield Suggestion(" ".join((*typed.given, way)), SuggestionKind.WORDS)

    def _words_named(self, one: StoredProduct) -> tuple[str, ...]:
        product = one.product
        named = " ".join((product.title[:500], product.brand, product.product_type))
        return _name_words(named, self._language)

    def _asked(self, typed: _Typed) -> Iterator[Suggestion]:
        """What many have searched for and what was typed fits: what it begins comes first."""
        texts = self._logged.texts() if self._logged is not None and typed.ways_on else ()
        words = {text: _name_words(text, self._language) for text in texts}
        fitting = [text for text in texts if typed.fits(words[text])]
        for text in sorted(fitting, key=lambda text: not typed.begins(words[text])):
            yield Suggestion(text, SuggestionKind.QUERY)

    def _brands(self, generation: Generation, typed: _Typed) -> Iterator[Suggestion]:
        for brand in _fitting(typed, self._catalog.brands, whole=True):
            if _n_matching(generation, "brand", brand):
                yield Suggestion(brand, SuggestionKind.BRAND)

    def _categories(self, generation: Generation, typed: _Typed) -> tuple[CategoryPreview, ...]:
        found = (
            CategoryPreview(name, _n_matching(generation, "product_type", name))
            for name in _fitting(typed, self._catalog.categories)
        )
        return tuple(sorted((c for c in found if c.n_products), key=lambda c: -c.n_products))


def _fitting(typed: _Typed, names: Counter[str], *, whole: bool = False) -> Iterator[str]:
    """The names that what was typed is the beginning of; of a category, its last level counts."""
    for name, _ in names.most_common(MAX_NAMES_LOOKED_AT):
        told = name if whole else name.split(CATEGORY_SEPARATOR)[-1]
        if typed.fits(_name_words(told, typed.language)):
            yield name


def _n_matching(generation: Generation, field: str, value: str) -> int:
    where = ProductFilter((AnyOf(field, (value.casefold(),)),))
    return len(generation.index.fields.matching(where))


def _all_folded(words: Iterable[str], language: Language) -> frozenset[str]:
    return frozenset(one for word in words for one in folded_words(word, language))


@lru_cache(maxsize=20_000)
def _name_words(name: str, language: Language) -> tuple[str, ...]:
    return tuple(folded_words(name, language))


def _are_in(way: Sequence[str], words: set[str]) -> bool:
    return bool(way) and words.issuperset(way)


def _one_form_each(words: Iterable[str], language: Language) -> list[str]:
    """Of `mug` and `mugs`, the one that came first."""
    forms: Mapping[tuple[str, ...], str] = {
        tuple(folded_words(word, language)): word for word in reversed(list(words))
    }
    return list(forms.values())[::-1]


def _each_once(suggestions: Iterable[Suggestion]) -> Iterator[Suggestion]:
    seen: set[str] = set()
    for one in suggestions:
        if (text := one.text.casefold()) not in seen:
            seen.add(text)
            yield one
