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
    Hit,
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
from shopsearch.index.generations import Generation
from shopsearch.index.live import LiveGeneration
from shopsearch.merchandising import Merchandising, Ruling
from shopsearch.ranking.order import Candidate, ordered
from shopsearch.same_picture import SamePicture
from shopsearch.second_stage import WINDOW, Ranking, SecondStage, Window, Wish, cosines_of
from shopsearch.store import ProductStore
from shopsearch.understanding import Understanding
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
    wish: Wish | None = None  # None: nothing is asked for but the filter
    neighbours: Mapping[int, float] = field(default_factory=dict)  # cosines by key
    ranking: Ranking | None = None  # None: the cosines are the scores


class SearchService:
    """Answers queries from the live index generation and the store."""

    def __init__(
        self,
        *,
        preparer: QueryPreparer,
        embedder: Embedder,
        live: LiveGeneration,
        store: ProductStore,
        second_stage: SecondStage,
        wording: WordingService,
        merchandising: Merchandising,
        understanding: Understanding,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._preparer = preparer
        self._embedder = embedder
        self._live = live
        self._store = store
        self._second_stage = second_stage
        self._wording = wording
        self._merchandising = merchandising
        self._understanding = understanding
        self._same_picture = SamePicture(embedder, store)
        self._explainer = Explainer(embedder)
        self._facets = FacetCounter(store)
        self._clock = clock

    def search(self, query: Query) -> SearchPage:
        """One page of hits. Raises `QueryError`, `PictureRejected`, `GenerationMissing` and
        `GenerationMismatch`.

        All of one search is answered by one index generation, however often it is swapped.
        """
        started = self._clock()
        query = self._readable(query)
        _check(query)
        query = replace(query, where=query.where.canonical())
        generation = self._generation()
        understood = self._understanding.read(query, generation)
        asked = replace(query, where=understood.query.where)  # rules go by the words as typed
        ruling = self._merchandising.ruling(asked, generation.index)
        ruling = ruling.preferring(understood.preferences, generation.index)
        query = self._readable(replace(understood.query, where=ruling.where))
        matching = generation.index.matching(query.where)
        if query.is_empty:
            found = _Found(self._listed(matching, query, ruling), len(matching))
        else:
            found = self._nearest(generation, query, len(matching), ruling)
        by_order = ordered(found.candidates, query.sort)
        page = ruling.arranged(by_order, query.offset + query.k)[query.offset :]
        whys = self._whys(page, found) if query.explain else [None] * len(page)
        but_for = None if found.wish is None else found.wish.except_key
        facets = self._facets.count(generation, query, but_for)
        return SearchPage(
            hits=ruling.told(_hits(page, whys, query.offset + 1), page, explain=query.explain),
            total=found.total,
            facets=facets,
            took_ms=(self._clock() - started) * 1000,
            generation=generation.manifest.generation_id,
            did_you_mean=None if found.wish is None else understood.whole(found.wish.did_you_mean),
            relaxed=() if found.ranking is None else found.ranking.relaxed,
            understood=understood.parts,
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

    def _generation(self) -> Generation:
        generation = self._live.get()
        generation.manifest.check(
            encoder_id=self._embedder.encoder_id, fusion_id=self._embedder.fusion_id
        )
        return generation

    def considered(self, query: Query) -> Window:
        """What the second stage weighs for a query of words, with every feature: to learn from.

        Raises what `search` raises.
        """
        _check(query)
        generation = self._generation()
        wish, _ = self._wish(generation, replace(query, where=query.where.canonical()))
        neighbours = self._neighbours(generation, wish, query.where, WINDOW)
        return self._second_stage.window(wish, neighbours, generation.index)

    def _readable(self, query: Query) -> Query:
        """The query without words of which preprocessing leaves nothing."""
        is_said = query.text.strip() and self._preparer.prepare_query(query.text, None).text
        return query if is_said else replace(query, text="")

    def _nearest(
        self, generation: Generation, query: Query, n_matching: int, ruling: Ruling
    ) -> _Found:
        """Pages of another order than relevance are cut from one window, so none repeats a hit."""
        by_relevance = query.sort is Sort.RELEVANCE
        n_wanted = query.offset + query.k if by_relevance else SORT_WINDOW
        wish, is_itself = self._wish(generation, query)
        n_others = n_wanted + len(ruling.slots)  # the pinned may stand further down than they would
        near = self._neighbours(generation, wish, query.where, max(n_others, WINDOW))
        ruled = self._ruled(generation, wish, near, ruling)
        neighbours = {**near, **ruled}
        ranking = None
        if wish.words and wish.text_weight:
            ranking = self._second_stage.order(wish, neighbours, generation.index)
        first = [] if ranking is None else ranking.candidates
        lifted = self._same_picture.lifted(wish, neighbours)
        after = lifted if ranking is None else ranking.after
        candidates = self._weighed(first, after, ruled, ruling, n_others)
        total = n_matching - is_itself
        return _Found(
            candidates=candidates if by_relevance else candidates[:n_wanted],
            total=total if by_relevance else min(total, SORT_WINDOW),
            wish=wish,
            neighbours=neighbours,
            ranking=ranking,
        )

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
        later = self._candidates([key for key in ruled if key in after], after)
        weighed = ruling.weighed([*first, *later])
        untouched = (key for key in after if key not in ruled)
        rest = list(islice(untouched, max(0, n_wanted - len(weighed))))
        return [*weighed, *self._candidates(rest, after)]

    def _whys(self, page: Sequence[Candidate], found: _Found) -> Sequence[Why | None]:
        """Why each is a hit; None where all that is asked for is the filter."""
        if found.wish is None:
            return [None] * len(page)
        page = [candidate.unruled for candidate in page]
        cosines, parts = dict(found.neighbours), {}
        if found.ranking is not None:
            cosines |= found.ranking.window.cosine_by_key
            shown = {candidate.stored.key for candidate in page}
            parts = self._second_stage.parts(found.wish, found.ranking, shown)
        else:
            parts = {one.stored.key: _of_cosine(one, cosines) for one in page}
        return self._explainer.explain(page, found.wish, cosines, parts)

    def _wish(self, generation: Generation, query: Query) -> tuple[Wish, bool]:
        """What both indexes are asked, and whether the query's own product passes its filter."""
        like = self.product(query.product_id) if query.product_id else None
        typed = self._preparer.prepare_query(query.text, query.image)
        meant = self._wording.read(typed.text, as_typed=query.as_typed)
        item = replace(typed, text=meant.text)
        vector = self._embedder.embed_query(
            item,
            text_weight=query.text_weight,
            like=None if like is None else _vector_of(generation, like),
            negatives=query.negatives,
        )  # (D,)
        matching = generation.index.matching(query.where)
        is_alone = item.picture is None and like is None
        wish = Wish(
            item=item,
            like=like,
            words=meant.words,
            vector=vector,
            text_weight=1.0 if is_alone else query.text_weight,
            is_words_alone=is_alone,
            among=matching if query.where else None,
            did_you_mean=meant.did_you_mean,
        )
        return wish, like is not None and like.key in matching

    def _neighbours(
        self, generation: Generation, wish: Wish, where: ProductFilter, k: int
    ) -> dict[int, float]:
        """The cosines of the nearest k products by key, best first, without the query's own."""
        asked = k + (wish.except_key is not None)
        found = generation.index.search(wish.vector[None, :], asked, where)
        scores = {
            int(key): float(score)
            for key, score in zip(found.keys[0], found.scores[0], strict=True)
            if key >= 0 and key != wish.except_key
        }
        return dict(islice(scores.items(), k))

    def _ruled(
        self, generation: Generation, wish: Wish, neighbours: Mapping[int, float], ruling: Ruling
    ) -> dict[int, float]:
        """The cosines of what rules want to be weighed, on every page alike: the pinned, and where
        they boost or bury, the nearest neighbours and the nearest of what is boosted.
        """
        ruled = dict(islice(neighbours.items(), WINDOW)) if ruling.is_weighing else {}
        for where in ruling.boosts:
            ruled |= self._neighbours(generation, wish, where, WINDOW)
        return ruled | cosines_of(ruling.pinned, wish.vector, generation.index)

    def _listed(self, matching: NDArray[np.int64], query: Query, ruling: Ruling) -> list[Candidate]:
        """What a query that asks for nothing lists: everything that matches, newest first."""
        by_age = ruling.listed(matching[::-1])  # keys grow with time
        if query.sort in (Sort.RELEVANCE, Sort.NEWEST):
            by_age = by_age[: query.offset + query.k + len(ruling.slots)]
        return self._candidates([*map(int, by_age), *ruling.pinned], {})

    def _candidates(self, keys: Sequence[int], scores: Mapping[int, float]) -> list[Candidate]:
        """Products removed from the store since the generation was built are no candidates."""
        stored = self._store.fetch(keys)
        return [Candidate(stored[key], scores.get(key, 0.0)) for key in keys if key in stored]


def _of_cosine(hit: Candidate, cosines: Mapping[int, float]) -> ScoreParts:
    """The cosine, and what the very picture of the query adds."""
    cosine = cosines[hit.stored.key]
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


def _hits(
    candidates: Sequence[Candidate], whys: Sequence[Why | None], first_rank: int
) -> tuple[Hit, ...]:
    return tuple(
        Hit(
            product=candidate.stored.product,
            score=candidate.score,
            rank=rank,
            image_hash=candidate.stored.record.image_hash,
            why=why,
        )
        for rank, (candidate, why) in enumerate(zip(candidates, whys, strict=True), first_rank)
    )
