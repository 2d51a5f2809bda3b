"""Mends what a check finds, as it finds it. Doing it twice does nothing more.

Everything that is deleted can be made again, or is of no product; a product never loses the last
copy of its picture, nor a database its rows.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from shopsearch.domain import IndexReport, PreparedItem, ProductRecord, StoredProduct
from shopsearch.embedding import ContentHashes
from shopsearch.errors import IndexFault, ProductRejected
from shopsearch.index.lock import HomeLocks
from shopsearch.upkeep.faults import Cure, Fault
from shopsearch.upkeep.shared_pictures import SharedPictures
from shopsearch.upkeep.verifying import CheckResult, Home, Stage, Verifier, no_stage

MAX_SUSPECTS = 100  # products whose embeddings are doubted; more, and it is the index that is wrong

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Repair:
    """What was done, and what all checks say afterwards."""

    done: Counter[str]  # cure -> how many things it was done to
    reindexed: IndexReport | None  # None: the index needed nothing
    results: list[CheckResult]


class Repairer:
    """Repairs a home. `reindex` builds the index anew from the store and the kept embeddings."""

    def __init__(
        self,
        home: Home,
        locks: HomeLocks,
        verifier: Verifier,
        reindex: Callable[[], IndexReport],
    ) -> None:
        self._home = home
        self._locks = locks
        self._verifier = verifier
        self._reindex = reindex
        self._done: Counter[str] = Counter()
        self._doomed: set[str] = set()
        self._forgotten: set[tuple[str, str]] = set()
        self._n_suspects = 0
        self._needs_reindex = False

    def run(self, stage: Stage = no_stage, *, sources: bool = False) -> Repair:
        """Check, mend, and check again. Raises `HomeBusy` while somebody indexes."""
        with self._locks():
            self._verifier.run(stage, sources=sources, settled_s=0.0, treat=self._treat)
            self._encode_forgotten()
            if not self._needs_reindex:
                self._drop_doomed()
        report = None
        if self._needs_reindex:
            report = self._reindex()
            with self._locks():
                self._drop_doomed()
        results = self._verifier.run(stage, sources=sources)
        return Repair(self._done, report, results)

    def _treat(self, fault: Fault) -> None:
        match fault.cure:
            case Cure.REMOVE if fault.stored and self._home.shared_pictures is not None:
                self._home.shared_pictures.remove(fault.stored)
                self._done["removed"] += 1
            case Cure.REMAKE if fault.stored and self._home.shared_pictures is not None:
                self._remake_shared(self._home.shared_pictures, fault)
            case Cure.REMOVE if fault.path is not None:
                self._remove(fault.path)
            case Cure.DROP_GENERATION:
                self._doomed.add(fault.generation_id)
            case Cure.REINDEX:
                self._needs_reindex = True
                if fault.generation_id:
                    self._doomed.add(fault.generation_id)
            case Cure.FORGET:
                self._forget(fault)
            case Cure.REMAKE if fault.path is not None:
                self._remake(fault.product_id, fault.path)

    def _remove(self, path: Path) -> None:
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
        self._done["removed"] += 1

    def _drop_doomed(self) -> None:
        """Delete damaged generations, now that another one is live, or they never were."""
        for generation_id in sorted(self._doomed & set(self._home.generations.ids())):
            try:
                self._home.generations.remove(generation_id)
            except IndexFault as error:
                _log.warning("a damaged generation stays", error=str(error))
            else:
                self._done["generations_dropped"] += 1

    def _forget(self, fault: Fault) -> None:
        if fault.product_id:  # index and cache disagree, and each row looks sound
            self._needs_reindex = True
            self._n_suspects += 1
            if self._n_suspects > MAX_SUSPECTS:
                return
        for encoder_id, content_hash in fault.embeddings:
            self._done["embeddings_forgotten"] += self._home.upkeep.forget(
                encoder_id, [content_hash]
            )
            self._forgotten.add((encoder_id, content_hash))

    def _encode_forgotten(self) -> None:
        """Encode again what was forgotten, of the products that are still there."""
        encoder_id = self._home.embedder.encoder_id
        lost = {content for encoder, content in self._forgotten if encoder == encoder_id}
        if not lost:
            return
        for batch in self._home.upkeep.products():
            hashes = [ContentHashes.of(stored.record) for stored in batch]
            of_lost = [
                stored
                for stored, content in zip(batch, hashes, strict=True)
                if content.image in lost or content.text in lost
            ]
            if items := self._prepared(of_lost):
                _, encoded = self._home.embedder.encode(items)
                self._done["encoded"] += encoded.texts + encoded.images

    def _prepared(self, products: Sequence[StoredProduct]) -> list[PreparedItem]:
        items = []
        for stored in products:
            try:
                items.append(self._home.preparer.prepare(stored.record))
            except ProductRejected as error:
                _log.warning("an embedding cannot be made again", error=str(error))
        return items

    def _remake(self, product_id: str, path: Path) -> None:
        """Make a working copy again; where its source is gone, what there is stays."""
        stored = self._home.store.find([product_id]).get(product_id)
        if stored is None:
            return
        aside = path.with_name(f".{path.name}-{os.getpid()}-0")
        if path.exists():
            path.rename(aside)
        try:
            self._make_copy(stored, path)
        except ProductRejected as error:
            if aside.exists():
                aside.rename(path)
            _log.warning("a picture cannot be made again", product=product_id, error=str(error))
        else:
            aside.unlink(missing_ok=True)
            self._done["pictures_remade"] += 1

    def _remake_shared(self, pictures: SharedPictures, fault: Fault) -> None:
        """The same in a storage, where a damaged copy is of no use to anybody."""
        stored = self._home.store.find([fault.product_id]).get(fault.product_id)
        if stored is None:
            return
        with pictures.taken_away(fault.stored) as content_hash:
            self._home.library.forget(content_hash)
            try:
                self._home.preparer.prepare(self._identified(stored))
                pictures.check_there(fault.stored)
            except ProductRejected as error:
                _log.warning(
                    "a picture cannot be made again", product=fault.product_id, error=str(error)
                )
            else:
                self._done["pictures_remade"] += 1

    def _identified(self, stored: StoredProduct) -> ProductRecord:
        """The record of a product whose picture is what it was indexed by."""
        record = stored.record
        if self._home.preparer.identify(record.product).image_hash != record.image_hash:
            raise ProductRejected(f"{record.product.images[0]}: the picture has changed since")
        return record

    def _make_copy(self, stored: StoredProduct, path: Path) -> None:
        self._home.preparer.prepare(self._identified(stored))
        if not path.is_file():
            raise ProductRejected("it was a further picture, which has changed since or is gone")
