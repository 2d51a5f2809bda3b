"""The composition root: settings in, services out.

With `parts.py` and `search_parts.py`, which it is made of, and `adapters.py` the only file that
names concrete adapters.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import shopsearch
from shopsearch.access.issuing import KeyIssuer
from shopsearch.access.key_ring import KeyRing
from shopsearch.access.trail import AuditTrail
from shopsearch.adapters import comparing_index, new_index
from shopsearch.auditing import Auditor
from shopsearch.completing import Completion
from shopsearch.embedding import Embedder, QueryMemory
from shopsearch.encoders import LazyEncoder
from shopsearch.encoders.batching import BatchingEncoder
from shopsearch.encoders.shared_rows import SharedRows
from shopsearch.enriching import Enricher
from shopsearch.events.importing import EventImporter
from shopsearch.following import Follower, Listen
from shopsearch.index.draft import Drafts
from shopsearch.index.generations import Generation
from shopsearch.indexing import Indexer
from shopsearch.lexical.word_index import WordIndex, are_foreign
from shopsearch.logbook import EventBook, Logbook
from shopsearch.search_parts import SearchParts
from shopsearch.store.catalog_file import SqlCatalogFile
from shopsearch.store.sql import (
    SqlAuditLog,
    SqlCurrentGeneration,
    SqlIdempotencyKeys,
    SqlKeyStore,
    SqlUpkeep,
)
from shopsearch.upkeep.backup import BackupService, CatalogCopy, InUse
from shopsearch.upkeep.export import Exporter
from shopsearch.upkeep.repairing import Repairer
from shopsearch.upkeep.restore import RestoreService
from shopsearch.upkeep.shared_pictures import SharedPictures
from shopsearch.upkeep.shelf import Shelf
from shopsearch.upkeep.verifying import Home, Verifier
from shopsearch.workforce import Alone, Workforce
from shopsearch.writing import CatalogWriter, ProductFields


class Services(SearchParts):
    """Everything that a command or a server needs, each part made when it is first asked for."""

    @cached_property
    def follower(self) -> Follower:
        """Keeps what searches know of the catalog up to date beside them, once it has begun."""
        completion = Completion(self.live, self.generations, self.store, lambda: self.indexer)
        return Follower(
            self.live.in_background(self.warm_up),
            self.catalog_words.in_background(),
            completion.look,
            listen=self._hear_of_swaps(),
        )

    def _hear_of_swaps(self) -> Listen | None:
        current = self.current_generation
        return current.listen if isinstance(current, SqlCurrentGeneration) else None

    def warm_up(self, generation: Generation) -> None:
        """Read and make what the first search over a generation would have to wait for."""
        self.understanding.warm_up(generation)
        self.relevance.warm_up(generation)
        self.catalog_words.vocabulary()

    @cached_property
    def logbook(self) -> Logbook:
        """Takes note of searches and clicks for the search log."""
        keeps = self.settings.search_log == "on"
        return Logbook(self.search_log, keeps=keeps, keep_days=self.settings.search_log_days)

    @cached_property
    def keys(self) -> SqlKeyStore:
        """The keys of the API."""
        return SqlKeyStore(self.database)

    @cached_property
    def key_ring(self) -> KeyRing:
        """Tells whose a key is."""
        return KeyRing(self.keys)

    @cached_property
    def key_issuer(self) -> KeyIssuer:
        """Makes and revokes keys."""
        return KeyIssuer(self.keys, self.audit_trail)

    @cached_property
    def audit_log(self) -> SqlAuditLog:
        """Who wrote to the shop."""
        return SqlAuditLog(self.database)

    @cached_property
    def audit_trail(self) -> AuditTrail:
        """Takes note of who writes to the shop."""
        return AuditTrail(self.audit_log, keep_days=self.settings.audit_days)

    @cached_property
    def event_book(self) -> EventBook:
        """Takes note of events."""
        keeps = self.settings.events == "on"
        return EventBook(self.events, keeps=keeps, keep_days=self.settings.events_days)

    @cached_property
    def event_importer(self) -> EventImporter:
        """Reads past events from files."""
        return EventImporter(self.events, keep_days=self.settings.events_days)

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
            outside=self.outside,
            shared_pictures=self._shared_pictures(),
        )

    def _shared_pictures(self) -> SharedPictures | None:
        return None if self.storage is None else SharedPictures(self.storage)

    @cached_property
    def verifier(self) -> Verifier:
        """Checks all that is kept."""
        return Verifier(self.home)

    @cached_property
    def repairer(self) -> Repairer:
        """Mends what the checks find."""
        return Repairer(self.home, self.home_locks, self.verifier, self.indexer.reindex)

    @cached_property
    def catalog_file(self) -> SqlCatalogFile:
        """The database as a whole."""
        return SqlCatalogFile(self.database)

    @cached_property
    def backup(self) -> BackupService:
        """Writes backups."""
        copy = self._copy_catalog if self.catalog_file.is_file else None
        return BackupService(
            self.settings.home, self.generations, self._in_use, copy, self._shared_pictures()
        )

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
        return RestoreService(
            self.settings.home,
            self.catalog_file,
            self.home_locks,
            self.generations,
            self._generations_in,
            shared_pictures=self._shared_pictures(),
        )

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
        return self.indexer_with(Alone())

    @contextmanager
    def indexer_on_ray(self) -> Iterator[Indexer]:
        """The same, with contents encoded by workers of Ray, which are gone after the block.

        Raises `WorkersUnavailable`.
        """
        from shopsearch.distributed.on_ray import ray_workforce

        with ray_workforce(
            self.settings,
            encoder_id=self.embedder.encoder_id,
            cache=self.cache,
            pictures=self.preparer,
        ) as workforce:
            yield self.indexer_with(workforce)

    def indexer_with(self, workforce: Workforce) -> Indexer:
        """The same, with a workforce that makes embeddings ready."""
        in_memory = self.settings.words == "memory"
        drafts = Drafts(
            self.home_locks,
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
            workforce=workforce,
        )

    @cached_property
    def catalog_writer(self) -> CatalogWriter:
        """Makes single changes of the catalog."""
        return CatalogWriter(
            indexer=lambda: self.indexer,
            preparer=self.preparer,
            store=self.store,
            renew=self.live.renew,
            max_callers=max(1, self.settings.worker_threads // 2),  # the others answer searches
        )

    @cached_property
    def product_fields(self) -> ProductFields:
        """Reads products that come field by field."""
        return ProductFields(self.settings.currency)

    @cached_property
    def idempotency_keys(self) -> SqlIdempotencyKeys:
        """What was answered to writes that carry a key."""
        return SqlIdempotencyKeys(self.database)


class ServerServices(Services):
    """The same for a process that answers many at once: what they ask for is encoded together, and
    what many ask for is encoded once.
    """

    @cached_property
    def encoder(self) -> LazyEncoder:
        """See `Parts.encoder`."""
        encoder = super().encoder
        if self.settings.micro_batch == "off":
            return encoder
        return BatchingEncoder(encoder, wait_s=self.settings.batch_wait_ms / 1000)

    @cached_property
    def query_memory(self) -> QueryMemory:
        """The embeddings of the queries asked last."""
        return QueryMemory.of(self.settings.query_cache, self._shared_rows())

    def _shared_rows(self) -> SharedRows | None:
        if self.settings.cache_url is None:
            return None
        # of the encoder that encodes, not of the embedder, which is made of this
        return SharedRows(self.settings.cache_url, lambda: self.encoder.encoder_id)

    @cached_property
    def embedder(self) -> Embedder:
        """See `Parts.embedder`."""
        return Embedder(self.encoder, self.fusion, self.cache, self.combiner, self.query_memory)
