"""Indexing: a catalog feed into the store and the index.

The store is the truth and is written first, batch by batch, each write with a growing revision. The
index is derived: a generation's manifest says up to which revision it holds the store. Whatever a
stopped or killed run left behind is therefore known, and the next run starts by catching up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import structlog
from numpy.typing import NDArray

from shopsearch.catalog import CatalogFeed
from shopsearch.domain import (
    Changes,
    FeedRow,
    IndexReport,
    PreparedItem,
    ProductRecord,
    Rejection,
    RemovalRow,
    StoredProduct,
)
from shopsearch.embedding import Embedder
from shopsearch.errors import ProductRejected
from shopsearch.index.draft import Draft, Drafts
from shopsearch.pipeline import look_ahead, stop_on_interrupt
from shopsearch.sifting import Meets, MetOnce, ProductPreparer, Sifter, parted, rejection, shares
from shopsearch.store import FeedRuns, LexicalIndex, ProductStore
from shopsearch.tally import IndexProgress, PreparedBatch, Progress, SiftedBatch, Tally
from shopsearch.workforce import Alone, Readied, Workforce

__all__ = ["IndexProgress", "Indexer", "Progress"]

_log = structlog.get_logger(__name__)
SIFT_BATCHES = 8  # batches that are hashed and looked up at once: fewer, larger statements
PRUNE_LIMIT = 0.2  # of the catalog; a feed that lacks more was probably cut short
PRUNED_ANYHOW = 5  # products; a fifth of a handful is none
_UNMET_BATCH = 500

Stop = Callable[[], bool]  # whether a stop was asked for
Identified = tuple[FeedRow, ProductRecord]


class Indexer:
    """Brings store and index in step with a feed. One at a time works on a home folder."""

    def __init__(
        self,
        *,
        preparer: ProductPreparer,
        embedder: Embedder,
        store: ProductStore,
        runs: FeedRuns,
        drafts: Drafts,
        words: LexicalIndex,
        batch_size: int = 64,
        n_threads: int = 2,
        n_readers: int = 16,
        workforce: Workforce | None = None,
    ) -> None:
        self._preparer = preparer
        self._embedder = embedder
        self._store = store
        self._runs = runs
        self._drafts = drafts
        self._words = words
        self._batch_size = batch_size
        self._n_threads = n_threads  # that decode
        self._n_readers = n_readers  # that read or fetch pictures; those wait more than they work
        self._workforce = workforce or Alone()

    def run(
        self,
        feed: CatalogFeed,
        *,
        feed_name: str,
        prune: bool = False,
        prune_limit: float = PRUNE_LIMIT,
        progress: Progress | None = None,
    ) -> IndexReport:
        """Upsert a feed; with `prune`, remove the products that it lacks.

        Nothing is pruned where more than the part `prune_limit` (0..1) of the catalog would go, and
        the report says so. Unchanged products cost a hash. Ctrl-C ends the run after the batch at
        hand; all that was done is kept and live. Raises `HomeBusy`, `GenerationMismatch`, and
        `CatalogError` where the feed cannot be read on, after making live what came before.
        """
        tally = Tally(progress, total=feed.size_hint())
        with self._drafts.next() as draft, stop_on_interrupt() as stop:
            self._catch_up(draft, tally, stop)
            run, n_before = self._runs.begin(feed_name), self._store.count()
            for batch in () if tally.interrupted else self._prepared(feed, self._runs, run):
                self._write(batch, draft, tally)
                tally.tell("indexing")
                if stop():
                    tally.interrupted = True
                    break
            if prune and not tally.interrupted:
                at_most = max(int(prune_limit * n_before), PRUNED_ANYHOW)
                self._prune(draft, run, tally, stop, at_most)
        report = tally.report(draft.generation_id)
        self._runs.finish(run, report)
        return report

    def apply(self, feeds: Iterable[CatalogFeed], *, patience_s: float) -> IndexReport:
        """Small feeds of changes, one after another; all of them are live at the end.

        Each is in the store when the next one is asked for, and no id may come twice in one feed.
        They are no runs over a feed: nothing is remembered of them. Raises as `run` does, and
        `HomeBusy` after `patience_s`. Threads may call it: signals are left as they are.
        """
        tally = Tally()
        with self._drafts.next(patience_s=patience_s) as draft:
            self._catch_up(draft, tally)
            for feed in feeds:
                for batch in self._prepared(feed, MetOnce(), 0):
                    self._write(batch, draft, tally)
        return tally.report(draft.generation_id)

    def reindex(self, progress: Progress | None = None) -> IndexReport:
        """Build a new generation from the store alone; the live one answers until it is done.

        Embeddings that the cache has are not made again. Raises `HomeBusy`.
        """
        tally = Tally(progress, total=self._store.count())
        with self._drafts.next(fresh=True) as draft, stop_on_interrupt() as stop:
            self._words.renew()
            for changes, batch in self._rebuilt(draft):
                self._add(changes, batch, draft, tally)
                tally.count(batch)
                tally.tell("reindexing")
                if stop():
                    raise KeyboardInterrupt  # half an index must not go live
        return tally.report(draft.generation_id)

    def remove(self, product_ids: Sequence[str]) -> IndexReport:
        """Take products out of the catalog; ids that it does not hold are counted as rejected."""
        tally = Tally(read=len(product_ids))
        with self._drafts.next() as draft:
            self._catch_up(draft, tally)
            held = self._store.find(product_ids)
            self._remove(list(held.values()), draft, tally)
        tally.rejected = [
            Rejection(row, product_id, "the catalog holds no product of this id")
            for row, product_id in enumerate(product_ids, start=1)
            if product_id not in held
        ]
        return tally.report(draft.generation_id)

    def catch_up(self) -> IndexReport:
        """Bring the index to what the store holds, as after a run that was killed.

        Every run begins with it. Raises `HomeBusy`, at once, and `GenerationMismatch`.
        """
        tally = Tally()
        with self._drafts.next(patience_s=0.0) as draft:
            self._catch_up(draft, tally)
        return tally.report(draft.generation_id)

    def _write(self, batch: PreparedBatch, draft: Draft, tally: Tally) -> None:
        self._take_out(batch.removals, draft, tally)
        self._index(batch, draft, tally)
        tally.count(batch)

    def _take_out(self, removals: Sequence[RemovalRow], draft: Draft, tally: Tally) -> None:
        """Remove what a feed of changes says; what is gone already is as it should be."""
        if removals:
            held = self._store.find([removal.product_id for removal in removals])
            self._remove(list(held.values()), draft, tally)
            tally.unchanged += len(removals) - len(held)

    def _index(self, batch: PreparedBatch, draft: Draft, tally: Tally) -> None:
        """Embed a batch and write it: into the store, which is the truth, first."""
        if not batch.records:
            return
        vectors, encoded = self._embedder.embed(batch.items)  # (B, D)
        keys = self._store.upsert(batch.records)  # (B,)
        draft.upsert(keys, vectors, [record.product for record in batch.records])
        draft.revision = self._store.revision()
        tally.encoded += batch.encoded + encoded

    def _prepared(self, feed: CatalogFeed, runs: Meets, run: int) -> Iterator[PreparedBatch]:
        """The feed in batches; the next ones are read and decoded while one is encoded."""
        with (
            ThreadPoolExecutor(self._n_readers, thread_name_prefix="read") as readers,
            ThreadPoolExecutor(self._n_threads, thread_name_prefix="prepare") as pool,
        ):
            sifter = Sifter(self._preparer, self._store, runs, run, readers)
            sifted = look_ahead(shares(feed, SIFT_BATCHES * self._batch_size), sifter.sift)
            batches = (batch for share in sifted for batch in share.split(self._batch_size))
            readied = self._workforce.ready(batches, _changed)
            yield from look_ahead(readied, lambda ready: self._prepare(*ready, pool))

    def _prepare(
        self, batch: SiftedBatch, readied: Readied, pool: ThreadPoolExecutor
    ) -> PreparedBatch:
        """Check and decode what is new or changed."""
        prepared, unusable = self._prepare_all(batch.changed, readied, pool)
        return PreparedBatch(
            records=[record for record, _ in prepared],
            items=[item for _, item in prepared],
            n_unchanged=batch.n_unchanged,
            rejected=[*batch.rejected, *unusable],
            removals=batch.removals,
            encoded=readied.encoded,
        )

    def _prepare_all(
        self, identified: Sequence[Identified], readied: Readied, pool: ThreadPoolExecutor
    ) -> tuple[list[tuple[ProductRecord, PreparedItem]], list[Rejection]]:
        return parted(pool.map(lambda one: self._prepare_one(one, readied.refused), identified))

    def _prepare_one(
        self, identified: Identified, refused: Mapping[str, str]
    ) -> tuple[ProductRecord, PreparedItem] | Rejection:
        row, record = identified
        if reason := refused.get(record.product.product_id):
            return rejection(row, reason)
        try:
            return record, self._preparer.prepare(record)
        except ProductRejected as error:
            return rejection(row, str(error))

    def _catch_up(self, draft: Draft, tally: Tally, stop: Stop = lambda: False) -> None:
        """Bring the draft to what the store holds: a run before this one may have been killed. All
        words are in the language of the settings then, unless it was stopped.
        """
        self._words.renew()
        for changes, batch in self._rebuilt(draft):
            tally.tell("catching up")
            self._add(changes, batch, draft, tally)
            for left_out in batch.rejected:
                _log.warning(
                    "product left out of the index",
                    product_id=left_out.product_id,
                    reason=left_out.reason,
                )
            if stop():
                tally.interrupted = True
                return
        if draft.has_foreign_words:
            tally.tell("writing the words anew")
            batches = (changes.upserted for changes in self._changes_after(0))
            draft.rewrite_words((_keys(some), [one.product for one in some]) for some in batches)

    def _add(self, changes: Changes, batch: PreparedBatch, draft: Draft, tally: Tally) -> None:
        """Bring a batch of the store's changes into the draft."""
        draft.delete(changes.removed)
        if batch.records:
            vectors, encoded = self._embedder.embed(batch.items)  # (B, D)
            by_id = {stored.product.product_id: stored.key for stored in changes.upserted}
            keys = np.array([by_id[r.product.product_id] for r in batch.records], dtype=np.int64)
            draft.upsert(keys, vectors, [record.product for record in batch.records])
            tally.encoded += batch.encoded + encoded
        draft.revision = changes.revision

    def _rebuilt(self, draft: Draft) -> Iterator[tuple[Changes, PreparedBatch]]:
        """What the store has that the draft lacks, prepared from what is kept, batch by batch."""
        with ThreadPoolExecutor(self._n_threads, thread_name_prefix="prepare") as pool:

            def prepare(ready: tuple[Changes, Readied]) -> tuple[Changes, PreparedBatch]:
                changes, readied = ready
                rows = [(_as_row(stored), stored.record) for stored in changes.upserted]
                prepared, unusable = self._prepare_all(rows, readied, pool)
                records, items = [r for r, _ in prepared], [i for _, i in prepared]
                batch = PreparedBatch(records, items, 0, unusable, encoded=readied.encoded)
                return changes, batch

            changes = self._changes_after(draft.revision)
            yield from look_ahead(self._workforce.ready(changes, _upserted), prepare)

    def _changes_after(self, revision: int) -> Iterator[Changes]:
        while True:
            changes = self._store.changes_since(revision, self._batch_size)
            if changes.revision == revision:
                return
            yield changes
            revision = changes.revision

    def _prune(self, draft: Draft, run: int, tally: Tally, stop: Stop, at_most: int) -> None:
        """Remove what the feed lacks. A product whose row was rejected is not lacking."""
        self._runs.meet(run, [one.product_id for one in tally.rejected if one.product_id])
        tally.not_pruned = self._why_not_prune(self._runs.count_unmet(run), tally, at_most)
        if tally.not_pruned:
            _log.warning("nothing was pruned", reason=tally.not_pruned)
            return
        for product_ids in self._runs.unmet(run, _UNMET_BATCH):
            self._remove(list(self._store.find(product_ids).values()), draft, tally)
            tally.tell("pruning")
            if stop():
                tally.interrupted = True
                return

    def _why_not_prune(self, n_lacking: int, tally: Tally, at_most: int) -> str:
        """Why the feed cannot be trusted to be the whole catalog; "" where it can."""
        nameless = sum(not one.product_id for one in tally.rejected)
        if not tally.read:
            return "the feed holds no product at all; export it again"
        if nameless:
            return (
                f"{nameless} rows could not be read as far as their id, so it is not known which "
                "products the feed lacks; correct these rows and run again"
            )
        if tally.has_changes:
            return "the feed is one of changes, which says itself what goes; run it without --prune"
        if n_lacking > at_most:
            return (
                f"the feed lacks {n_lacking:,} products of the catalog, more than the {at_most:,} "
                "that may go at once; see whether it is complete, and if it is, run again with "
                "--prune-limit 100"
            )
        return ""

    def _remove(self, held: Sequence[StoredProduct], draft: Draft, tally: Tally) -> None:
        removed = self._store.remove([stored.product.product_id for stored in held])
        draft.delete(_keys(held))
        draft.revision = self._store.revision()
        tally.removed += len(removed)


def _keys(stored: Sequence[StoredProduct]) -> NDArray[np.int64]:
    return np.array([one.key for one in stored], dtype=np.int64)


def _changed(batch: SiftedBatch) -> Sequence[ProductRecord]:
    return [record for _, record in batch.changed]


def _upserted(changes: Changes) -> Sequence[ProductRecord]:
    return [stored.record for stored in changes.upserted]


def _as_row(stored: StoredProduct) -> FeedRow:
    """A stored product where a row of a feed is wanted; its place is its key."""
    return FeedRow(stored.key, stored.product)
