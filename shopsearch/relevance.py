"""Where the relevant ends: which of all products are an answer to a query, and which merely come
after it.

A cosine means another thing for every query: of some texts all products are far away, to others
many are near. So a bound is put between what the whole catalog is to the query, and its nearest
neighbour. What holds all words of the query is relevant whatever its vector.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import EVERYTHING, Among, Lexicon, PreparedItem, ProductFilter
from shopsearch.domain.key_sets import are_in, union
from shopsearch.embedding import Embedder
from shopsearch.index import VectorIndex
from shopsearch.index.generations import Generation
from shopsearch.ranking.order import Candidate
from shopsearch.second_stage import Ranking, Wish

N_BACKGROUND = 500  # products that stand for the whole catalog
STANDS_OUT = 2.0  # standard deviations above the mean of the catalog, at least
NEAR = 0.7  # of the way from that mean to the nearest neighbour: relevant, where no product has
BESIDE_WORDS = 0.85  # all the words; and where some have them, so that they tell what is meant
PICTURED = 0.5  # the nearest to a picture is often the very product, and alone in that
HELD = 0.75  # share of the words, the rare ones counting more, that a candidate has at least
AT_A_TIME = 200  # neighbours; further ones are asked for while the last of them is relevant
N_MOST = 1_000  # neighbours that are relevant by their vectors alone

# what no shop sells: nothing that is nearer to these than to a query answers the query
_NONSENSE = ("asdfqwer", "xkcd zzz", "qqqq wwww", "blorptang", "lorem ipsum dolor", "hjkl fghj")


@dataclass(frozen=True, slots=True)
class Background:
    """What a whole catalog is to any query."""

    vectors: NDArray[np.float32]  # (B, D) of products drawn by chance
    least_rise: float  # how far a nearest neighbour stands above the mean for mere nonsense

    def bound(self, vector: NDArray[np.float32], nearest: float, near: float) -> float:
        """The lowest cosine that is relevant to a query.

        m + max(STANDS_OUT s, near (c - m)), where m and s are mean and standard deviation of the
        query's cosines over the catalog, and c is the cosine of its nearest neighbour, or of one of
        these products where a filter lets none through that is so near.
        """
        cosines = self.vectors @ vector  # (B,)
        mean, spread = float(cosines.mean()), float(cosines.std())
        best = max(nearest, float(cosines.max(initial=-1.0)))
        return mean + max(STANDS_OUT * spread, near * (best - mean))

    def is_nonsense(self, vector: NDArray[np.float32], nearest: float) -> bool:
        """Whether the nearest neighbour is no nearer than that of a text without meaning."""
        return nearest - float((self.vectors @ vector).mean()) <= self.least_rise


@dataclass(frozen=True, slots=True)
class Sought:
    """A query of which it shall be told where its answer ends."""

    wish: Wish
    ranking: Ranking | None  # None: nothing is ordered by words
    neighbours: Mapping[int, float]  # the nearest that are known, cosines by key, best first
    where: ProductFilter
    always: Sequence[int] = ()  # keys that are relevant whatever they are
    has_vectors: bool = True  # else cosines say nothing, and words alone tell what is relevant


@dataclass(frozen=True, slots=True)
class Relevant:
    """The answer of a query among all products."""

    where: ProductFilter  # the query's, and that a hit is relevant
    keys: NDArray[np.int64] | None  # (R,) ascending; None: all that passes the filter
    neighbours: Mapping[int, float] = field(default_factory=dict)  # more than were known, by key

    def holds(self, keys: Sequence[int]) -> NDArray[np.bool_]:
        """(N,) which of some keys are relevant."""
        asked = np.array(keys, dtype=np.int64)
        if self.keys is None:
            return np.ones(len(asked), dtype=np.bool_)
        return are_in(asked, self.keys)

    def of(self, cosines: Mapping[int, float]) -> dict[int, float]:
        """Those of some cosines by key that are relevant, in their order."""
        held = self.holds(list(cosines))
        return {k: c for (k, c), is_held in zip(cosines.items(), held, strict=True) if is_held}

    def candidates(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Those of some candidates that are relevant, in their order."""
        held = self.holds([one.key for one in candidates])
        return [one for one, is_held in zip(candidates, held, strict=True) if is_held]


class RelevanceService:
    """Tells what is relevant, by words and by vectors."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def relevant(
        self,
        sought: Sought,
        generation: Generation,
        words: Lexicon,
        nearest: Callable[[int], Mapping[int, float]],
    ) -> Relevant:
        """What is relevant of all that passes the filter; `nearest` gives a number of neighbours,
        cosines by key. All products are relevant to a query for those like one of them.
        """
        wish, ranking = sought.wish, sought.ranking
        has_words = bool(wish.words) and ranking is not None
        if not (has_words or wish.item.picture is not None) or not sought.neighbours:
            return Relevant(sought.where, None)
        if not sought.has_vectors:
            found = [self._holding(sought, words), _candidates(sought, np.inf), _quoted(ranking)]
            if not any(map(len, found)):
                found = [_holding_any(ranking)]
            return _narrowed(sought, found, generation.index)
        background = self._known(generation)
        top = next(iter(sought.neighbours.values()))
        holding = self._holding(sought, words)
        is_known = len(holding) or not wish.is_words_alone or _any_held(ranking)
        if not is_known and background.is_nonsense(wish.vector, top):
            return _narrowed(sought, [], generation.index)
        is_pictured = wish.item.picture is not None and not wish.is_words_alone
        near_enough = PICTURED if is_pictured else NEAR
        bound = background.bound(wish.vector, top, BESIDE_WORDS if len(holding) else near_enough)
        if not (sought.where and wish.is_words_alone):
            bound = min(bound, top)  # the nearest of all is an answer, however few there are
        near = sought.neighbours
        if not len(holding):  # else it is the words that tell what is meant, and these are enough
            near = _as_far_as(bound, near, nearest)
        found = [holding, _above(bound, near), _candidates(sought, bound), _quoted(ranking)]
        return _narrowed(sought, found, generation.index, near)

    def warm_up(self, generation: Generation) -> None:
        """Draw the background of a generation, so that its first query need not wait for it."""
        self._known(generation)

    def _known(self, generation: Generation) -> Background:
        """The background of a generation, drawn once."""
        return generation.derived.once("background", lambda: self._drawn(generation.index))

    def _drawn(self, index: VectorIndex) -> Background:
        keys = index.fields.matching(EVERYTHING)
        chance = np.random.default_rng(0)
        some = np.sort(chance.choice(keys, min(N_BACKGROUND, len(keys)), replace=False))
        vectors = index.fetch(some)
        rises = [
            float(index.search(vector[None, :], 1).scores[0, 0] - (vectors @ vector).mean())
            for vector in self._nonsense
        ]
        return Background(vectors, max(rises))

    @cached_property
    def _nonsense(self) -> list[NDArray[np.float32]]:
        """The same for all generations, and a write makes one a second: encoded once."""
        return [self._embedded(text) for text in _NONSENSE]

    def _embedded(self, text: str) -> NDArray[np.float32]:
        return self._embedder.embed_query(PreparedItem(text=text), text_weight=1.0)

    def _holding(self, sought: Sought, words: Lexicon) -> NDArray[np.int64]:
        """What holds every wanted word that was not given up, in one of the ways to write it."""
        asked, ranking = sought.wish.words, sought.ranking
        given_up = () if ranking is None else ranking.relaxed
        kept = replace(asked, wanted=tuple(w for w in asked.wanted if w not in given_up))
        if not (sought.wish.is_words_alone and kept.wanted):
            return np.empty(0, dtype=np.int64)
        return words.holding(kept.ways())


def _narrowed(
    sought: Sought,
    found: Sequence[NDArray[np.int64]],
    index: VectorIndex,
    neighbours: Mapping[int, float] | None = None,
) -> Relevant:
    """The keys found and those that are relevant anyway, of what passes the filter."""
    keys = union([*found, np.array(sought.always, dtype=np.int64)])
    if sought.wish.except_key is not None:
        keys = keys[keys != sought.wish.except_key]
    where = ProductFilter((*sought.where.conditions, Among(keys)))
    return Relevant(where, index.fields.matching(where) if sought.where else keys, neighbours or {})


def _any_held(ranking: Ranking | None) -> bool:
    """Whether any candidate has any of the words."""
    return ranking is not None and bool(ranking.window.table.held.any())


def _holding_any(ranking: Ranking | None) -> NDArray[np.int64]:
    """The candidates that have any of the words."""
    if ranking is None:
        return np.empty(0, dtype=np.int64)
    keys: NDArray[np.int64] = ranking.window.keys[ranking.window.table.held.any(axis=1)]
    return keys


def _as_far_as(
    bound: float, neighbours: Mapping[int, float], nearest: Callable[[int], Mapping[int, float]]
) -> Mapping[int, float]:
    """Neighbours until one is below the bound, or there are too many of them."""
    while len(neighbours) < N_MOST and min(neighbours.values()) >= bound:
        more = nearest(min(N_MOST, max(AT_A_TIME, 2 * len(neighbours))))
        if len(more) <= len(neighbours):
            break
        neighbours = more
    return neighbours


def _above(bound: float, neighbours: Mapping[int, float]) -> NDArray[np.int64]:
    return np.array([key for key, cosine in neighbours.items() if cosine >= bound], dtype=np.int64)


def _quoted(ranking: Ranking | None) -> NDArray[np.int64]:
    """What holds all phrases in quotes."""
    return np.empty(0, dtype=np.int64) if ranking is None else ranking.window.quoted.keys


def _candidates(sought: Sought, bound: float) -> NDArray[np.int64]:
    """Those of the window that have most of the words, are near, or are exactly what is asked."""
    if sought.ranking is None:
        return np.empty(0, dtype=np.int64)
    window = sought.ranking.window
    kept = (window.cosines >= bound) | sought.ranking.exact
    if sought.wish.is_words_alone:
        shares = window.table.held_share(window.rarity.weights(sought.wish.words))  # (N,)
        kept |= shares >= HELD
    keys: NDArray[np.int64] = window.keys[kept]
    return keys
