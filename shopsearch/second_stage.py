"""The second stage of a search: vectors and words bring candidates, the ranker orders them.

The first `WINDOW` neighbours and the first `WINDOW` products that hold words of the query are
weighed by named features; after them come the other neighbours, by their cosine. The window does
not depend on the page, so all pages together are one order, in which no product comes twice.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import AnyOf, PreparedItem, ProductFilter, ScoreParts, StoredProduct
from shopsearch.embedding import ContentHashes, Embedder
from shopsearch.index import VectorIndex
from shopsearch.languages import ENGLISH, Language
from shopsearch.ranking.explain import score_parts
from shopsearch.ranking.features import (
    FEATURES,
    SIMILARITIES,
    WORD_FEATURES,
    Comparison,
    ProductWords,
    Rarity,
    is_exact,
    is_of_brand,
    is_variant,
    word_rows,
)
from shopsearch.ranking.offers import OFFERS
from shopsearch.ranking.order import Candidate
from shopsearch.ranking.phrases import PhraseTexts, phrases_given_up
from shopsearch.ranking.ranker import Ranker
from shopsearch.ranking.relaxing import given_up
from shopsearch.ranking.remembered import Remembered
from shopsearch.ranking.tiers import BRAND, EXACT, PHRASES, in_tiers
from shopsearch.ranking.words import AskedWords, Phrase
from shopsearch.store import LexicalIndex, ProductStore

WINDOW = 100  # of each; twice as many found no better order of the judged queries, see decision 10
NAMED = 300  # products with the quoted phrases, or of the brand asked for, that are weighed too
MAX_HOLDING = 10_000  # products with one phrase among which those with the next are looked for
LESSER_TERMS = 0.5  # how much of the lexical score is left to synonyms where there are some
N_REMEMBERED = 8192  # products whose words stay in memory, at some 6 to 9 KB each


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is searched for, as both indexes are asked."""

    item: PreparedItem  # the words and the picture as they came
    words: AskedWords
    like: StoredProduct | None  # the product that is asked about
    vector: NDArray[np.float32]  # (D,)
    text_weight: float  # how much the words count, 0..1
    is_words_alone: bool  # then an exact title, model number or brand comes first
    among: NDArray[np.int64] | None  # the only keys that pass the filter; None lets all pass
    did_you_mean: str | None = None  # the words, where some of them were corrected

    @property
    def except_key(self) -> int | None:
        """A product is not among its own hits."""
        return None if self.like is None else self.like.key


@dataclass(frozen=True, slots=True)
class Window:
    """N candidates and what is known of them."""

    products: Sequence[StoredProduct]
    cosines: NDArray[np.float32]  # (N,)
    features: NDArray[np.float32]  # (N, F), columns as in `FEATURES`; 0 where nobody asked for one

    @property
    def cosine_by_key(self) -> dict[int, float]:
        """The cosines by key."""
        keys = (stored.key for stored in self.products)
        return dict(zip(keys, self.cosines.tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class Ranking:
    """The order of a window, and of what comes after it."""

    window: Window
    plain: NDArray[np.float32]  # (N,) the ranker's scores
    tiers: NDArray[np.int64]  # (N,) what comes before others whatever its score, see `tiers`
    scores: NDArray[np.float32]  # (N,) the ranker's scores, such that they respect the tiers
    after: Mapping[int, float]  # the scores of later neighbours by key, best first
    relaxed: tuple[str, ...] = ()  # phrases and wanted words that no candidate has with the others

    @property
    def candidates(self) -> list[Candidate]:
        """Those of the window, best first."""
        best_first = np.lexsort((-self.scores, -self.tiers))  # the last counts first
        return [Candidate(self.window.products[n], float(self.scores[n])) for n in best_first]


class SecondStage:
    """Orders what the vector index has found, and what only the words find, as one list."""

    def __init__(
        self,
        lexical: LexicalIndex,
        store: ProductStore,
        ranker: Ranker,
        embedder: Embedder,
        language: Language = ENGLISH,
    ) -> None:
        self._lexical = lexical
        self._store = store
        self._ranker = ranker
        self._embedder = embedder
        self._words = Remembered(lambda one: ProductWords(one.product, language), N_REMEMBERED)
        self._contents = Remembered(lambda one: ContentHashes.of(one.record), N_REMEMBERED)

    def order(self, wish: Wish, neighbours: Mapping[int, float], index: VectorIndex) -> Ranking:
        """The window in its order, and the neighbours after it.

        `neighbours` are cosines by key, the best first: `WINDOW` of them at least, if there are.
        A feature without a weight is not looked at.
        """
        window = self._window(wish, neighbours, index, self._ranker.weighed)
        plain = self._ranker.scores(window.cosines, window.features, wish.text_weight)  # (N,)
        held = [self._phrases_of(wish, one) for one in window.products]
        lost = phrases_given_up(wish.words.phrases, held)
        kept = {*wish.words.phrases} - lost
        tiers = self._tiers(wish, window, [bool(kept) and kept <= some for some in held])  # (N,)
        scores = in_tiers(plain, tiers)
        in_window = {stored.key for stored in window.products}
        after = {
            key: cosine
            for key, cosine in islice(neighbours.items(), WINDOW, None)
            if key not in in_window
        }
        later = self._scores_after(wish, window, scores, after)
        relaxed = (
            *(f'"{one}"' for one in wish.words.phrases if one in lost),
            *self._given_up(wish, window),
        )
        return Ranking(window, plain, tiers, scores, later, relaxed)

    def window(self, wish: Wish, neighbours: Mapping[int, float], index: VectorIndex) -> Window:
        """The candidates and all of their features."""
        return self._window(wish, neighbours, index, frozenset(FEATURES))

    def parts(self, wish: Wish, ranking: Ranking, keys: Collection[int]) -> dict[int, ScoreParts]:
        """What the scores are made of, by key, for those of the keys that are in the window."""
        window = ranking.window
        parts = self._ranker.parts(window.cosines, window.features, wish.text_weight)  # (N, 1 + F)
        lifts = ranking.scores - ranking.plain  # (N,)
        return {
            stored.key: score_parts(parts[n], window.features[n], self._ranker.weights, lifts[n])
            for n, stored in enumerate(window.products)
            if stored.key in keys
        }

    def _window(
        self,
        wish: Wish,
        neighbours: Mapping[int, float],
        index: VectorIndex,
        features: frozenset[str],
    ) -> Window:
        by_key = dict(islice(neighbours.items(), WINDOW))
        terms = (*wish.words.terms, *wish.words.lesser_terms)
        matches = self._lexical.search(terms, WINDOW + 1, wish.among)
        only_by_words = [
            key for key in matches.keys.tolist() if key not in by_key and key != wish.except_key
        ]
        by_key |= cosines_of(only_by_words[:WINDOW], wish.vector, index)
        named = [key for key in self._named(wish, index) if key not in by_key]
        by_key |= cosines_of(named, wish.vector, index)
        stored = self._store.fetch(list(by_key))
        products = [stored[key] for key in by_key if key in stored]
        cosines = np.array([by_key[one.key] for one in products], dtype=np.float32)
        return Window(products, cosines, self._features(wish, products, cosines, features))

    def _features(
        self,
        wish: Wish,
        products: Sequence[StoredProduct],
        cosines: NDArray[np.float32],
        asked: frozenset[str],
    ) -> NDArray[np.float32]:
        """(N, F); the columns of features that are not asked for stay 0 and cost nothing."""
        table = np.zeros((len(products), len(FEATURES)), dtype=np.float32)
        if asked.intersection(WORD_FEATURES):
            table[:, : len(WORD_FEATURES)] = self._word_rows(wish.words, products)
        for name in asked.intersection(OFFERS):
            offered = OFFERS[name]([one.product for one in products], cosines)  # (N,)
            table[:, FEATURES.index(name)] = offered
        if asked.intersection(SIMILARITIES):
            table[:, -len(SIMILARITIES) :] = self._similarities(wish.item.text, products)
        return table

    def _word_rows(
        self, words: AskedWords, products: Sequence[StoredProduct]
    ) -> NDArray[np.float32]:
        keys = np.array([one.key for one in products], dtype=np.int64)
        lexical = self._lexical_shares(words, keys)
        return word_rows(
            words, [self._words.of(one) for one in products], lexical, self._rarity(words)
        )

    def _lexical_shares(self, words: AskedWords, keys: NDArray[np.int64]) -> NDArray[np.float32]:
        """(N,) lexical scores as shares of the best; half of it for the words themselves alone,
        where there are synonyms.
        """
        shares = self._shares_of(words.terms, keys)
        if words.lesser_terms:
            with_lesser = self._shares_of((*words.terms, *words.lesser_terms), keys)
            shares = (1.0 - LESSER_TERMS) * shares + LESSER_TERMS * with_lesser
        return shares

    def _shares_of(self, terms: Sequence[str], keys: NDArray[np.int64]) -> NDArray[np.float32]:
        matches = self._lexical.search(terms, len(keys), keys)
        by_key = dict(zip(matches.keys.tolist(), matches.scores.tolist(), strict=True))
        scores = np.array([by_key.get(key, 0.0) for key in keys.tolist()], dtype=np.float32)
        shares: NDArray[np.float32] = scores / max(float(scores.max(initial=0.0)), 1e-9)
        return shares

    def _rarity(self, words: AskedWords) -> Rarity:
        held_by = self._lexical.frequencies((*words.wanted, *words.unwanted))
        return Rarity(self._lexical.count(), held_by)

    def _given_up(self, wish: Wish, window: Window) -> tuple[str, ...]:
        """The wanted words that no candidate has together with the others, see `relaxing`."""
        is_weighed = bool(self._ranker.weighed.intersection(WORD_FEATURES))
        if not is_weighed or len(wish.words.wanted) < 2 or _is_whole(window):
            return ()
        compared = Comparison(wish.words, dict.fromkeys(wish.words.words, 1.0))
        held = [compared.held(self._words.of(one)) for one in window.products]
        return given_up(wish.words, held, self._rarity(wish.words))

    def _similarities(self, text: str, products: Sequence[StoredProduct]) -> NDArray[np.float32]:
        """(N, 2) cosines of the query's words with picture and text; 0 where below, or not kept."""
        kept = self._embedder.kept([self._contents.of(one) for one in products])
        if not (kept.has_image.any() or kept.has_text.any()):
            return np.zeros((len(products), len(SIMILARITIES)), dtype=np.float32)
        words = self._embedder.encode_query(PreparedItem(text)).text[0]  # (D,)
        cosines = np.column_stack([kept.image @ words, kept.text @ words])  # (N, 2)
        positive: NDArray[np.float32] = np.clip(cosines, 0.0, 1.0)
        return positive

    def _named(self, wish: Wish, index: VectorIndex) -> list[int]:
        """The products that have the phrases in quotes, or are of the brand that the query names:
        at most `NAMED`, the best by their words. They belong to the first tiers, if anything does.
        """
        if wish.words.phrases:
            return self._holding(wish)
        if not wish.is_words_alone:
            return []
        of_brand = index.matching(_brand_filter(wish.item.text))
        if wish.among is not None:
            of_brand = np.intersect1d(of_brand, wish.among)
        found = self._lexical.search(wish.words.terms, NAMED, of_brand).keys
        return [int(key) for key in found]

    def _holding(self, wish: Wish) -> list[int]:
        """The products with the quoted phrases, but for those that none has with the others."""
        among, has_any = wish.among, False
        for phrase in wish.words.phrases:
            found = self._lexical.search(phrase.terms, MAX_HOLDING, among).keys
            among, has_any = (found, True) if len(found) else (among, has_any)
        if not has_any:
            return []
        found = self._lexical.search(wish.words.terms, NAMED + 1, among).keys
        return [key for key in found.tolist() if key != wish.except_key][:NAMED]

    def _phrases_of(self, wish: Wish, one: StoredProduct) -> frozenset[Phrase]:
        """The phrases in quotes that a product has."""
        if not wish.words.phrases:
            return frozenset()
        texts = PhraseTexts(one.product, wish.words.language)
        return frozenset(filter(texts.hold, wish.words.phrases))

    def _tiers(self, wish: Wish, window: Window, has_phrases: Sequence[bool]) -> NDArray[np.int64]:
        """(N,) The tier of each candidate: the sum of what counts whatever its score."""
        tiers = [
            PHRASES * has
            + EXACT * self._is_exact(wish, one)
            + BRAND * (wish.is_words_alone and is_of_brand(wish.words, self._words.of(one)))
            for one, has in zip(window.products, has_phrases, strict=True)
        ]
        return np.array(tiers, dtype=np.int64)

    def _is_exact(self, wish: Wish, one: StoredProduct) -> bool:
        """Whether it is the very product that is asked for, by its words or as a variant."""
        words = self._words.of(one)
        if wish.like is not None and wish.item.picture is None:
            return is_variant(wish.words, self._words.of(wish.like), words)
        return wish.is_words_alone and is_exact(wish.words, words)

    def _scores_after(
        self,
        wish: Wish,
        window: Window,
        scores: NDArray[np.float32],
        after: Mapping[int, float],
    ) -> dict[int, float]:
        """By cosine alone, and never above the last score of the window."""
        cosines = np.fromiter(after.values(), dtype=np.float32, count=len(after))
        plain = self._ranker.score_without_words(cosines, window.cosines, wish.text_weight)
        lowest = scores.min(initial=1.0)
        return dict(zip(after, np.minimum(plain, lowest).tolist(), strict=True))


def _is_whole(window: Window) -> bool:
    """Whether a candidate is known to have every wanted word itself: the usual case."""
    everywhere = window.features[:, FEATURES.index("anywhere")]
    return bool(everywhere.max(initial=0.0) > 1.0 - 1e-6)


def _brand_filter(text: str) -> ProductFilter:
    return ProductFilter((AnyOf("brand", (" ".join(text.casefold().split()),)),))


def cosines_of(
    keys: Sequence[int], vector: NDArray[np.float32], index: VectorIndex
) -> dict[int, float]:
    """By key; the index may not hold yet, or no longer, what the store holds."""
    rows = index.fetch(np.array(keys, dtype=np.int64))  # (M, D), NaN where it lacks one
    cosines = rows @ vector  # (M,)
    return {
        key: float(cosine)
        for key, cosine in zip(keys, cosines, strict=True)
        if not np.isnan(cosine)
    }
