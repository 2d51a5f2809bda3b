"""What both journeys are made of: database and stores, pictures, the middle road, generations."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from shopsearch.adapters import (
    combiner_of,
    encoder_of,
    fusion_of,
    loaders,
    outside,
    storage_of,
    words_in,
)
from shopsearch.embedding import Embedder
from shopsearch.encoders import LazyEncoder
from shopsearch.errors import SettingsError
from shopsearch.fusion import Fusion
from shopsearch.fusion.combiner import (
    Combiner,
)
from shopsearch.index.current import CurrentFile, CurrentGeneration
from shopsearch.index.generations import Generations
from shopsearch.index.live import LiveGeneration
from shopsearch.index.lock import HomeLocks
from shopsearch.index.manifest import Manifest
from shopsearch.index.outside import Outside
from shopsearch.index.shared import SharedGenerations
from shopsearch.languages import Language, language_of
from shopsearch.lexical.live import LiveWords
from shopsearch.lexical.stored import StoredWords
from shopsearch.preprocessing.addresses import hosts_alone
from shopsearch.preprocessing.client import Tries
from shopsearch.preprocessing.fetch import PictureFetcher
from shopsearch.preprocessing.hosts import Hosts
from shopsearch.preprocessing.items import ItemPreparer
from shopsearch.preprocessing.picture_cache import PictureCache
from shopsearch.preprocessing.picture_files import FolderFiles, PictureFiles, SharedFiles
from shopsearch.preprocessing.pictures import GRID_THUMBNAILS_PX, PictureLibrary
from shopsearch.settings import Settings
from shopsearch.storage import Storage
from shopsearch.store.limits import Limits
from shopsearch.store.sql import (
    Database,
    SqlCurrentGeneration,
    SqlEmbeddingCache,
    SqlFeedRuns,
    SqlIndexingLock,
    SqlLexicalIndex,
    SqlProductStore,
)

MB = 1_000_000
# for what goes on beside the requests of a server: changes, logs, events, measures, writes
OTHER_CONNECTIONS = 6


class Parts:
    """Parts of `Services`, each made when it is first asked for."""

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
            "catalog_writer",
            "follower",
            "logbook",
            "key_ring",
            "event_book",
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
        settings = self.settings
        limits = Limits(
            n_connections=settings.database_pool or settings.worker_threads + OTHER_CONNECTIONS,
            wait_s=settings.database_wait_s,
            connect_s=settings.database_connect_s,
            statement_s=settings.database_statement_s,
        )
        return Database(settings.resolved_database_url, limits)

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
            self._picture_files(),
            max_pixels=self.settings.max_image_pixels,
            thumbnail_sizes_px=GRID_THUMBNAILS_PX,
        )

    def _picture_files(self) -> PictureFiles:
        settings = self.settings
        if self.storage is None:
            return FolderFiles(settings.home / "images")
        cache = PictureCache(settings.home / "cache" / "pictures", settings.storage_cache_mb * MB)
        return SharedFiles(self.storage, cache)

    @cached_property
    def storage(self) -> Storage | None:
        """Where nodes share files; None where all is in the home folder. Raises `SettingsError`."""
        return storage_of(self.settings)

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
            timeout_s=min(settings.fetch_timeout_s, settings.request_timeout_s),
            tries=Tries(min(settings.fetch_retries, 1), pause_s=0.1),
            hosts=Hosts(at_once=settings.fetch_per_host, give_up_after=0, wait_s=2.0),
        )

    @cached_property
    def preparer(self) -> ItemPreparer:
        """The preprocessing of products and queries."""
        return ItemPreparer(
            self.pictures,
            self.fetcher,
            max_file_bytes=self.settings.max_image_bytes,
            further_pictures=self.settings.further_pictures,
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
        shared = None if self.storage is None else SharedGenerations(self.storage)
        return self._generations_in(self.settings.home, self.current_generation, shared)

    @cached_property
    def home_locks(self) -> HomeLocks:
        """Keep all but one process from indexing."""
        shared = SqlIndexingLock(self.database) if self.database.is_shared else None
        return HomeLocks(self.settings.home, shared)

    @cached_property
    def current_generation(self) -> CurrentGeneration:
        """What names the live generation."""
        if self.settings.names_generation_in_database or self.storage is not None:
            return SqlCurrentGeneration(self.database)
        return CurrentFile(self.settings.home)

    def _generations_in(
        self,
        folder: Path,
        current: CurrentGeneration | None = None,
        shared: SharedGenerations | None = None,
    ) -> Generations:
        in_memory = self.settings.words == "memory"
        return Generations(
            folder,
            loaders(self.settings),
            keep=self.settings.keep_generations,
            load_words=words_in(self.language) if in_memory else lambda _: None,
            current=current,
            shared=shared,
            outside=self.outside,
        )

    @cached_property
    def outside(self) -> Outside | None:
        """Looks after what generations keep on a server; None where it is all on disk."""
        return outside(self.settings)

    @cached_property
    def live(self) -> LiveGeneration:
        """The generation that answers, renewed when another becomes current."""
        return LiveGeneration(
            self.generations,
            check_every_s=0.0,  # a stat costs microseconds, a row some hundreds of them
            fits=self.can_answer_from,
        )

    def can_answer_from(self, manifest: Manifest) -> bool:
        """Whether a generation was made by the encoder and the fusion that the settings name."""
        in_use = (self.embedder.encoder_id, self.embedder.fusion_id)
        return (manifest.encoder_id, manifest.fusion_id) == in_use
