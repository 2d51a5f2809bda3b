"""Search: a query in, a page of hits out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import (
    Facet,
    Hit,
    Lexicon,
    Query,
    ScoreParts,
    SearchPage,
    StoredProduct,
    Why,
)
from shopsearch.embedding import Embedder
from shopsearch.errors import IndexUnavailable, QueryError, UnknownProduct
from shopsearch.explaining import Explainer
from shopsearch.facets import facets_of
from shopsearch.finding import SORT_WINDOW, Finder, Found, QueryPreparer, Road, Weights
from shopsearch.index.live import LiveGeneration
from shopsearch.listing import Listing
from shopsearch.merchandising import Merchandising
from shopsearch.ranking.order import Candidate
from shopsearch.second_stage import SecondStage, cosines_of
from shopsearch.signals import SignalService
from shopsearch.stages import Stages, tell_of
from shopsearch.store import ProductStore
from shopsearch.understanding import Understanding, Understood
from shopsearch.unwanted import with_lowered
from shopsearch.wishes import FurtherWishes

__all__ = ["SORT_WINDOW", "SearchService"]

MAX_K = 1000


@dataclass(frozen=True, slots=True)
class Considered:
    """What the second stage weighs for a query of words: N candidates."""

    product_ids: Sequence[str]  # N
    cosines: NDArray[np.float32]  # (N,)
    features: NDArray[np.float32]  # (N, F), columns as in `ranking.features.FEATURES`


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
        finder: Finder,
        wishes: FurtherWishes,
        second_stage: SecondStage,
        merchandising: Merchandising,
        signals: SignalService,
        listing: Listing,
        understanding: Understanding,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._preparer = preparer
        self._embedder = embedder
        self._live = live
        self._store = store
        self._stored_words = stored_words
        self._finder = finder
        self._wishes = wishes
        self._second_stage = second_stage
        self._merchandising = merchandising
        self._signals = signals
        self._listing = listing
        self._understanding = understanding
        self._explainer = Explainer(embedder)
        self._clock = clock

    def search(self, query: Query) -> SearchPage:
        """One page of hits. Raises `QueryError`, `PictureRejected`, `GenerationMissing` and
        `GenerationMismatch`, and `IndexUnavailable` for a query that has no words to go by.

        All of one search is answered by one index generation, however often it is swapped. Where
        its vectors are out of reach, the words of the query are answered alone, and the page says
        so.
        """
        started = self._clock()
        query = self._readable(query)
        _check(query)
        with self._road() as road:
            try:
                return self._answer(road, query, started)
            except IndexUnavailable:
                if not query.text.strip():
                    raise
                return self._answer(road.without_vectors(), query.by_words_alone(), started)

    def _answer(self, road: Road, query: Query, started: float) -> SearchPage:
        with road.stages("understand"):
            understood = self._understanding.read(query, road.generation)
        weights, query = self._weights(road, query, understood)
        found = self._found(road, query, weights)
        query = replace(query, where=found.where)
        page, products = self._page(road, query, found, weights)
        hits = self._hits(road, query, found, page, products)
        with road.stages("facets"):
            but_for = None if found.wish is None else found.wish.except_key
            facets = facets_of(road.generation, query, but_for)
        hits = weights.ruling.told(hits, page, explain=query.explain)
        return SearchPage(
            hits=weights.weighing.told(hits, page, explain=query.explain),
            total=found.total,
            facets=facets,
            where=query.where,
            took_ms=(self._clock() - started) * 1000,
            generation=road.generation.manifest.generation_id,
            did_you_mean=None if found.wish is None else understood.whole(found.wish.did_you_mean),
            relaxed=() if found.ranking is None else found.ranking.relaxed,
            understood=understood.parts,
            stages_ms=road.stages.ms,
            degraded=road.degraded,
        )

    def facets(self, query: Query, page: SearchPage) -> tuple[Facet, ...]:
        """The facets of a query, for the page that it has without them.

        Counting takes the longer the larger a catalog is; whoever shows the hits first has them
        counted afterwards, by the generation that is live then. Raises what `search` raises.
        """
        but_for = None if query.product_id is None else self.product(query.product_id).key
        with self._road() as road, road.stages("facets"):
            counted = replace(query, where=page.where)
            return facets_of(road.generation, counted, but_for)

    def similar(
        self, product_id: str, k: int = 12, *, explain: bool = False, collapse: bool = False
    ) -> SearchPage:
        """The products most like one of the catalog, without itself. Raises `UnknownProduct`."""
        return self.search(Query(product_id=product_id, k=k, explain=explain, collapse=collapse))

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
        query = self._readable(query)
        _check(query)
        with self._road() as road:
            window = self._finder.window(road, query)
        stored = self._store.fetch(window.keys.tolist())
        there = np.array([key in stored for key in window.keys.tolist()], dtype=np.bool_)
        return Considered(
            [stored[key].product.product_id for key in window.keys[there].tolist()],
            window.cosines[there],
            window.features[there],
        )

    @contextmanager
    def _road(self) -> Iterator[Road]:
        """What one search goes through; until its end, all of it asks the same generation."""
        with self._live.one() as generation:
            generation.manifest.check(
                encoder_id=self._embedder.encoder_id, fusion_id=self._embedder.fusion_id
            )
            words = generation.words if generation.words is not None else self._stored_words
            stages = Stages(self._clock)
            try:
                yield Road(generation, words, stages)
            finally:
                tell_of(generation.manifest.generation_id, stages)

    def _readable(self, query: Query) -> Query:
        """The query without words of which preprocessing leaves nothing, its filter canonical, and
        without the products that it names.
        """
        said = self._wishes.readable(self._said(query))
        return self._wishes.but_for_named(replace(said, where=said.where.canonical()))

    def _said(self, query: Query) -> Query:
        is_said = query.text.strip() and self._preparer.prepare_query(query.text, None).text
        return query if is_said else replace(query, text="")

    def _weights(self, road: Road, query: Query, understood: Understood) -> tuple[Weights, Query]:
        """What rules and signals say, and the query as understood, without what is hidden."""
        asked = replace(query, where=understood.query.where)  # rules go by the words as typed
        with road.stages("rules"):
            ruling = self._merchandising.ruling(asked, road.index)
            language = self._understanding.language
            ruling = ruling.preferring(understood.preferences, road.index, road.words, language)
            weighing = self._signals.weighing(asked, road.generation)
        meant = replace(understood.query, where=ruling.where)
        return Weights(ruling, weighing), meant if meant.text == query.text else self._said(meant)

    def _found(self, road: Road, query: Query, weights: Weights) -> Found:
        if not query.is_empty:
            return self._finder.found(road, query, weights)
        with road.stages("list"):
            matching = road.index.fields.matching(query.where)
            matching = np.setdiff1d(matching, self._gone(road), assume_unique=True)
            ruling, weighing = weights.ruling, weights.weighing
            listing = self._listing.page(road.generation, matching, query, ruling, weighing)
            page, variants = listing
        total = len(matching) if variants is None else variants.count
        return Found(page, total, query.where, variants=variants)

    def _page(
        self, road: Road, query: Query, found: Found, weights: Weights
    ) -> tuple[list[Candidate], Mapping[int, StoredProduct]]:
        """The candidates of the page, and their products by key.

        Products that were removed from the store after the generation was built are no hits.
        """
        with road.stages("fetch"):
            candidates = found.candidates
            if found.wish is not None:  # a list is cut to its page already
                gone = set(self._gone(road).tolist())
                candidates = [one for one in candidates if one.key not in gone]
                reach = query.offset + query.k
                candidates = weights.ruling.arranged(candidates, reach)[query.offset :]
            products = self._store.fetch([one.key for one in candidates])
        return [one for one in candidates if one.key in products], products

    def _gone(self, road: Road) -> NDArray[np.int64]:
        """The keys of what was removed from the store since the generation was built."""
        built_at = road.generation.manifest.store_revision
        if built_at == self._store.revision():
            return np.empty(0, dtype=np.int64)
        return self._store.removed_since(built_at)

    def _hits(
        self,
        road: Road,
        query: Query,
        found: Found,
        page: Sequence[Candidate],
        products: Mapping[int, StoredProduct],
    ) -> tuple[Hit, ...]:
        """The hits of the page, with why each is one where that is asked."""
        whys: Sequence[Why | None] = [None] * len(page)
        if query.explain and found.wish is not None:
            whys = self._whys(road, page, products, found)
        n_variants = [0] * len(page)
        if found.variants is not None:
            n_variants = found.variants.n_others(np.array([one.key for one in page], np.int64))
        return tuple(
            Hit(
                product=products[one.key].product,
                score=one.score,
                rank=rank,
                image_hash=products[one.key].record.image_hash,
                why=why,
                n_variants=n,
            )
            for rank, (one, why, n) in enumerate(
                zip(page, whys, n_variants, strict=True), query.offset + 1
            )
        )

    def _whys(
        self,
        road: Road,
        page: Sequence[Candidate],
        products: Mapping[int, StoredProduct],
        found: Found,
    ) -> Sequence[Why]:
        assert found.wish is not None  # noqa: S101 - asked for where there is one alone
        plain = [candidate.itself for candidate in page]
        shown = [one.key for one in page]
        cosines = cosines_of(shown, found.wish.vector, road.index) | dict(found.neighbours)
        if found.ranking is None:
            parts = {one.key: _of_cosine(one, cosines) for one in plain}
        else:
            cosines |= found.ranking.window.cosine_by_key
            parts = self._second_stage.parts(found.wish, found.ranking, set(shown))
        where = found.where
        whys = self._explainer.explain(plain, products, found.wish, cosines, parts, where=where)
        return list(map(with_lowered, whys, page))


def _of_cosine(hit: Candidate, cosines: Mapping[int, float]) -> ScoreParts:
    """The cosine, and what the very picture of the query adds; what signals hold below others has
    that score alone.
    """
    cosine = min(cosines[hit.key], hit.score)
    return ScoreParts(cosine=cosine, exact=hit.score - cosine)


def _check(query: Query) -> None:
    if not 1 <= query.k <= MAX_K:
        raise QueryError(f"k is {query.k}, but must be from 1 to {MAX_K}")
    if query.offset < 0:
        raise QueryError(f"the offset is {query.offset}, but must not be negative")
    if not 0.0 <= query.text_weight <= 1.0:
        raise QueryError(f"the text weight is {query.text_weight}, but must be from 0 to 1")
    if not 0.0 <= query.diversity <= 1.0:
        raise QueryError(f"the diversity is {query.diversity}, but must be from 0 to 1")
    if query.crop is not None and query.image is None:
        raise QueryError("`crop` is a region of a picture; give the picture too")
    if query.is_empty and query.wishes:
        raise QueryError("a search needs words, a picture or a product beside what it excludes")
