"""The live index against the store: the same products, vectors, fields and words in both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import (
    EVERYTHING,
    Among,
    FilterRow,
    ProductFilter,
    StoredProduct,
)
from shopsearch.embedding import ContentHashes, Embedder
from shopsearch.index import Fields
from shopsearch.index.generations import Generation
from shopsearch.store import LexicalIndex, ProductStore, StoreUpkeep
from shopsearch.upkeep.embedding_check import unlike_a_unit_row
from shopsearch.upkeep.faults import REPAIR, Count, Cure, Fault, Faults, Severity

TOLERANCE = 1e-3  # of each number of a vector: other machines and batches round otherwise
MAX_WORDS = 100_000  # different words of one field among the products of one batch
REMEDY = f"{REPAIR} or `shopsearch reindex` builds the index anew"


class IndexCheck:
    """Compares one generation with the store, batch by batch, in constant memory.

    Only what the store held at the generation's revision counts: what was written later is caught
    up with by the next run, and is a note.
    """

    def __init__(
        self,
        generation: Generation,
        *,
        store: ProductStore,
        upkeep: StoreUpkeep,
        lexical: LexicalIndex,
        embedder: Embedder,
    ) -> None:
        self._generation = generation
        self._index = generation.index
        self._revision = generation.manifest.store_revision
        self._store = store
        self._upkeep = upkeep
        self._lexical = lexical
        self._embedder = embedder
        self._n_incomparable = 0
        self._n_behind = 0

    def faults(self, count: Count) -> Faults:
        """Everything in which the two disagree."""
        manifest = self._generation.manifest
        has_own_vectors = (manifest.encoder_id, manifest.fusion_id) == (
            self._embedder.encoder_id,
            self._embedder.fusion_id,
        )
        if not has_own_vectors:
            yield self._of_another_encoder()
        unmet = self._index.fields.matching(EVERYTHING)  # (N,) ascending
        for batch in self._upkeep.products():
            keys = np.array([stored.key for stored in batch], dtype=np.int64)
            unmet = np.setdiff1d(unmet, keys, assume_unique=True)
            due = [stored for stored in batch if stored.revision <= self._revision]
            self._n_behind += len(batch) - len(due)
            yield from self._batch_faults(due, compare_vectors=has_own_vectors)
            count.add(len(batch))
        yield from self._unknown(unmet)
        yield from self._word_faults()
        yield from self._notes()

    def _batch_faults(self, due: Sequence[StoredProduct], *, compare_vectors: bool) -> Faults:
        if not due:
            return
        vectors = self._index.fetch(np.array([one.key for one in due], dtype=np.int64))  # (B, D)
        is_there = ~np.isnan(vectors).all(axis=1)  # (B,)
        for place in np.flatnonzero(~is_there).tolist():
            yield _fault(due[place], "the index does not hold it")
        there = [due[place] for place in np.flatnonzero(is_there).tolist()]
        vectors = vectors[is_there]
        is_sound = np.ones(len(there), dtype=np.bool_)
        for place, stored in enumerate(there):
            if what := unlike_a_unit_row(vectors[place]):
                is_sound[place] = False
                yield _fault(stored, f"of its vector in the index: {what}")
        if compare_vectors:
            sound = [there[place] for place in np.flatnonzero(is_sound).tolist()]
            yield from self._vector_faults(sound, vectors[is_sound])
        yield from self._field_faults(there)

    def _vector_faults(
        self, stored: Sequence[StoredProduct], vectors: NDArray[np.float32]
    ) -> Faults:
        """The vectors against the fusion of the embeddings that are kept."""
        hashes = [ContentHashes.of(one.record) for one in stored]
        kept = self._embedder.kept(hashes)
        wanted_image = np.array([one.image is not None for one in hashes], dtype=np.bool_)
        wanted_text = np.array([one.text is not None for one in hashes], dtype=np.bool_)
        is_kept = (kept.has_image == wanted_image) & (kept.has_text == wanted_text)  # (B,)
        self._n_incomparable += int(np.count_nonzero(~is_kept))
        if not is_kept.any():
            return
        fused = self._embedder.fuse(kept.taken(is_kept))  # (K, D)
        if fused.shape[1] != vectors.shape[1]:
            yield _fault(
                stored[0],
                f"the fusion gives {fused.shape[1]} numbers, the index holds {vectors.shape[1]}",
            )
            return
        apart = np.abs(fused - vectors[is_kept]).max(axis=1)  # (K,)
        places = np.flatnonzero(is_kept)
        for row in np.flatnonzero(~(apart <= TOLERANCE)).tolist():
            one, content = stored[places[row]], hashes[places[row]]
            yield Fault(
                subject=f"product {one.product.product_id!r}",
                what=f"its vector is {apart[row]:.3g} away from the fusion of its embeddings",
                remedy=f"{REPAIR} encodes it again and builds the index anew",
                cure=Cure.FORGET,
                embeddings=tuple(
                    (self._embedder.encoder_id, each)
                    for each in (content.image, content.text)
                    if each is not None
                ),
                product_id=one.product.product_id,
            )

    def _field_faults(self, stored: Sequence[StoredProduct]) -> Faults:
        """What filters see of the products of a batch; product by product where that differs."""
        rows = {one.key: one.product.filter_row() for one in stored}
        for field in _differing(self._index.fields, rows):
            for one in stored:
                if _differing(self._index.fields, {one.key: rows[one.key]}, [field]):
                    yield _fault(one, f"filters see another {field!r} in the index than it has")

    def _unknown(self, keys: NDArray[np.int64]) -> Faults:
        """Keys that the index holds and the store does not: right where they were removed later."""
        if not len(keys):
            return
        for removed in self._removed_later():
            keys = np.setdiff1d(keys, removed, assume_unique=True)
        for key in keys.tolist():
            yield Fault(
                subject=f"key {key}",
                what="the index holds it, but the store has no such product",
                remedy=REMEDY,
                cure=Cure.REINDEX,
            )

    def _removed_later(self) -> Iterator[NDArray[np.int64]]:
        revision = self._revision
        while True:
            changes = self._store.changes_since(revision, 1000)
            if changes.revision == revision:
                return
            self._n_behind += len(changes.removed)
            yield changes.removed
            revision = changes.revision

    def _word_faults(self) -> Faults:
        """As many products in the words as in the index, and in the store."""
        words, index = self._generation.words, len(self._index)
        if words is not None and len(words) != index:
            yield Fault(
                subject=f"words of {self._generation.manifest.generation_id}",
                what=f"they are those of {len(words)} products, the index holds {index}",
                remedy=REMEDY,
                cure=Cure.REINDEX,
            )
        counted, stored = self._counted_at_one_moment()
        if counted != stored:
            yield Fault(
                subject="words in the database",
                what=f"they are those of {counted} products, the catalog has {stored}",
                remedy="switch SHOPSEARCH_LANGUAGE to another language and back, with `shopsearch "
                "reindex` after each: it writes all words anew",
            )

    def _counted_at_one_moment(self) -> tuple[int, int]:
        """Products that the words are of, and that the store has; while others write, nobody can
        tell.
        """
        revision = self._store.revision()
        counts = self._lexical.count(), self._store.count()
        return counts if self._store.revision() == revision else (0, 0)

    def _notes(self) -> Faults:
        if self._n_behind:
            yield Fault(
                subject="index",
                what=f"{self._n_behind} products were written after this generation was made",
                remedy="`shopsearch index FEED` and `shopsearch reindex` catch up",
                severity=Severity.NOTE,
            )
        if self._n_incomparable:
            yield Fault(
                subject="vectors",
                what=f"{self._n_incomparable} products lack kept embeddings to compare with",
                remedy="`shopsearch reindex` encodes what is not kept",
                severity=Severity.NOTE,
            )

    def _of_another_encoder(self) -> Fault:
        manifest = self._generation.manifest
        return Fault(
            subject=f"generation {manifest.generation_id}",
            what=f"it was made by {manifest.encoder_id!r} and {manifest.fusion_id!r}, the settings "
            f"name {self._embedder.encoder_id!r} and {self._embedder.fusion_id!r}",
            remedy="run `shopsearch reindex`, or set the other ones again",
        )


def _fault(stored: StoredProduct, what: str) -> Fault:
    return Fault(
        subject=f"product {stored.product.product_id!r}",
        what=what,
        remedy=REMEDY,
        cure=Cure.REINDEX,
        product_id=stored.product.product_id,
    )


def _differing(
    fields: Fields, rows: Mapping[int, FilterRow], names: Sequence[str] = ()
) -> list[str]:
    """The fields that these keys have otherwise in the index than in their rows, all together."""
    if not rows:
        return []
    among = ProductFilter((Among(np.array(sorted(rows), dtype=np.int64)),))
    named = names or list(dict.fromkeys([*fields.names(), *(f for r in rows.values() for f in r)]))
    return [name for name in named if _told(fields, name, among) != _expected(rows, name)]


def _told(fields: Fields, name: str, among: ProductFilter) -> tuple[dict[str, int], list[float]]:
    counts = fields.counts(name, among, limit=MAX_WORDS)
    return (
        dict(zip(counts.words, counts.counts.tolist(), strict=True)),
        sorted(counts.numbers.tolist()),
    )


def _expected(rows: Mapping[int, FilterRow], name: str) -> tuple[dict[str, int], list[float]]:
    words: Counter[str] = Counter()
    numbers = []
    for row in rows.values():
        value = row.get(name)
        if isinstance(value, tuple):
            words.update({word.casefold() for word in value})
        elif value is not None:
            numbers.append(value)
    return dict(words), sorted(numbers)
