"""What answers searches: words, ranking, rules, signals, suggestions, each made of `Parts`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property

from shopsearch.finding import Finder
from shopsearch.heatmaps import HeatmapService
from shopsearch.listing import Listing
from shopsearch.logged_queries import LoggedQueries
from shopsearch.merchandising import LiveRules, Merchandising, Rules
from shopsearch.parts import Parts
from shopsearch.ranking.ranker import SHIPPED, Ranker
from shopsearch.recommend import RecommendService
from shopsearch.refining import RefiningService
from shopsearch.relevance import RelevanceService
from shopsearch.search import SearchService
from shopsearch.second_stage import SecondStage
from shopsearch.signals import LiveSignals, Signals, SignalService
from shopsearch.store import EventStore
from shopsearch.store.sql import (
    SqlEventStore,
    SqlRuleStore,
    SqlSearchLog,
    SqlSignalStore,
    SqlSynonymStore,
    SqlWriteTimes,
)
from shopsearch.suggestions import SuggestionService
from shopsearch.understanding import Understanding
from shopsearch.wishes import FurtherWishes
from shopsearch.wording import CatalogWords, WordingService
from shopsearch.write_times import FollowedTimes


class SearchParts(Parts):
    """The parts of `Services` that a search goes through."""

    @cached_property
    def search(self) -> SearchService:
        """Answers queries."""
        return self.search_under(LiveRules(self.rules, language=self.language))

    def search_under(
        self, rules: Rules, at: datetime | None = None, signals: Signals | None = None
    ) -> SearchService:
        """The same search under other rules, at another moment or with other signals where these
        are given.
        """
        return SearchService(
            preparer=self.preparer,
            embedder=self.embedder,
            live=self.live,
            store=self.store,
            stored_words=self.stored_words,
            finder=self.finder,
            wishes=self.wishes,
            second_stage=self.second_stage,
            merchandising=Merchandising(rules, self.store, lambda: at or datetime.now(UTC)),
            understanding=self.understanding,
            signals=self.signals_of(signals or LiveSignals(self.signals)),
            listing=self.listing,
        )

    @cached_property
    def refining(self) -> RefiningService:
        """Refines searches by what shoppers say."""
        return RefiningService(
            live=self.live,
            store=self.store,
            understanding=self.understanding,
            wording=self.wording,
        )

    @cached_property
    def recommend(self) -> RecommendService:
        """Recommends products."""
        return self.recommend_from(self.events)

    def recommend_from(
        self, events: EventStore, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> RecommendService:
        """The same recommendations from other events, at another moment."""
        return RecommendService(
            embedder=self.embedder,
            live=self.live,
            store=self.store,
            events=events,
            merchandising=Merchandising(
                LiveRules(self.rules, language=self.language), self.store, now
            ),
            times=self.write_times,
            now=now,
        )

    @cached_property
    def finder(self) -> Finder:
        """Finds what queries mean."""
        return Finder(
            preparer=self.preparer,
            embedder=self.embedder,
            store=self.store,
            second_stage=self.second_stage,
            wording=self.wording,
            relevance=self.relevance,
            listing=self.listing,
            wishes=self.wishes,
            language=self.language,
        )

    @cached_property
    def wishes(self) -> FurtherWishes:
        """Reads what queries wish for beside their main wish."""
        return FurtherWishes(self.preparer.prepare_query, self.store)

    @cached_property
    def listing(self) -> Listing:
        """Orders lists."""
        return Listing(self.write_times)

    def signals_of(self, signals: Signals) -> SignalService:
        """Weighs by these signals."""
        return SignalService(signals, self.write_times)

    @cached_property
    def signals(self) -> SqlSignalStore:
        """The business signals."""
        return SqlSignalStore(self.database)

    @cached_property
    def write_times(self) -> FollowedTimes:
        """When products came and were written last."""
        return FollowedTimes(SqlWriteTimes(self.database))

    @cached_property
    def rules(self) -> SqlRuleStore:
        """The merchandising rules."""
        return SqlRuleStore(self.database)

    @cached_property
    def second_stage(self) -> SecondStage:
        """Orders what words and vectors have found, together."""
        return SecondStage(self.store, self.ranker, self.embedder)

    @cached_property
    def relevance(self) -> RelevanceService:
        """Tells where the relevant ends."""
        return RelevanceService(self.embedder)

    @cached_property
    def wording(self) -> WordingService:
        """Corrects the words of queries, and knows their synonyms."""
        return WordingService(self.words, self.catalog_words, self.synonyms, self.language)

    @cached_property
    def understanding(self) -> Understanding:
        """Takes prices, sizes, colours, brands and the like out of the words of queries."""
        return Understanding(
            self.words,
            self.store,
            is_enabled=self.settings.understand,
            language=self.language,
        )

    @cached_property
    def suggestions(self) -> SuggestionService:
        """Suggests what the beginning of a search may become."""
        return SuggestionService(
            catalog=self.catalog_words,
            wording=self.wording,
            lexical=self.words,
            store=self.store,
            live=self.live,
            language=self.language,
            logged=self.logged_queries,
        )

    @cached_property
    def search_log(self) -> SqlSearchLog:
        """What was searched for and clicked on."""
        return SqlSearchLog(self.database)

    @cached_property
    def events(self) -> SqlEventStore:
        """What visitors did with products."""
        return SqlEventStore(self.database)

    @cached_property
    def logged_queries(self) -> LoggedQueries | None:
        """What many have searched for, to be suggested; None where nothing is logged."""
        if self.settings.search_log == "off":
            return None
        return LoggedQueries(
            self.search_log,
            self.lexical,
            days=self.settings.search_log_days,
            language=self.language,
        )

    @cached_property
    def catalog_words(self) -> CatalogWords:
        """The words of the catalog as they are spelled."""
        return CatalogWords(self.store, self.language)

    @cached_property
    def synonyms(self) -> SqlSynonymStore:
        """What the shop says will do for what is asked."""
        return SqlSynonymStore(self.database)

    @cached_property
    def heatmaps(self) -> HeatmapService:
        """Shows which regions of a product's picture speak for words."""
        return HeatmapService(
            preparer=self.preparer,
            encoder=self.encoder,
            store=self.store,
            pictures=self.pictures,
        )

    @cached_property
    def ranker(self) -> Ranker:
        """Orders what words and vectors have found."""
        return Ranker.load(self.settings.ranker or SHIPPED)
