"""Finding: a query in, its candidates in order out, before any product is fetched.

Vectors and words bring candidates, the second stage orders them as one list, relevance says where
the answer ends, and rules and signals of the shop weigh it. Nothing here depends on the page but
how far the list reaches: so all pages together are one order, in which no product comes twice.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, takewhile
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from shopsearch.collapsing import Variants
from shopsearch.domain import (
    EVERYTHING,
    Lack,
    Lexicon,
    PreparedItem,
    ProductFilter,
    Query,
    Region,
    Sort,
    StoredProduct,
)
from shopsearch.embedding import Embedder
from shopsearch.errors import UnknownProduct
from shopsearch.index import VectorIndex
from shopsearch.index.generations import Generation
from shopsearch.index.without_vectors import WithoutVectors
from shopsearch.languages import ENGLISH, Language
from shopsearch.listing import Listing
from shopsearch.merchandising import Ruling
from shopsearch.ranking.diversity import diversified
from shopsearch.ranking.order import Candidate
from shopsearch.ranking.tiers import EXACT
from shopsearch.relevance import RelevanceService, Relevant, Sought
from shopsearch.same_picture import SamePicture
from shopsearch.second_stage import WINDOW, Ranking, SecondStage, Window, Wish, cosines_of
from shopsearch.signals import Weighing
from shopsearch.stages import Stages
from shopsearch.store import ProductStore
from shopsearch.unwanted import REACH, Unwanted
from shopsearch.wishes import FurtherWishes, share_of_main, unwanted_phrases, vector_of
from shopsearch.wording import WordingService

SORT_WINDOW = 200  # without a cut-off, a search by price or age orders the most relevant so many


class QueryPreparer(Protocol):
    """Turns what a person typed and uploaded into what the encoders see."""

    def prepare_query(
        self, text: str, image: bytes | None, region: Region | None = None
    ) -> PreparedItem:
        """Raises `PictureRejected`."""


@dataclass(frozen=True, slots=True)
class Road:
    """What one search goes by from its beginning to its end."""

    generation: Generation
    words: Lexicon
    stages: Stages
    degraded: tuple[Lack, ...] = ()

    @property
    def index(self) -> VectorIndex:
        """The vectors of the generation."""
        return self.generation.index

    def without_vectors(self) -> Road:
        """The same road by words alone."""
        index = WithoutVectors(self.generation.index)
        generation = replace(self.generation, index=index)
        return replace(self, generation=generation, degraded=("vectors",))


@dataclass(frozen=True, slots=True)
class Weights:
    """What the shop wants of a search."""

    ruling: Ruling
    weighing: Weighing


@dataclass(frozen=True, slots=True)
class Found:
    """What a query has found."""

    candidates: Sequence[Candidate]  # in the order asked for, as far as the page reaches
    total: int  # how many hits all pages have together
    where: ProductFilter = EVERYTHING  # what the hits of all pages fulfil
    wish: Wish | None = None  # None: nothing is asked for but the filter
    neighbours: Mapping[int, float] = field(default_factory=dict)  # cosines by key
    ranking: Ranking | None = None  # None: the cosines are the scores
    variants: Variants | None = None  # None: each product is a hit of its own


@dataclass(frozen=True, slots=True)
class _Case:
    """A search of which it is known what is looked for."""

    query: Query
    weights: Weights
    wish: Wish
    ranking: Ranking | None
    reach: Relevant
    ruled: Mapping[int, float]  # cosines by key of what rules bring


class Finder:
    """Finds what a query that asks for something means."""

    def __init__(
        self,
        *,
        preparer: QueryPreparer,
        embedder: Embedder,
        store: ProductStore,
        second_stage: SecondStage,
        wording: WordingService,
        relevance: RelevanceService,
        listing: Listing,
        wishes: FurtherWishes,
        language: Language = ENGLISH,
    ) -> None:
        self._preparer = preparer
        self._embedder = embedder
        self._store = store
        self._second_stage = second_stage
        self._wording = wording
        self._relevance = relevance
        self._listing = listing
        self._wishes = wishes
        self._unwanted = Unwanted(store, language)
        self._same_picture = SamePicture(embedder, store)

    def found(self, road: Road, query: Query, weights: Weights) -> Found:
        """What a query finds, in the order asked for. Raises `UnknownProduct`, `PictureRejected`.

        Without a cut-off, orders other than by relevance are cut from one window.
        """
        found = self._by_relevance(road, query, weights)
        if query.sort is Sort.RELEVANCE:
            return found
        keys = np.array([one.key for one in found.candidates], dtype=np.int64)
        if query.cutoff and found.where:
            others = road.index.fields.matching(found.where)[::-1]  # the newest first
            keys = np.concatenate([keys, others[~np.isin(others, keys)]])
        in_order = self._listing.resorted(road.generation, keys, query.sort)
        if found.variants is not None:
            in_order = in_order[found.variants.firsts(in_order)]
        return self._scored(road, found, in_order[: query.offset + query.k].tolist())

    def window(self, road: Road, query: Query) -> Window:
        """What the second stage weighs for a query of words, with every feature."""
        wish = self._wish(road, query)
        near = self._neighbours(road, wish, query.where, WINDOW)
        return self._second_stage.window(wish, near, road.index, road.words)

    def _by_relevance(self, road: Road, query: Query, weights: Weights) -> Found:
        wish = self._wish(road, query)
        is_sorted = query.sort is not Sort.RELEVANCE
        n_wanted = SORT_WINDOW if is_sorted else query.offset + query.k
        n_wanted += len(weights.ruling.slots)  # the pinned may stand further down
        n_wanted = max(n_wanted, REACH) if wish.unwanted else n_wanted
        # what is relevant is told from the same neighbours on every page
        n_near = WINDOW if query.cutoff else max(n_wanted, WINDOW)
        near = self._neighbours(road, wish, query.where, n_near)
        ruled = self._ruled(road, wish, weights.ruling)
        ranking = self._ranking(road, wish, {**near, **ruled}, weights.weighing)
        reach = Relevant(query.where, None)
        if query.cutoff:
            always, has_vectors = weights.ruling.pinned, "vectors" not in road.degraded
            sought = Sought(wish, ranking, near, query.where, always, has_vectors)
            reach = self._cut(road, sought)
        case = _Case(query, weights, wish, ranking, reach, ruled)
        if query.collapse:
            return self._collapsed(road, case, near, n_wanted)
        found = self._reaching(road, case, near, n_wanted)
        total = _n_passing(road.index, wish) if reach.keys is None else len(reach.keys)
        if is_sorted and not query.cutoff:
            total = min(total, SORT_WINDOW)
            found = replace(found, candidates=found.candidates[:SORT_WINDOW])
        return replace(found, total=total)

    def _collapsed(
        self, road: Road, case: _Case, near: Mapping[int, float], n_wanted: int
    ) -> Found:
        """With one hit for all variants of a product; the pinned stand for theirs."""
        keys = case.reach.keys
        if keys is None:
            keys = _passing(road.index, case.wish)
        variants = Variants.of(road.index.fields, keys)
        if case.ranking is not None:
            window = case.ranking.window
            some = case.reach.holds(window.keys.tolist())
            vectors = road.index.fetch(window.keys[some])
            titles = window.table.titles[some]
            variants = variants.with_copies(window.keys[some], vectors, titles)
        for n in (n_wanted, 4 * n_wanted, len(keys)):
            found = self._reaching(road, case, near, n)
            in_order = np.array([one.key for one in found.candidates], dtype=np.int64)
            chosen = variants.firsts(in_order, case.weights.ruling.pinned)
            if np.count_nonzero(chosen) >= n_wanted or len(in_order) >= len(keys):
                break
        hits = [one for one, is_first in zip(found.candidates, chosen, strict=True) if is_first]
        return replace(found, candidates=hits, total=variants.count, variants=variants)

    def _reaching(self, road: Road, case: _Case, near: Mapping[int, float], n_wanted: int) -> Found:
        """The candidates in order, at least so many where there are so many."""
        query, reach, weights = case.query, case.reach, case.weights
        if len(near) < n_wanted or query.cutoff:
            near = self._within(road, case.wish, reach, near, n_wanted)
        neighbours = reach.of({**near, **case.ruled})
        first, after = self._scores(case, neighbours)
        weighed = reach.candidates(_weighed(first, after, case.ruled, weights))
        if query.diversity and query.sort is Sort.RELEVANCE:
            weighed = _diversified(road.index, weighed, query.diversity, weights.ruling.pinned_by)
        rest = (Candidate(key, score) for key, score in after.items() if key not in case.ruled)
        candidates = [*weighed, *islice(rest, max(0, n_wanted - len(weighed)))]
        return Found(
            candidates=self._unwanted.behind(case.wish, candidates),
            total=0,  # for the caller to say
            where=reach.where,
            wish=case.wish,
            neighbours=neighbours,
            ranking=case.ranking,
        )

    def _ranking(
        self, road: Road, wish: Wish, neighbours: Mapping[int, float], weighing: Weighing
    ) -> Ranking | None:
        """The order of the window by words too; None where the query has none that count."""
        if not (wish.words and wish.text_weight):
            return None
        with road.stages("rank"):
            lift = weighing.lifted if weighing else None
            return self._second_stage.order(wish, neighbours, road.index, road.words, lift)

    def _scores(
        self, case: _Case, neighbours: Mapping[int, float]
    ) -> tuple[list[Candidate], Mapping[int, float]]:
        """The candidates that rules and signals weigh, and the scores of those after them."""
        wish, ranking, weighing = case.wish, case.ranking, case.weights.weighing
        if ranking is not None:
            return ranking.candidates, self._second_stage.after(wish, ranking, neighbours)
        is_moved = weighing or case.weights.ruling.is_weighing or case.query.diversity
        n_first = WINDOW if is_moved else 0
        moved = weighing.over(neighbours, WINDOW)
        lifted = self._same_picture.lifted(wish, moved)
        first = [
            Candidate(
                key,
                score,
                signalled=moved[key] - neighbours[key] if weighing else None,
                tier=EXACT * (key in lifted.same),
            )
            for key, score in islice(lifted.scores.items(), n_first)
        ]
        return first, dict(islice(lifted.scores.items(), n_first, None))

    def _cut(self, road: Road, sought: Sought) -> Relevant:
        """What of all that passes the filter is relevant."""

        def nearest(n: int) -> Mapping[int, float]:
            return self._neighbours(road, sought.wish, sought.where, n)

        with road.stages("relevance"):
            return self._relevance.relevant(sought, road.generation, road.words, nearest)

    def _within(
        self, road: Road, wish: Wish, reach: Relevant, near: Mapping[int, float], n: int
    ) -> Mapping[int, float]:
        """At least n relevant neighbours and a window more; fewer where there are no more.

        The index is asked again only where those that are known do not reach.
        """
        known = reach.of(reach.neighbours or near)
        if reach.keys is None:
            return self._neighbours(road, wish, reach.where, n) if len(known) < n else known
        if len(known) >= min(n + 2 * WINDOW, len(reach.keys)):
            return known
        return self._neighbours(road, wish, reach.where, n + 2 * WINDOW)

    def _scored(self, road: Road, found: Found, keys: Sequence[int]) -> Found:
        """The same with these hits, each with the score that it has by relevance."""
        in_window = () if found.ranking is None else found.ranking.candidates
        known = {one.key: one for one in (*in_window, *found.candidates)}
        others = [key for key in keys if key not in known]
        cosines = {} if found.wish is None else cosines_of(others, found.wish.vector, road.index)
        scores: Mapping[int, float] = cosines
        if found.ranking is not None and found.wish is not None:
            scores = self._second_stage.after(found.wish, found.ranking, cosines)
        hits = [known[key] if key in known else Candidate(key, scores[key]) for key in keys]
        return replace(found, candidates=hits, neighbours={**cosines, **found.neighbours})

    def _wish(self, road: Road, query: Query) -> Wish:
        """What both indexes are asked."""
        like = self._product(query.product_id) if query.product_id else None
        with road.stages("wording"):
            typed = self._preparer.prepare_query(query.text, query.image, query.crop)
            meant = self._wording.read(typed.text, as_typed=query.as_typed)
        item = replace(typed, text=meant.words.text)
        further = self._wishes.read(query, meant.words, road.index)
        with road.stages("encode"):
            vector = self._embedder.embed_query(
                item,
                text_weight=query.text_weight,
                like=None if like is None else vector_of(road.index, like),
                further=further,
            )  # (D,)
        is_alone = (item.picture is None and like is None) or (
            bool(item.text) and query.text_weight == 1.0
        )
        share = share_of_main(query)
        return Wish(
            item=item,
            like=like,
            words=meant.words,
            vector=vector,
            text_weight=share * (1.0 if is_alone else query.text_weight),
            is_words_alone=is_alone and share == 1.0,
            is_moved=bool(further),
            unwanted=unwanted_phrases(query, meant.words),
            among=road.index.fields.matching(query.where) if query.where else None,
            did_you_mean=meant.did_you_mean,
        )

    def _product(self, product_id: str) -> StoredProduct:
        found = self._store.find([product_id])
        if product_id not in found:
            raise UnknownProduct(product_id)
        return found[product_id]

    def _neighbours(self, road: Road, wish: Wish, where: ProductFilter, k: int) -> dict[int, float]:
        """The cosines of the nearest k products by key, best first, without the query's own."""
        asked = k + (wish.except_key is not None)
        with road.stages("vectors"):
            found = road.index.search(wish.vector[None, :], asked, where)
        near = {
            key: score
            for key, score in zip(found.keys[0].tolist(), found.scores[0].tolist(), strict=True)
            if key >= 0 and key != wish.except_key
        }
        return dict(islice(near.items(), k))

    def _ruled(self, road: Road, wish: Wish, ruling: Ruling) -> dict[int, float]:
        """The cosines of what rules bring to be weighed, on every page alike: the pinned, and the
        nearest of what is boosted.
        """
        ruled: dict[int, float] = {}
        for where in ruling.boosts:
            ruled |= self._neighbours(road, wish, where, WINDOW)
        return ruled | cosines_of(ruling.pinned, wish.vector, road.index)


def _weighed(
    first: Sequence[Candidate],
    after: Mapping[int, float],
    ruled: Container[int],
    weights: Weights,
) -> list[Candidate]:
    """What the second stage has ordered and what rules bring, weighed by signals and rules."""
    brought = [Candidate(key, score) for key, score in after.items() if key in ruled]
    below = min((one.score for one in first if one.is_exact), default=1.0)
    return weights.ruling.weighed([*first, *weights.weighing.weighed(brought, below)])


def _diversified(
    index: VectorIndex,
    weighed: Sequence[Candidate],
    diversity: float,
    pinned: Container[int],
) -> list[Candidate]:
    """The candidates so that they differ; exact matches that come first stay where they are."""
    others = [one for one in weighed if one.key not in pinned]
    keys = np.array([one.key for one in others], dtype=np.int64)
    order = diversified(
        np.array([one.score for one in others]),
        index.fetch(keys),
        diversity,
        n_fixed=sum(1 for _ in takewhile(lambda one: one.is_exact, others)),
    )
    return [*(others[n] for n in order), *(one for one in weighed if one.key in pinned)]


def _passing(index: VectorIndex, wish: Wish) -> NDArray[np.int64]:
    """(P,) the keys of what passes the query's filter, without the query's own."""
    keys = index.fields.matching(EVERYTHING) if wish.among is None else wish.among
    return keys if wish.except_key is None else keys[keys != wish.except_key]


def _n_passing(index: VectorIndex, wish: Wish) -> int:
    """How many products pass the query's filter, without the query's own."""
    if wish.among is None:
        return len(index) - (wish.except_key is not None)
    return len(wish.among) - int(np.count_nonzero(wish.among == wish.except_key))
