"""Search: a query in, a page of hits out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import (
    Hit,
    PreparedItem,
    ProductFilter,
    Query,
    SearchPage,
    Sort,
    StoredProduct,
)
from shopsearch.embedding import Embedder
from shopsearch.errors import QueryError, UnknownProduct
from shopsearch.index.generations import Generation
from shopsearch.index.live import LiveGeneration
from shopsearch.ranking.order import Candidate, ordered
from shopsearch.ranking.words import AskedWords
from shopsearch.second_stage import WINDOW, SecondStage, Window, Wish
from shopsearch.store import ProductStore

MAX_K = 1000
SORT_WINDOW = 200  # a search by price or age orders the most relevant so many, on every page


class QueryPreparer(Protocol):
    """Turns what a person typed and uploaded into what the encoders see."""

    def prepare_query(self, text: str, image: bytes | None) -> PreparedItem:
        """Raises `PictureRejected`."""


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
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._preparer = preparer
        self._embedder = embedder
        self._live = live
        self._store = store
        self._second_stage = second_stage
        self._clock = clock

    def search(self, query: Query) -> SearchPage:
        """One page of hits. Raises `QueryError`, `PictureRejected`, `GenerationMissing` and
        `GenerationMismatch`.

        All of one search is answered by one index generation, however often it is swapped.
        """
        started = self._clock()
        _check(query)
        query = replace(query, where=query.where.canonical())
        generation = self._generation()
        matching = generation.index.matching(query.where)
        if query.is_empty:
            candidates, total = self._listed(matching, query), len(matching)
        else:
            candidates, total = self._nearest(generation, query, len(matching))
        page = ordered(candidates, query.sort)[query.offset : query.offset + query.k]
        return SearchPage(
            hits=_hits(page, first_rank=query.offset + 1),
            total=total,
            took_ms=(self._clock() - started) * 1000,
            generation=generation.manifest.generation_id,
        )

    def similar(self, product_id: str, k: int = 12) -> SearchPage:
        """The products most like one of the catalog, without itself. Raises `UnknownProduct`."""
        return self.search(Query(product_id=product_id, k=k))

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

    def _nearest(
        self, generation: Generation, query: Query, n_matching: int
    ) -> tuple[list[Candidate], int]:
        """The candidates by relevance, best first, and how many hits all pages have together.

        Pages of another order than relevance are cut from one window, so that none repeats a hit.
        """
        by_relevance = query.sort is Sort.RELEVANCE
        n_wanted = query.offset + query.k if by_relevance else SORT_WINDOW
        wish, is_itself = self._wish(generation, query)
        neighbours = self._neighbours(generation, wish, query.where, max(n_wanted, WINDOW))
        if wish.words and wish.text_weight:
            candidates, scores = self._second_stage.order(wish, neighbours, generation.index)
        else:
            candidates, scores = [], neighbours
        rest = list(scores)[: max(0, n_wanted - len(candidates))]
        total = n_matching - is_itself
        return (
            [*candidates, *self._candidates(rest, scores)][:n_wanted],
            total if by_relevance else min(total, SORT_WINDOW),
        )

    def _wish(self, generation: Generation, query: Query) -> tuple[Wish, bool]:
        """What both indexes are asked, and whether the query's own product passes its filter."""
        like = self.product(query.product_id) if query.product_id else None
        item = self._preparer.prepare_query(query.text, query.image)
        vector = self._embedder.embed_query(
            item,
            text_weight=query.text_weight,
            like=None if like is None else _vector_of(generation, like),
            negatives=query.negatives,
        )  # (D,)
        matching = generation.index.matching(query.where)
        is_alone = item.picture is None and like is None
        wish = Wish(
            words=AskedWords.of(item.text),
            vector=vector,
            text_weight=1.0 if is_alone else query.text_weight,
            is_words_alone=is_alone,
            among=matching if query.where else None,
            except_key=None if like is None else like.key,
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

    def _listed(self, matching: NDArray[np.int64], query: Query) -> list[Candidate]:
        """What a query that asks for nothing lists: everything that matches, newest first."""
        by_age = matching[::-1]  # keys grow with time
        if query.sort in (Sort.RELEVANCE, Sort.NEWEST):
            by_age = by_age[: query.offset + query.k]
        return self._candidates([int(key) for key in by_age], {})

    def _candidates(self, keys: Sequence[int], scores: dict[int, float]) -> list[Candidate]:
        """Products removed from the store since the generation was built are no candidates."""
        stored = self._store.fetch(keys)
        return [Candidate(stored[key], scores.get(key, 0.0)) for key in keys if key in stored]


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


def _hits(candidates: Sequence[Candidate], first_rank: int) -> tuple[Hit, ...]:
    return tuple(
        Hit(
            product=candidate.stored.product,
            score=candidate.score,
            rank=rank,
            image_hash=candidate.stored.record.image_hash,
        )
        for rank, candidate in enumerate(candidates, start=first_rank)
    )
