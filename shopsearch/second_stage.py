"""The second stage of a search: vectors and words bring candidates, the ranker orders them.

The first `WINDOW` neighbours and the first `WINDOW` products that hold words of the query are
weighed by named features; after them come the other neighbours, by their cosine. The window does
not depend on the page, so all pages together are one order, in which no product comes twice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import (
    AnyOf,
    Lexicon,
    PreparedItem,
    ProductFilter,
    ScoreParts,
    StoredProduct,
)
from shopsearch.domain.key_sets import common
from shopsearch.embedding import ContentHashes, Embedder
from shopsearch.index import VectorIndex
from shopsearch.lexical.stored import sketches_of
from shopsearch.ranking.explain import score_parts
from shopsearch.ranking.features import FEATURES, SIMILARITIES, WORD_FEATURES, Rarity
from shopsearch.ranking.offers import OFFERS
from shopsearch.ranking.order import Candidate
from shopsearch.ranking.phrases import HeldPhrases
from shopsearch.ranking.ranker import Ranker
from shopsearch.ranking.relaxing import given_up
from shopsearch.ranking.remembered import Remembered
from shopsearch.ranking.tiers import BRAND, EXACT, PHRASES, in_tiers
from shopsearch.ranking.word_features import WordTable
from shopsearch.ranking.words import AskedWords
from shopsearch.store import ProductStore

WINDOW = 100  # of each; twice as many found no better order of the judged queries, see decision 10
NAMED = 300  # products with the quoted phrases, or of the brand asked for, that are weighed too
LESSER_TERMS = 0.5  # how much of the lexical score is left to synonyms where there are some
N_REMEMBERED = 8192  # products whose content hashes stay in memory

# keys (N,) and their scores (N,) -> scores (N,), as business signals make them
Lift = Callable[[NDArray[np.int64], NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is searched for, as both indexes are asked."""

    item: PreparedItem  # the words and the picture as they came
    words: AskedWords
    like: StoredProduct | None  # the product that is asked about
    vector: NDArray[np.float32]  # (D,)
    text_weight: float  # how much the words count, 0..1
    is_words_alone: bool  # then an exact title, model number or brand comes first
    is_moved: bool = False  # by further wishes
    unwanted: tuple[frozenset[str], ...] = ()  # the folded words of each phrase, see `unwanted`
    among: NDArray[np.int64] | None  # the only keys that pass the filter; None lets all pass
    did_you_mean: str | None = None  # the words, where some of them were corrected

    @property
    def except_key(self) -> int | None:
        """A product is not among its own hits."""
        return None if self.like is None else self.like.key


@dataclass(frozen=True)
class Window:
    """N candidates and what is known of them."""

    keys: NDArray[np.int64]  # (N,)
    cosines: NDArray[np.float32]  # (N,)
    features: NDArray[np.float32]  # (N, F), columns as in `FEATURES`; 0 where nobody asked for one
    table: WordTable  # the words of the query beside those of the candidates
    rarity: Rarity  # of the words of the query
    quoted: HeldPhrases  # all products that hold the phrases of the query, candidates or not

    @cached_property
    def cosine_by_key(self) -> dict[int, float]:
        """The cosines by key."""
        return dict(zip(self.keys.tolist(), self.cosines.tolist(), strict=True))


@dataclass(frozen=True)
class Ranking:
    """The order of a window."""

    window: Window
    plain: NDArray[np.float32]  # (N,) the ranker's scores
    moved: NDArray[np.float32]  # (N,) the same, as business signals make them
    scores: NDArray[np.float32]  # (N,) the same, such that they respect the tiers
    tiers: NDArray[np.int64]  # (N,) what comes before others whatever its score, see `tiers`
    relaxed: tuple[str, ...] = ()  # phrases and wanted words that no candidate has with the others
    is_moved: bool = False  # whether there are signals

    @property
    def exact(self) -> NDArray[np.bool_]:
        """(N,) which are in any tier above the others."""
        return self.tiers > 0

    @cached_property
    def candidates(self) -> list[Candidate]:
        """Those of the window, best first."""
        gains = (self.moved - self.plain).tolist()
        keys, scores, tiers = (a.tolist() for a in (self.window.keys, self.scores, self.tiers))
        return [
            Candidate(
                keys[n],
                scores[n],
                signalled=gains[n] if self.is_moved else None,
                tier=tiers[n],
            )
            for n in np.lexsort((-self.scores, -self.tiers)).tolist()
        ]


class SecondStage:
    """Orders what the vector index has found, and what only the words find, as one list."""

    def __init__(self, store: ProductStore, ranker: Ranker, embedder: Embedder) -> None:
        self._store = store
        self._ranker = ranker
        self._embedder = embedder
        self._contents = Remembered(lambda one: ContentHashes.of(one.record), N_REMEMBERED)

    def order(
        self,
        wish: Wish,
        neighbours: Mapping[int, float],
        index: VectorIndex,
        words: Lexicon,
        lift: Lift | None = None,
    ) -> Ranking:
        """The window in its order.

        `neighbours` are cosines by key, the best first: `WINDOW` of them at least, if there are.
        A feature without a weight is not looked at. `lift` is for business signals: it comes before
        the tiers, so that none of it can put another product above an exact match.
        """
        window = self._window(wish, neighbours, index, words, self._ranker.weighed)
        plain = self._ranker.scores(window.cosines, window.features, wish.text_weight)  # (N,)
        moved = plain if lift is None else lift(window.keys, plain)  # (N,)
        tiers = self._tiers(wish, window)  # (N,)
        return Ranking(
            window=window,
            plain=plain,
            moved=moved,
            scores=in_tiers(moved, tiers),
            tiers=tiers,
            relaxed=(
                *(f'"{phrase}"' for phrase in window.quoted.given_up),
                *self._given_up(wish, window),
            ),
            is_moved=lift is not None,
        )

    def after(
        self, wish: Wish, ranking: Ranking, neighbours: Mapping[int, float]
    ) -> dict[int, float]:
        """The scores by key of those neighbours, best first, that are not in the window: by cosine
        alone, and never above the last score of the window.
        """
        window = ranking.window
        others = {k: c for k, c in neighbours.items() if k not in window.cosine_by_key}
        cosines = np.fromiter(others.values(), dtype=np.float32, count=len(others))
        plain = self._ranker.score_without_words(cosines, window.cosines, wish.text_weight)
        lowest = ranking.scores.min(initial=1.0)
        return dict(zip(others, np.minimum(plain, lowest).tolist(), strict=True))

    def window(
        self, wish: Wish, neighbours: Mapping[int, float], index: VectorIndex, words: Lexicon
    ) -> Window:
        """The candidates and all of their features."""
        return self._window(wish, neighbours, index, words, frozenset(FEATURES))

    def parts(self, wish: Wish, ranking: Ranking, keys: Collection[int]) -> dict[int, ScoreParts]:
        """What the scores are made of but for signals, by key, for those that are in the window."""
        window = ranking.window
        parts = self._ranker.parts(window.cosines, window.features, wish.text_weight)  # (N, 1 + F)
        lifts = ranking.scores - ranking.moved  # (N,)
        return {
            key: score_parts(parts[n], window.features[n], self._ranker.weights, lifts[n])
            for n, key in enumerate(window.keys.tolist())
            if key in keys
        }

    def _window(
        self,
        wish: Wish,
        neighbours: Mapping[int, float],
        index: VectorIndex,
        words: Lexicon,
        features: frozenset[str],
    ) -> Window:
        by_key = dict(islice(neighbours.items(), WINDOW))
        terms = (*wish.words.terms, *wish.words.lesser_terms)
        matches = words.search(terms, WINDOW + 1, wish.among)
        only_by_words = [
            key for key in matches.keys.tolist() if key not in by_key and key != wish.except_key
        ]
        by_key |= cosines_of(only_by_words[:WINDOW], wish.vector, index)
        quoted = _holding(wish, words)
        named = [key for key in _named(wish, quoted, index, words) if key not in by_key]
        by_key |= cosines_of(named, wish.vector, index)
        keys, sketches = words.sketches(np.fromiter(by_key, dtype=np.int64, count=len(by_key)))
        cosines = np.array([by_key[key] for key in keys.tolist()], dtype=np.float32)
        table = WordTable(wish.words, sketches)
        rarity = Rarity(max(words.count(), 1), _frequencies(wish.words, words))
        known = np.zeros((len(keys), len(FEATURES)), dtype=np.float32)  # (N, F)
        if features.intersection(WORD_FEATURES):
            known[:, 0] = self._lexical_shares(wish.words, keys, words)
            known[:, 1 : len(WORD_FEATURES)] = table.features(rarity.weights(wish.words))
        if features.intersection((*OFFERS, *SIMILARITIES)):
            self._add_offers(known, wish, keys, cosines, features)
        return Window(keys, cosines, known, table, rarity, quoted)

    def _add_offers(
        self,
        known: NDArray[np.float32],
        wish: Wish,
        keys: NDArray[np.int64],
        cosines: NDArray[np.float32],
        asked: frozenset[str],
    ) -> None:
        """Fill the columns of (N, F) features that need the products themselves."""
        stored = self._store.fetch(keys.tolist())
        there = np.array([key in stored for key in keys.tolist()], dtype=np.bool_)
        products = [stored[key] for key in keys[there].tolist()]
        for name in asked.intersection(OFFERS):
            offered = OFFERS[name]([one.product for one in products], cosines[there])
            known[there, FEATURES.index(name)] = offered
        if asked.intersection(SIMILARITIES):
            known[there, -len(SIMILARITIES) :] = self._similarities(wish.item.text, products)

    def _lexical_shares(
        self, asked: AskedWords, keys: NDArray[np.int64], words: Lexicon
    ) -> NDArray[np.float32]:
        """(N,) lexical scores as shares of the best; half of it for the words themselves alone,
        where there are synonyms.
        """
        shares = _shares_of(asked.terms, keys, words)
        if asked.lesser_terms:
            with_lesser = _shares_of((*asked.terms, *asked.lesser_terms), keys, words)
            shares = (1.0 - LESSER_TERMS) * shares + LESSER_TERMS * with_lesser
        return shares

    def _given_up(self, wish: Wish, window: Window) -> tuple[str, ...]:
        """The wanted words that no candidate has together with the others, see `relaxing`."""
        is_weighed = bool(self._ranker.weighed.intersection(WORD_FEATURES))
        if not is_weighed or len(wish.words.wanted) < 2 or window.table.held.all(axis=1).any():
            return ()
        return given_up(wish.words, window.table.held, window.rarity)

    def _similarities(self, text: str, products: Sequence[StoredProduct]) -> NDArray[np.float32]:
        """(N, 2) cosines of the query's words with picture and text; 0 where below, or not kept."""
        kept = self._embedder.kept([self._contents.of(one) for one in products])
        if not (kept.has_image.any() or kept.has_text.any()):
            return np.zeros((len(products), len(SIMILARITIES)), dtype=np.float32)
        words = self._embedder.encode_query(PreparedItem(text)).text[0]  # (D,)
        cosines = np.column_stack([kept.image @ words, kept.text @ words])  # (N, 2)
        positive: NDArray[np.float32] = np.clip(cosines, 0.0, 1.0)
        return positive

    def _tiers(self, wish: Wish, window: Window) -> NDArray[np.int64]:
        """(N,) the tier of each candidate: the sum of what counts whatever its score."""
        tiers = PHRASES * np.isin(window.keys, window.quoted.keys).astype(np.int64)
        tiers += EXACT * self._exact(wish, window)
        if wish.is_words_alone:
            tiers += BRAND * window.table.of_brand
        return tiers

    def _exact(self, wish: Wish, window: Window) -> NDArray[np.bool_]:
        """(N,) which are the very product that is asked for, by its words or as a variant."""
        if wish.like is not None and wish.item.picture is None:
            return window.table.variants(sketches_of([wish.like.product], wish.words.language))
        return window.table.exact & wish.is_words_alone


def _holding(wish: Wish, words: Lexicon) -> HeldPhrases:
    """The products that hold the quoted phrases and pass the filter."""
    held = {one: words.holding([one.terms]) for one in wish.words.phrases}
    if wish.among is not None:
        held = {one: common(keys, wish.among) for one, keys in held.items()}
    if wish.except_key is not None:
        held = {one: keys[keys != wish.except_key] for one, keys in held.items()}
    return HeldPhrases.of(held)


def _named(wish: Wish, quoted: HeldPhrases, index: VectorIndex, words: Lexicon) -> list[int]:
    """The products with the phrases in quotes, or of the brand that the query names: at most
    `NAMED`, the best by their words. They belong to the first tiers, if anything does.
    """
    keys = quoted.keys
    if not wish.words.phrases and wish.is_words_alone:
        keys = index.fields.matching(_brand_filter(wish.item.text))
        if wish.among is not None:
            keys = common(keys, wish.among)
    named: list[int] = words.search(wish.words.terms, NAMED, keys).keys.tolist()
    return named


def _brand_filter(text: str) -> ProductFilter:
    return ProductFilter((AnyOf("brand", (" ".join(text.casefold().split()),)),))


def _frequencies(asked: AskedWords, words: Lexicon) -> dict[str, int]:
    """How many products hold each of the wanted and unwanted words."""
    written = {word: asked.written(word) for word in (*asked.wanted, *asked.unwanted)}
    held_by = words.frequencies(list(written.values()))
    return {word: held_by[form] for word, form in written.items()}


def _shares_of(
    terms: Sequence[str], keys: NDArray[np.int64], words: Lexicon
) -> NDArray[np.float32]:
    """(N,) the lexical scores of some products as shares of the best of them."""
    matches = words.search(terms, len(keys), keys)
    by_key = dict(zip(matches.keys.tolist(), matches.scores.tolist(), strict=True))
    scores = np.array([by_key.get(key, 0.0) for key in keys.tolist()], dtype=np.float32)
    shares: NDArray[np.float32] = scores / max(float(scores.max(initial=0.0)), 1e-9)
    return shares


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
