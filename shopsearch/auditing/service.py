"""Auditor: store, embedding cache and live generation in, what is wrong with the catalog out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from shopsearch.auditing.categories import suspicious_categories
from shopsearch.auditing.clusters import Cluster, clustered
from shopsearch.auditing.coverage import covered, spelled
from shopsearch.auditing.duplicates import duplicated
from shopsearch.auditing.findings import Audit, Finding, Section
from shopsearch.auditing.layout import (
    MIN_PLACED,
    REMEDY,
    CatalogMap,
    MapWish,
    check_layout,
    is_possible,
    laid_out,
)
from shopsearch.auditing.mismatches import mismatched
from shopsearch.auditing.neighbours import NewIndex, nearest
from shopsearch.auditing.pictures import poor_pictures
from shopsearch.auditing.prices import odd_prices
from shopsearch.auditing.sketches import sketched
from shopsearch.auditing.snapshot import (
    MOST_COMPARED,
    CatalogSnapshot,
    KeptEmbeddings,
    Stage,
    WorkingCopies,
    take_snapshot,
)
from shopsearch.auditing.texts import thin_texts
from shopsearch.index.live import LiveGeneration
from shopsearch.store import ProductStore


class AuditedEmbedder(KeptEmbeddings, Protocol):
    """Gives embeddings, and says what made them; see `Embedder`."""

    @property
    def encoder_id(self) -> str:
        """The id of the encoder in use."""

    @property
    def fusion_id(self) -> str:
        """The id of the fusion in use."""


@dataclass(frozen=True, slots=True)
class Audited:
    """An audit, with what its report shows beside it."""

    audit: Audit
    snapshot: CatalogSnapshot
    doubtful: tuple[Finding, ...]  # pictures that come after those listed, in order of suspicion


class Auditor:
    """Tells what is wrong with a catalog. Encodes nothing, and changes nothing."""

    def __init__(
        self,
        *,
        store: ProductStore,
        embedder: AuditedEmbedder,
        live: LiveGeneration,
        pictures: WorkingCopies,
        new_index: NewIndex,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._store = store
        self._embedder = embedder
        self._live = live
        self._pictures = pictures
        self._new_index = new_index
        self._clock = clock

    def audit(self, stage: Stage, wish: MapWish) -> Audited:
        """Check everything. Raises `GenerationMissing`, `GenerationMismatch`, and `AuditError`
        where the map is wanted and cannot be made.
        """
        started = self._clock()
        if wish is MapWish.YES:
            check_layout()
        snapshot = self.snapshot(stage)
        sections, doubtful = self._sections(snapshot, stage)
        with stage("grouping products") as report:
            clusters = clustered(snapshot, report)
        drawn, remarks = _map(snapshot, clusters, stage, wish)
        audit = Audit(
            generation=snapshot.generation,
            n_products=len(snapshot),
            sections=sections,
            clusters=clusters,
            map=drawn,
            remarks=(*_remarks(snapshot), *remarks),
            seconds=self._clock() - started,
        )
        return Audited(audit, snapshot, doubtful)

    def snapshot(self, stage: Stage) -> CatalogSnapshot:
        """The catalog as it is now. Raises as `audit` does."""
        generation = self._live.get()
        generation.manifest.check(
            encoder_id=self._embedder.encoder_id, fusion_id=self._embedder.fusion_id
        )
        return take_snapshot(self._store, self._embedder, generation, self._pictures, stage)

    def _sections(
        self, snapshot: CatalogSnapshot, stage: Stage
    ) -> tuple[tuple[Section, ...], tuple[Finding, ...]]:
        with stage("comparing texts") as report:
            like_words = nearest(snapshot.words, self._new_index, report)
        with stage("comparing pictures") as report:
            like_looks = nearest(snapshot.looks, self._new_index, report)
        with stage("comparing products") as report:
            near = nearest(snapshot.vectors, self._new_index, report)
        with stage("matching pictures and words") as report:
            mismatches, doubtful = mismatched(snapshot, like_words, like_looks, report)
        with stage("comparing pixels") as report:
            sketches = sketched(snapshot, like_looks, self._pictures, report)
        sections = (
            mismatches,
            duplicated(snapshot, like_words, like_looks, sketches),
            poor_pictures(snapshot),
            thin_texts(snapshot),
            odd_prices(snapshot),
            suspicious_categories(snapshot, near),
            covered(snapshot),
            spelled(snapshot),
        )
        return sections, tuple(doubtful)


def _map(
    snapshot: CatalogSnapshot, clusters: tuple[Cluster, ...], stage: Stage, wish: MapWish
) -> tuple[CatalogMap | None, tuple[str, ...]]:
    """The map, or why there is none."""
    if wish is MapWish.NO:
        return None, ()
    if not is_possible():
        return None, (REMEDY,)
    with stage("drawing the map"):
        drawn = laid_out(snapshot.vectors, clusters)
    if drawn is None:
        return None, (f"there is no map of fewer than {MIN_PLACED} products",)
    return drawn, ()


def _remarks(snapshot: CatalogSnapshot) -> tuple[str, ...]:
    """What limits the figures."""
    remarks = []
    if snapshot.n_changed:
        remarks.append(
            f"{_counted(snapshot.n_changed)} written since the index was built; run "
            "`shopsearch reindex` to have all checked as they are now"
        )
    n_lost = _n_not_cached(snapshot)
    if n_lost and len(snapshot) <= MOST_COMPARED:
        remarks.append(
            f"the pictures of {n_lost:,} products are not embedded by this encoder; run "
            "`shopsearch reindex` to have them compared"
        )
    if len(snapshot) > MOST_COMPARED:
        remarks.append(
            f"{MOST_COMPARED:,} products, drawn at random, were compared by their looks and words"
        )
    return tuple(remarks)


def _counted(n: int) -> str:
    """Such as "1 product was"."""
    return f"{n:,} product was" if n == 1 else f"{n:,} products were"


def _n_not_cached(snapshot: CatalogSnapshot) -> int:
    lost = [
        shown is not None and not has_looks
        for shown, has_looks in zip(snapshot.image_hashes, snapshot.has_looks.tolist(), strict=True)
    ]
    return sum(lost)
