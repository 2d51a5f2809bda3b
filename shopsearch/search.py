"""Search: a query in, a page of hits out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import (
    EVERYTHING,
    Hit,
    Lexicon,
    PreparedItem,
    ProductFilter,
    Query,
    ScoreParts,
    SearchPage,
    Sort,
    StoredProduct,
    Why,
)
from shopsearch.embedding import Embedder
from shopsearch.errors import QueryError, UnknownProduct
from shopsearch.explaining import Explainer
from shopsearch.facets import FacetCounter
from shopsearch.index import VectorIndex
from shopsearch.index.generations import Generation
from shopsearch.index.live import LiveGeneration
from shopsearch.merchandising import Merchandising, Ruling
from shopsearch.ranking.order import Candidate, ordered
from shopsearch.relevance import RelevanceService, Relevant, Sought
from shopsearch.same_picture import SamePicture
from shopsearch.second_stage import WINDOW, Ranking, SecondStage, Wish, cosines_of
from shopsearch.stages import Stages
from shopsearch.store import ProductStore
from shopsearch.wording import WordingService

MAX_K = 1000
SORT_WINDOW = 200  # a search by price or age orders the most relevant so many, on every page


class QueryPreparer(Protocol):
    """Turns what a person typed and uploaded into what the encoders see."""

    def prepare_query(self, text: str, image: bytes | None) -> PreparedItem:
        """Raises `PictureRejected`."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What a query has found."""

    candidates: Sequence[Candidate]  # by relevance, best first
    total: int  # how many hits all pages have together
    where: ProductFilter = EVERYTHING  # what the hits of all pages fulfil
    wish: Wish | None = None  # None: nothing is asked for but the filter
    neighbours: Mapping[int, float] = field(default_factory=dict)  # cosines by key
    ranking: Ranking | None = None  # None: the cosines are the scores


@dataclass(frozen=True, slots=True)
class Considered:
    """What the second stage weighs for a query of words: N candidates."""

    product_ids: Sequence[str]  # N
    cosines: NDArray[np.float32]  # (N,)
    features: NDArray[np.float32]  # (N, F), columns as in `ranking.features.FEATURES`


@dataclass(frozen=True, slots=True)
class _Road:
    """What one search goes by from its beginning to its end."""

    generation: Generation
    words: Lexicon
    stages: Stages


class SearchService:
    """Answers queries from the live index generation and the store."""

    def __init__(
        self,
        *,
        preparer: QueryPreparer,
        embedder: Embedder,
        live: LiveGeneration,
        store: ProductStore,
        stored_words: Lexicon,
        second_stage: SecondStage,
        wording: WordingService,
        merchandising: Merchandising,
        relevance: RelevanceService,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._preparer = preparer
        self._embedder = embedder
        self._live = live
        self._store = store
        self._stored_words = stored_words
        self._second_stage = second_stage
        self._wording = wording
        self._merchandising = merchandising
        self._relevance = relevance
        self._same_picture = SamePicture(embedder, store)
        self._explainer = Explainer(embedder)
        self._facets = FacetCounter()
        self._clock = clock

    def search(self, query: Query) -> SearchPage:
        """One page of hits. Raises `QueryError`, `PictureRejected`, `GenerationMissing` and
        `GenerationMismatch`.

        All of one search is answered by one index generation, however often it is swapped.
        """
        started = self._clock()
        query = self._readable(query)
        _check(query)
        road = self._road()
        ruling, query = self._ruled_query(road, replace(query, where=query.where.canonical()))
        if query.is_empty:
            matching = road.generation.index.matching(query.where)
            found = _Found(self._listed(matching, query, ruling), len(matching))
        else:
            found = self._nearest(road, query, ruling)
            query = replace(query, where=found.where)
        with road.stages("fetch"):
            candidates = self._existing(road, found.candidates)
            arranged = ruling.arranged(self._ordered(candidates, query), query.offset + query.k)
            page, products = self._fetched(arranged[query.offset :])
        whys = self._whys(page, products, found) if query.explain else [None] * len(page)
        but_for = None if found.wish is None else found.wish.except_key
        with road.stages("facets"):
            facets = self._facets.count(road.generation, query, but_for)
        hits = _hits(page, products, whys, query.offset + 1)
        return SearchPage(
            hits=ruling.told(hits, page, explain=query.explain),
            total=found.total,
            facets=facets,
            took_ms=(self._clock() - started) * 1000,
            generation=road.generation.manifest.generation_id,
            did_you_mean=None if found.wish is None else found.wish.did_you_mean,
            relaxed=() if found.ranking is None else found.ranking.relaxed,
            stages_ms=road.stages.ms,
        )

    def similar(self, product_id: str, k: int = 12, *, explain: bool = False) -> SearchPage:
        """The products most like one of the catalog, without itself. Raises `UnknownProduct`."""
        return self.search(Query(product_id=product_id, k=k, explain=explain))

    def product(self, product_id: str) -> StoredProduct:
        """One product of the catalog. Raises `UnknownProduct`."""
        found = self._store.find([product_id])
        if product_id not in found:
            raise UnknownProduct(product_id)
        return found[product_id]

    def considered(self, query: Query) -> Considered:
        """What the second stage weighs for a query of words, with every feature: to learn from.

        Raises what `search` raises.
        """
        _check(query)
        road = self._road()
        query = replace(query, where=query.where.canonical())
        wish = self._wish(road, query)
        neighbours = self._neighbours(road, wish, query.where, WINDOW)
        window = self._second_stage.window(wish, neighbours, road.generation.index, road.words)
        stored = self._store.fetch(window.keys.tolist())
        there = np.array([key in stored for key in window.keys.tolist()], dtype=np.bool_)
        return Considered(
            [stored[key].product.product_id for key in window.keys[there].tolist()],
            window.cosines[there],
            window.features[there],
        )

    def _road(self) -> _Road:
        generation = self._live.get()
        generation.manifest.check(
            encoder_id=self._embedder.encoder_id, fusion_id=self._embedder.fusion_id
        )
        words = generation.words if generation.words is not None else self._stored_words
        return _Road(generation, words, Stages(self._clock))

    def _ruled_query(self, road: _Road, query: Query) -> tuple[Ruling, Query]:
        """What the rules say, and the query without what they hide."""
        with road.stages("rules"):
            ruling = self._merchandising.ruling(query, road.generation.index)
        return ruling, replace(query, where=ruling.where)

    def _readable(self, query: Query) -> Query:
        """The query without words of which preprocessing leaves nothing."""
        is_said = query.text.strip() and self._preparer.prepare_query(query.text, None).text
        return query if is_said else replace(query, text="")

    def _nearest(self, road: _Road, query: Query, ruling: Ruling) -> _Found:
        """Pages of another order than relevance are cut from one window, so none repeats a hit."""
        by_relevance = query.sort is Sort.RELEVANCE
        n_wanted = query.offset + query.k if by_relevance else SORT_WINDOW
        wish = self._wish(road, query)
        n_others = n_wanted + len(ruling.slots)  # the pinned may stand further down than they would
        n_near = WINDOW if query.cutoff else max(n_others, WINDOW)
        near: Mapping[int, float] = self._neighbours(road, wish, query.where, n_near)
        ruled = self._ruled(road, wish, near, ruling)
        neighbours = {**near, **ruled}
        ranking = None
        if wish.words and wish.text_weight:
            with road.stages("rank"):
                ranking = self._second_stage.order(
                    wish, neighbours, road.generation.index, road.words
                )
        where, n_found = query.where, _n_passing(road.generation.index, wish)
        first = [] if ranking is None else ranking.candidates
        if query.cutoff:
            sought = Sought(
                wish=wish,
                ranking=ranking,
                neighbours=near,
                where=query.where,
                always=ruling.pinned,
            )
            relevant = self._cut(road, sought)
            where, n_found = relevant.where, len(relevant.keys)
            is_relevant = relevant.holds([one.key for one in first])
            first = [one for one, is_in in zip(first, is_relevant, strict=True) if is_in]
            near = self._within(road, wish, relevant, near, n_others - len(first))
            neighbours = relevant.of({**near, **ruled})
        if ranking is None:
            after = self._same_picture.lifted(wish, neighbours)
        else:
            after = self._second_stage.after(wish, ranking, neighbours)
        candidates = self._weighed(first, after, ruled, ruling, n_others)
        return _Found(
            candidates=candidates if by_relevance else candidates[:n_wanted],
            where=where,
            total=n_found if by_relevance else min(n_found, SORT_WINDOW),
            wish=wish,
            neighbours=neighbours,
            ranking=ranking,
        )

    def _cut(self, road: _Road, sought: Sought) -> Relevant:
        """What of all that passes the filter is relevant."""

        def nearest(n: int) -> Mapping[int, float]:
            return self._neighbours(road, sought.wish, sought.where, n)

        with road.stages("relevance"):
            return self._relevance.relevant(sought, road.generation, road.words, nearest)

    def _within(
        self,
        road: _Road,
        wish: Wish,
        relevant: Relevant,
        near: Mapping[int, float],
        n: int,
    ) -> Mapping[int, float]:
        """At least n relevant neighbours, and those that are known; fewer where there are no more.

        The index is asked again only where those that are known do not reach.
        """
        known = relevant.of(relevant.neighbours or near)
        if len(known) >= n + WINDOW or len(known) == len(relevant.keys):
            return known
        return self._neighbours(road, wish, relevant.where, n + 2 * WINDOW)

    def _weighed(
        self,
        first: Sequence[Candidate],
        after: Mapping[int, float],
        ruled: Mapping[int, float],
        ruling: Ruling,
        n_wanted: int,
    ) -> list[Candidate]:
        """What the second stage has ordered and rules touch, weighed by them; then the neighbours
        after it, by their scores, until there are enough.
        """
        later = [Candidate(key, after[key]) for key in ruled if key in after]
        weighed = ruling.weighed([*first, *later])
        untouched = (key for key in after if key not in ruled)
        rest = list(islice(untouched, max(0, n_wanted - len(weighed))))
        return [*weighed, *(Candidate(key, after[key]) for key in rest)]

    def _existing(self, road: _Road, candidates: Sequence[Candidate]) -> Sequence[Candidate]:
        """Without products that were removed from the store after the generation was built."""
        if road.generation.manifest.store_revision == self._store.revision():
            return candidates
        stored = self._store.fetch([one.key for one in candidates])
        return [one for one in candidates if one.key in stored]

    def _ordered(self, candidates: Sequence[Candidate], query: Query) -> list[Candidate]:
        is_plain = query.sort is Sort.RELEVANCE
        products = {} if is_plain else self._store.fetch([one.key for one in candidates])
        return ordered(candidates, query.sort, products)

    def _fetched(
        self, page: Sequence[Candidate]
    ) -> tuple[list[Candidate], Mapping[int, StoredProduct]]:
        """The products of a page by key; a hit that is removed at this moment is left out."""
        products = self._store.fetch([one.key for one in page])
        return [one for one in page if one.key in products], products

    def _whys(
        self, page: Sequence[Candidate], products: Mapping[int, StoredProduct], found: _Found
    ) -> Sequence[Why | None]:
        """Why each is a hit; None where all that is asked for is the filter."""
        if found.wish is None:
            return [None] * len(page)
        page = [candidate.unruled for candidate in page]
        cosines, parts = dict(found.neighbours), {}
        if found.ranking is not None:
            cosines |= found.ranking.window.cosine_by_key
            shown = {candidate.key for candidate in page}
            parts = self._second_stage.parts(found.wish, found.ranking, shown)
        else:
            parts = {one.key: _of_cosine(one, cosines) for one in page}
        return self._explainer.explain(page, products, found.wish, cosines, parts)

    def _wish(self, road: _Road, query: Query) -> Wish:
        """What both indexes are asked."""
        like = self.product(query.product_id) if query.product_id else None
        with road.stages("wording"):
            typed = self._preparer.prepare_query(query.text, query.image)
            meant = self._wording.read(typed.text, as_typed=query.as_typed)
        item = replace(typed, text=meant.text)
        with road.stages("encode"):
            vector = self._embedder.embed_query(
                item,
                text_weight=query.text_weight,
                like=None if like is None else _vector_of(road.generation, like),
                negatives=query.negatives,
            )  # (D,)
        is_alone = item.picture is None and like is None
        return Wish(
            item=item,
            like=like,
            words=meant.words,
            vector=vector,
            text_weight=1.0 if is_alone else query.text_weight,
            is_words_alone=is_alone,
            among=road.generation.index.matching(query.where) if query.where else None,
            did_you_mean=meant.did_you_mean,
        )

    def _neighbours(
        self, road: _Road, wish: Wish, where: ProductFilter, k: int
    ) -> dict[int, float]:
        """The cosines of the nearest k products by key, best first, without the query's own."""
        asked = k + (wish.except_key is not None)
        with road.stages("vectors"):
            found = road.generation.index.search(wish.vector[None, :], asked, where)
        keys, scores = found.keys[0].tolist(), found.scores[0].tolist()
        near = {
            key: score
            for key, score in zip(keys, scores, strict=True)
            if key >= 0 and key != wish.except_key
        }
        return dict(islice(near.items(), k))

    def _ruled(
        self, road: _Road, wish: Wish, neighbours: Mapping[int, float], ruling: Ruling
    ) -> dict[int, float]:
        """The cosines of what rules want to be weighed, on every page alike: the pinned, and where
        they boost or bury, the nearest neighbours and the nearest of what is boosted.
        """
        ruled = dict(islice(neighbours.items(), WINDOW)) if ruling.liftings else {}
        for where in ruling.boosts:
            ruled |= self._neighbours(road, wish, where, WINDOW)
        return ruled | cosines_of(ruling.pinned, wish.vector, road.generation.index)

    def _listed(self, matching: NDArray[np.int64], query: Query, ruling: Ruling) -> list[Candidate]:
        """What a query that asks for nothing lists: everything that matches, newest first."""
        by_age = ruling.listed(matching[::-1])  # keys grow with time
        if query.sort in (Sort.RELEVANCE, Sort.NEWEST):
            by_age = by_age[: query.offset + query.k + len(ruling.slots)]
        return [Candidate(key, 0.0) for key in dict.fromkeys([*by_age.tolist(), *ruling.pinned])]


def _of_cosine(hit: Candidate, cosines: Mapping[int, float]) -> ScoreParts:
    """The cosine, and what the very picture of the query adds."""
    cosine = cosines[hit.key]
    return ScoreParts(cosine=cosine, exact=hit.score - cosine)


def _check(query: Query) -> None:
    if not 1 <= query.k <= MAX_K:
        raise QueryError(f"k is {query.k}, but must be from 1 to {MAX_K}")
    if query.offset < 0:
        raise QueryError(f"the offset is {query.offset}, but must not be negative")
    if not 0.0 <= query.text_weight <= 1.0:
        raise QueryError(f"the text weight is {query.text_weight}, but must be from 0 to 1")
    if query.is_empty and query.negatives:
        raise QueryError("a search needs words, a picture or a product beside what it excludes")


def _vector_of(generation: Generation, stored: StoredProduct) -> NDArray[np.float32]:
    vector: NDArray[np.float32] = generation.index.fetch(np.array([stored.key]))[0]  # (D,)
    if np.isnan(vector).any():
        raise UnknownProduct(stored.product.product_id)
    return vector


def _n_passing(index: VectorIndex, wish: Wish) -> int:
    """How many products pass the query's filter, without the query's own."""
    if wish.among is None:
        return len(index) - (wish.except_key is not None)
    return len(wish.among) - int(np.count_nonzero(wish.among == wish.except_key))


def _hits(
    page: Sequence[Candidate],
    products: Mapping[int, StoredProduct],
    whys: Sequence[Why | None],
    first_rank: int,
) -> tuple[Hit, ...]:
    return tuple(
        Hit(
            product=products[one.key].product,
            score=one.score,
            rank=rank,
            image_hash=products[one.key].record.image_hash,
            why=why,
        )
        for rank, (one, why) in enumerate(zip(page, whys, strict=True), first_rank)
    )
