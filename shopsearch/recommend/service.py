"""Recommendations: a request in, hits with reasons out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from shopsearch.collapsing import GROUP_FIELD
from shopsearch.domain import (
    AnyOf,
    BoughtTogether,
    ByExamples,
    ByHistory,
    Complementary,
    Deed,
    EventKind,
    Fallback,
    ProductFilter,
    Query,
    Recommend,
    Recommendations,
    SimilarTo,
    StoredProduct,
    Strategy,
    Trending,
    Withheld,
)
from shopsearch.embedding import Embedder
from shopsearch.errors import UnknownProduct
from shopsearch.index.generations import Generation
from shopsearch.index.live import LiveGeneration
from shopsearch.merchandising import Merchandising
from shopsearch.recommend.arranging import Arranged, Wanted, arranged
from shopsearch.recommend.by_vector import BestScore, Examples, Interests, LooksLike, Similar
from shopsearch.recommend.categories import Categories
from shopsearch.recommend.checking import check, named
from shopsearch.recommend.complement import Complement, beside
from shopsearch.recommend.history import deeds_of, interests, weights_of
from shopsearch.recommend.source import Seed, Source
from shopsearch.recommend.together import Meetings, Together
from shopsearch.recommend.trending import ForEveryone, Trends
from shopsearch.store import EventStore, ProductStore
from shopsearch.write_times import FollowedTimes

REMEMBERED_DAYS = 180  # of what was bought together


@dataclass(frozen=True, slots=True)
class _Case:
    """A request, and what is known for it."""

    asked: Recommend
    generation: Generation
    now: datetime
    deeds: tuple[Deed, ...]  # of a history
    seeds: dict[str, Seed]  # the products that it names, as far as they are known
    unknown: tuple[str, ...]

    def of(self, product_ids: Sequence[str]) -> list[Seed]:
        """Those that are known of some, each once."""
        return [self.seeds[one] for one in dict.fromkeys(product_ids) if one in self.seeds]

    @property
    def since(self) -> datetime:
        """The beginning of what is remembered."""
        return self.now - timedelta(days=REMEMBERED_DAYS)


class RecommendService:
    """Recommends products from the live index generation, the store and what visitors did."""

    def __init__(
        self,
        *,
        embedder: Embedder,
        live: LiveGeneration,
        store: ProductStore,
        events: EventStore,
        merchandising: Merchandising,
        times: FollowedTimes,
        clock: Callable[[], float] = time.perf_counter,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._embedder = embedder
        self._live = live
        self._store = store
        self._events = events
        self._merchandising = merchandising
        self._times = times
        self._categories = Categories(embedder, store, events)
        self._clock = clock
        self._now = now

    def recommend(self, asked: Recommend) -> Recommendations:
        """Raises `QueryError`, `GenerationMissing`, `GenerationMismatch`, and `UnknownProduct`
        where a product is asked for that is like one that is not there.

        All of an answer is of one index generation. Where no product that is named is known, or
        nothing is known of them, it is what is recommended to everybody, and `fallback` says so.
        """
        started = self._clock()
        check(asked)
        with self._live.one() as generation:
            generation.manifest.check(
                encoder_id=self._embedder.encoder_id, fusion_id=self._embedder.fusion_id
            )
            case = self._case(asked, generation)
            found, fallback = self._found(case)
        return Recommendations(
            hits=found.hits,
            total=found.total,
            took_ms=(self._clock() - started) * 1000,
            generation=generation.manifest.generation_id,
            unknown=case.unknown,
            fallback=fallback,
        )

    def _case(self, asked: Recommend, generation: Generation) -> _Case:
        now = self._now()
        deeds: tuple[Deed, ...] = ()
        if isinstance(asked.wanting, ByHistory):
            deeds = deeds_of(asked.wanting, self._events, now)
        ids = [*dict.fromkeys((*named(asked.wanting), *(one.product_id for one in deeds)))]
        seeds = self._seeds(generation, ids)
        unknown = tuple(one for one in ids if one not in seeds)
        if unknown and isinstance(asked.wanting, SimilarTo):
            raise UnknownProduct(asked.wanting.product_id)
        told = set(named(asked.wanting))  # what the event store remembers was not asked about
        return _Case(
            asked, generation, now, deeds, seeds, tuple(one for one in unknown if one in told)
        )

    def _seeds(self, generation: Generation, product_ids: Sequence[str]) -> dict[str, Seed]:
        """Those that store and index hold."""
        stored = self._store.find(product_ids)
        there = [stored[one] for one in product_ids if one in stored]
        rows = generation.index.fetch(np.array([one.key for one in there], dtype=np.int64))
        return {
            one.product.product_id: Seed(one, row)
            for one, row in zip(there, rows, strict=True)
            if not np.isnan(row).any()
        }

    def _found(self, case: _Case) -> tuple[Arranged, Fallback | None]:
        """What was asked for; where there is nothing of it, what comes nearest."""
        source, wanted = self._source(case), self._wanted(case)
        if source is not None:
            found = arranged(source, wanted, self._store)
            if found.is_brought:
                return found, None
        if isinstance(case.asked.wanting, BoughtTogether) and case.seeds:
            complement = self._complement(case, [*case.seeds.values()])
            if complement is not None:
                found = arranged(complement, wanted, self._store)
                if found.is_brought:
                    return found, Fallback.COMPLEMENTARY
        return self._for_everyone(case, wanted)

    def _source(self, case: _Case) -> Source | None:
        """None where nothing is known to go by."""
        index, wanting = case.generation.index, case.asked.wanting
        if isinstance(wanting, Trending):
            return None
        match wanting:
            case SimilarTo():
                return self._similar(case, wanting)
            case ByExamples():
                return self._by_examples(case, wanting)
            case ByHistory():
                return self._by_history(case, wanting)
            case BoughtTogether():
                return Together(index, self._meetings(case, case.of(wanting.product_ids)))
            case Complementary():
                return self._complement(case, case.of(wanting.product_ids))

    def _similar(self, case: _Case, wanting: SimilarTo) -> Source:
        (seed,) = case.seeds.values()
        index, weight = case.generation.index, wanting.text_weight
        if weight is None:
            return Similar(index, seed)
        return LooksLike(index, seed, weight, self._embedder, self._store)

    def _by_examples(self, case: _Case, wanting: ByExamples) -> Source | None:
        liked, disliked = case.of(wanting.liked), case.of(wanting.disliked)
        if not (liked or disliked):
            return None
        is_best = wanting.strategy is Strategy.BEST_SCORE
        return (BestScore if is_best else Examples)(case.generation.index, liked, disliked)

    def _by_history(self, case: _Case, wanting: ByHistory) -> Source | None:
        weights = weights_of(case.deeds, wanting.half_life_days)
        seeds = case.of([*weights])
        if not seeds:
            return None
        found = interests(case.generation, seeds, weights, wanting.max_interests)
        ids = [one.product_id for one in seeds]
        return Interests(case.generation.index, found, ids)

    def _meetings(self, case: _Case, seeds: Sequence[Seed]) -> Meetings:
        return Meetings.of(seeds, self._events, case.since, self._store)

    def _complement(self, case: _Case, seeds: Sequence[Seed]) -> Source | None:
        """None where no product at hand has a category, or there is no other one."""
        generation = case.generation
        drawn = self._categories.of(generation)
        placed = [one for one in seeds if one.stored.product.product_type]
        own = [drawn.category_of(one.stored.product.product_type) for one in placed]
        told = [self._categories.beside(generation, one, case.since, case.now) for one in own]
        categories = beside(placed, told, own)
        if not categories:
            return None
        meetings = self._meetings(case, seeds)
        return Complement(generation.index, drawn, categories, own, meetings)

    def _for_everyone(self, case: _Case, wanted: Wanted) -> tuple[Arranged, Fallback | None]:
        """What trends, and where nobody knows that, the most popular or the newest."""
        wanting = case.asked.wanting
        days = wanting.days if isinstance(wanting, Trending) else Trending().days
        trends = Trends(self._events, self._store, now=case.now, days=days)
        source = ForEveryone(case.generation, trends, self._times)
        found = arranged(source, wanted, self._store)
        if not source.knows_events(wanted.ruling.where):
            return found, source.basis
        return found, None if isinstance(wanting, Trending) else Fallback.TRENDING

    def _wanted(self, case: _Case) -> Wanted:
        """Rules are met as by a list with this filter; of what is like one product, as in a search
        for that, they only hide.
        """
        asked, wanting = case.asked, case.asked.wanting
        conditions = asked.where.canonical().conditions
        if isinstance(wanting, Trending) and wanting.category:
            conditions = (*conditions, AnyOf("product_type", (wanting.category.casefold(),)))
        where = ProductFilter((*conditions, self._withheld(case)))
        product_id = wanting.product_id if isinstance(wanting, SimilarTo) else None
        query = Query(product_id=product_id, where=where, k=asked.k)
        index = case.generation.index
        return Wanted(
            index=index,
            ruling=self._merchandising.ruling(query, index),
            k=asked.k,
            diversity=asked.diversity,
            collapse=asked.collapse,
        )

    def _withheld(self, case: _Case) -> Withheld:
        """What must not be among the hits: what is asked about, its variants where they count as
        one with it or were bought, and what is gone since the generation was built.
        """
        bought = {one.product_id for one in case.deeds if one.kind is EventKind.PURCHASE}
        seeds = [one.stored for one in case.seeds.values()]
        groups = {
            group.casefold()
            for one in seeds
            if (group := one.product.item_group_id) and _is_one(one, bought, case.asked)
        }
        variants = [ProductFilter((AnyOf(GROUP_FIELD, tuple(sorted(groups))),))] if groups else []
        keys = {one.key for one in seeds} | set(self._gone(case.generation))
        return Withheld(tuple(sorted(keys)), tuple(variants))

    def _gone(self, generation: Generation) -> list[int]:
        """The keys of what was removed from the store since the generation was built."""
        built_at = generation.manifest.store_revision
        if built_at == self._store.revision():
            return []
        gone: list[int] = self._store.removed_since(built_at).tolist()
        return gone


def _is_one(stored: StoredProduct, bought: set[str], asked: Recommend) -> bool:
    return asked.collapse or stored.product.product_id in bought
