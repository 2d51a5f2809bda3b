"""The composition root: settings in, services out. The only file that names concrete adapters."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

import shopsearch
from shopsearch.adapters import (
    combiner_of,
    comparing_index,
    encoder_of,
    fusion_of,
    loaders,
    new_index,
    words_in,
)
from shopsearch.auditing import Auditor
from shopsearch.completing import Completion
from shopsearch.embedding import Embedder
from shopsearch.encoders import LazyEncoder
from shopsearch.enriching import Enricher
from shopsearch.errors import SettingsError
from shopsearch.finding import Finder
from shopsearch.following import Follower
from shopsearch.fusion import Fusion
from shopsearch.fusion.combiner import (
    Combiner,
)
from shopsearch.heatmaps import HeatmapService
from shopsearch.index.draft import Drafts
from shopsearch.index.generations import Generation, Generations
from shopsearch.index.live import LiveGeneration
from shopsearch.index.manifest import Manifest
from shopsearch.indexing import Indexer
from shopsearch.languages import Language, language_of
from shopsearch.lexical.live import LiveWords
from shopsearch.lexical.stored import StoredWords
from shopsearch.lexical.word_index import WordIndex, are_foreign
from shopsearch.listing import Listing
from shopsearch.logbook import Logbook
from shopsearch.logged_queries import LoggedQueries
from shopsearch.merchandising import LiveRules, Merchandising, Rules
from shopsearch.preprocessing.addresses import hosts_alone
from shopsearch.preprocessing.client import Tries
from shopsearch.preprocessing.fetch import PictureFetcher
from shopsearch.preprocessing.hosts import Hosts
from shopsearch.preprocessing.items import ItemPreparer
from shopsearch.preprocessing.pictures import PictureLibrary
from shopsearch.ranking.ranker import SHIPPED, Ranker
from shopsearch.relevance import RelevanceService
from shopsearch.search import SearchService
from shopsearch.second_stage import SecondStage
from shopsearch.settings import Settings
from shopsearch.signals import LiveSignals, Signals, SignalService
from shopsearch.store.catalog_file import SqlCatalogFile
from shopsearch.store.sql import (
    Database,
    SqlEmbeddingCache,
    SqlFeedRuns,
    SqlLexicalIndex,
    SqlProductStore,
    SqlRuleStore,
    SqlSearchLog,
    SqlSignalStore,
    SqlSynonymStore,
    SqlUpkeep,
    SqlWriteTimes,
)
from shopsearch.suggestions import SuggestionService
from shopsearch.understanding import Understanding
from shopsearch.upkeep.backup import BackupService, CatalogCopy, InUse
from shopsearch.upkeep.export import Exporter
from shopsearch.upkeep.repairing import Repairer
from shopsearch.upkeep.restore import RestoreService
from shopsearch.upkeep.shelf import Shelf
from shopsearch.upkeep.verifying import Home, Verifier
from shopsearch.wishes import FurtherWishes
from shopsearch.wording import CatalogWords, WordingService
from shopsearch.write_times import FollowedTimes

_log = structlog.get_logger(__name__)


class Services:
    """Everything that a command or a server needs, each part made when it is first asked for."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Services over a home folder that exists and a database that is up to date.

        Raises `StoreUnavailable`, `SchemaOutdated` and `SettingsError`.
        """
        try:
            settings.home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(
                f"the folder {settings.home} cannot be made: {error.strerror}; "
                "name another with SHOPSEARCH_HOME or --home"
            ) from error
        services = cls(settings)
        services.database.migrate()
        return services

    def close(self) -> None:
        """Let go of connections; what was made lazily and never used is not touched."""
        for name in (
            "follower",
            "logbook",
            "logged_queries",
            "fetcher",
            "query_fetcher",
            "database",
        ):
            if (part := self.__dict__.get(name)) is not None:
                part.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @cached_property
    def database(self) -> Database:
        """The product database."""
        return Database(self.settings.resolved_database_url)

    @cached_property
    def language(self) -> Language:
        """The language of products and queries."""
        return language_of(self.settings.language)

    @cached_property
    def store(self) -> SqlProductStore:
        """The products."""
        return SqlProductStore(self.database, self.language)

    @cached_property
    def lexical(self) -> SqlLexicalIndex:
        """The words of the products."""
        return SqlLexicalIndex(self.database, self.language)

    @cached_property
    def stored_words(self) -> StoredWords:
        """The words of the products as the database knows them."""
        return StoredWords(self.lexical, self.store, self.language)

    @cached_property
    def words(self) -> LiveWords:
        """The words of the products as the live generation knows them."""
        return LiveWords(self.live, self.stored_words)

    @cached_property
    def feed_runs(self) -> SqlFeedRuns:
        """What each run over a feed has met."""
        return SqlFeedRuns(self.database)

    @cached_property
    def cache(self) -> SqlEmbeddingCache:
        """The embeddings that were made before."""
        return SqlEmbeddingCache(self.database)

    @cached_property
    def pictures(self) -> PictureLibrary:
        """The working copies and thumbnails."""
        return PictureLibrary(
            self.settings.home / "images", max_pixels=self.settings.max_image_pixels
        )

    @cached_property
    def fetcher(self) -> PictureFetcher:
        """Fetches the pictures of products, guarded, and keeps what it fetched."""
        settings = self.settings
        return PictureFetcher(
            settings.home / "images" / "fetched",
            allow_hosts=settings.fetch_allow_hosts,
            max_bytes=settings.max_image_bytes,
            timeout_s=settings.fetch_timeout_s,
            fresh_hours=settings.fetch_fresh_hours,
            tries=Tries(settings.fetch_retries),
            hosts=Hosts(
                at_once=settings.fetch_per_host, give_up_after=settings.fetch_give_up_after
            ),
        )

    @cached_property
    def query_fetcher(self) -> PictureFetcher:
        """Fetches the pictures of queries, guarded. Nothing that visitors ask for is kept, nobody
        waits long, and no visitor can make a host rest for the others.
        """
        settings = self.settings
        return PictureFetcher(
            None,
            allow_hosts=hosts_alone(settings.fetch_allow_hosts),
            max_bytes=settings.max_image_bytes,
            timeout_s=settings.fetch_timeout_s,
            tries=Tries(min(settings.fetch_retries, 1), pause_s=0.1),
            hosts=Hosts(at_once=settings.fetch_per_host, give_up_after=0, wait_s=2.0),
        )

    @cached_property
    def preparer(self) -> ItemPreparer:
        """The preprocessing of products and queries."""
        return ItemPreparer(
            self.pictures, self.fetcher, max_file_bytes=self.settings.max_image_bytes
        )

    @cached_property
    def encoder(self) -> LazyEncoder:
        """The encoder that the settings name; its weights are loaded by its first use."""
        return encoder_of(self.settings)

    @cached_property
    def fusion(self) -> Fusion:
        """The fusion that the settings name; its weights are loaded by its first use.

        Raises `FusionUnavailable` and `FusionMismatch`.
        """
        return fusion_of(self.settings.fusion, self.encoder.encoder_id)

    @cached_property
    def embedder(self) -> Embedder:
        """The middle road."""
        return Embedder(self.encoder, self.fusion, self.cache, self.combiner)

    @cached_property
    def combiner(self) -> Combiner | None:
        """Makes one of words and the picture or product that they are about; None: as fused.

        Raises `FusionUnavailable` and `FusionMismatch`.
        """
        return combiner_of(self.settings.combiner, self.encoder.encoder_id, self.fusion.fusion_id)

    @cached_property
    def generations(self) -> Generations:
        """The index generations on disk."""
        return self._generations_in(self.settings.home)

    def _generations_in(self, folder: Path) -> Generations:
        in_memory = self.settings.words == "memory"
        return Generations(
            folder,
            loaders(),
            keep=self.settings.keep_generations,
            load_words=words_in(self.language) if in_memory else lambda _: None,
        )

    @cached_property
    def live(self) -> LiveGeneration:
        """The generation that answers, renewed when another becomes current."""
        return LiveGeneration(
            self.generations,
            check_every_s=0.0,  # a stat costs microseconds
            fits=self.can_answer_from,
        )

    def can_answer_from(self, manifest: Manifest) -> bool:
        """Whether a generation was made by the encoder and the fusion that the settings name."""
        in_use = (self.embedder.encoder_id, self.embedder.fusion_id)
        return (manifest.encoder_id, manifest.fusion_id) == in_use

    @cached_property
    def follower(self) -> Follower:
        """Keeps what searches know of the catalog up to date beside them, once it has begun."""
        completion = Completion(self.live, self.generations, self.store, lambda: self.indexer)
        return Follower(
            self.live.in_background(self.warm_up),
            self.catalog_words.in_background(),
            completion.look,
        )

    def warm_up(self, generation: Generation) -> None:
        """Read and make what the first search over a generation would have to wait for."""
        self.understanding.warm_up(generation)
        self.relevance.warm_up(generation)
        self.catalog_words.vocabulary()

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
    def logbook(self) -> Logbook:
        """Takes note of searches and clicks for the search log."""
        keeps = self.settings.search_log == "on"
        return Logbook(self.search_log, keeps=keeps, keep_days=self.settings.search_log_days)

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

    @cached_property
    def enricher(self) -> Enricher:
        """Proposes values that products lack."""
        from shopsearch.training.attributes import SoftmaxTrainer

        return Enricher(
            preparer=self.preparer,
            embedder=self.embedder,
            live=self.live,
            store=self.store,
            trainer=SoftmaxTrainer(),
        )

    @cached_property
    def upkeep(self) -> SqlUpkeep:
        """The store as a whole."""
        return SqlUpkeep(self.database)

    @cached_property
    def home(self) -> Home:
        """All that there is to look after."""
        return Home(
            folder=self.settings.home,
            generations=self.generations,
            store=self.store,
            upkeep=self.upkeep,
            lexical=self.lexical,
            embedder=self.embedder,
            preparer=self.preparer,
            library=self.pictures,
            max_pixels=self.settings.max_image_pixels,
        )

    @cached_property
    def verifier(self) -> Verifier:
        """Checks all that is kept."""
        return Verifier(self.home)

    @cached_property
    def repairer(self) -> Repairer:
        """Mends what the checks find."""
        return Repairer(self.home, self.verifier, self.indexer.reindex)

    @cached_property
    def catalog_file(self) -> SqlCatalogFile:
        """The database as a whole."""
        return SqlCatalogFile(self.database)

    @cached_property
    def backup(self) -> BackupService:
        """Writes backups."""
        copy = self._copy_catalog if self.catalog_file.is_file else None
        return BackupService(self.settings.home, self.generations, self._in_use, copy)

    def _copy_catalog(self, target: Path) -> CatalogCopy:
        return CatalogCopy(*self.catalog_file.copy_out(target))

    def _in_use(self) -> InUse:
        return InUse(
            version=shopsearch.__version__,
            encoder_id=self.embedder.encoder_id,
            fusion_id=self.embedder.fusion_id,
            language=self.language.name,
        )

    @cached_property
    def restore(self) -> RestoreService:
        """Puts backups in place."""
        return RestoreService(self.settings.home, self.catalog_file, self._generations_in)

    @cached_property
    def exporter(self) -> Exporter:
        """Writes the catalog as a feed."""
        return Exporter(self.upkeep, self.embedder)

    @cached_property
    def shelf(self) -> Shelf:
        """The generations as they lie on disk."""
        return Shelf(self.generations)

    @cached_property
    def auditor(self) -> Auditor:
        """Tells what is wrong with the catalog."""
        return Auditor(
            store=self.store,
            embedder=self.embedder,
            live=self.live,
            pictures=self.pictures,
            new_index=comparing_index,
        )

    @cached_property
    def indexer(self) -> Indexer:
        """Brings the catalog in step with feeds."""
        in_memory = self.settings.words == "memory"
        drafts = Drafts(
            self.settings.home,
            self.generations,
            new_index(self.settings),
            encoder_id=self.embedder.encoder_id,
            fusion_id=self.embedder.fusion_id,
            new_words=lambda: WordIndex(self.language) if in_memory else None,
            are_foreign=lambda folder: in_memory and are_foreign(folder, self.language),
        )
        return Indexer(
            preparer=self.preparer,
            embedder=self.embedder,
            store=self.store,
            runs=self.feed_runs,
            drafts=drafts,
            words=self.lexical,
            batch_size=self.settings.batch_size,
        )
