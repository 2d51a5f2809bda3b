"""The next index generation while it is being made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shopsearch.domain import EVERYTHING, Product
from shopsearch.errors import CatalogError, IndexFault
from shopsearch.index.base import KeptWords, VectorIndex
from shopsearch.index.generations import Generations, Manifest
from shopsearch.index.lock import PATIENCE_S, HomeLocks


class Draft:
    """Starts as a copy of a generation, or empty, and becomes live when it is published.

    `are_foreign` says of the folder of a generation whether its words are in another language.
    The generation it starts from is read when the first change comes: a run that changes nothing
    reads no index and publishes none, unless what it shall have `replaced` holds products.
    `revision` is the store revision that the draft has reached. `check` is asked before each change
    and before anything goes live, and stops the run where it raises.
    """

    def __init__(
        self,
        generations: Generations,
        new_index: Callable[[int], VectorIndex],
        start: Manifest | None,
        *,
        new_words: Callable[[], KeptWords | None] = lambda: None,
        are_foreign: Callable[[Path], bool] = lambda _: False,
        replaced: Manifest | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._check = check
        self._generations = generations
        self._new_index = new_index
        self._start = start
        self._replaced = replaced
        self._new_words = new_words
        self._are_foreign = are_foreign
        self._index: VectorIndex | None = None
        self._words: KeptWords | None = None
        self.revision = 0 if start is None else start.store_revision

    @property
    def generation_id(self) -> str | None:
        """The generation that the draft started from, or that it was published as."""
        return None if self._start is None else self._start.generation_id

    def upsert(
        self, keys: NDArray[np.int64], vectors: NDArray[np.float32], products: Sequence[Product]
    ) -> None:
        """Put in N products with their (N, D) vectors, see `VectorIndex.upsert`.

        The first vectors decide the dimension of a new index.
        """
        self._check()
        if len(keys):
            rows = [product.filter_row() for product in products]
            self._opened(vectors.shape[1]).upsert(keys, vectors, rows)
            if self._words is not None:
                self._words.upsert(keys, products)

    def delete(self, keys: NDArray[np.int64]) -> None:
        """See `VectorIndex.delete`."""
        self._check()
        is_empty = self._start is None or not self._start.count
        if len(keys) and (self._index is not None or not is_empty):
            self._opened(0).delete(keys)
            if self._words is not None:
                self._words.delete(keys)

    @property
    def has_foreign_words(self) -> bool:
        """Whether the words that it starts from are in another language: they are of no use."""
        return self._start is not None and self._are_foreign(
            self._generations.folder(self._start.generation_id)
        )

    def rewrite_words(self, batches: Iterable[tuple[NDArray[np.int64], Sequence[Product]]]) -> None:
        """Write the words of all products anew, from keys and products; those without a vector are
        passed over.
        """
        held, words = self._opened(0).fields.matching(EVERYTHING), self._new_words()
        if words is not None:
            for keys, products in batches:
                there = np.isin(keys, held)
                words.upsert(keys[there], [products[n] for n in np.flatnonzero(there).tolist()])
        self._words = words

    def publish(self, *, encoder_id: str, fusion_id: str) -> None:
        """Make the draft the live generation, where anything changed."""
        if self._index is None and self._replaced is not None and self._replaced.count:
            self._opened(self._replaced.dimension)  # the catalog was emptied
        if self._index is not None:
            self._start = self._generations.publish(
                self._index,
                self._words,
                encoder_id=encoder_id,
                fusion_id=fusion_id,
                store_revision=self.revision,
                check=self._check,
            )
            self._index = self._words = None

    def _opened(self, dimension: int) -> VectorIndex:
        if self._index is None:
            if self._start is None or not self._start.count:  # of whatever dimension
                self._index, self._words = self._new_index(dimension), self._new_words()
            else:
                start = self._generations.load(self._start.generation_id)
                self._index = start.index
                # words that were not there from the beginning would be those of some alone
                self._words = start.words if self._new_words() is not None else None
        return self._index


class Drafts:
    """Hands out one draft at a time, across all processes that work on a home folder."""

    def __init__(
        self,
        locks: HomeLocks,
        generations: Generations,
        new_index: Callable[[int], VectorIndex],
        *,
        encoder_id: str,
        fusion_id: str,
        new_words: Callable[[], KeptWords | None] = lambda: None,
        are_foreign: Callable[[Path], bool] = lambda _: False,
    ) -> None:
        self._locks = locks
        self._generations = generations
        self._new_index = new_index
        self._encoder_id = encoder_id
        self._fusion_id = fusion_id
        self._new_words = new_words
        self._are_foreign = are_foreign

    @contextmanager
    def next(self, *, fresh: bool = False, patience_s: float = PATIENCE_S) -> Iterator[Draft]:
        """A draft of the live generation, or with `fresh` an empty one; published on leaving.

        A `CatalogError` does not keep what came before it from going live; after any other failure
        nothing is published, and the next run catches up from the store. Raises `HomeBusy` where
        the home is locked for longer than `patience_s`, and `GenerationMismatch` when the live
        generation was made by another encoder or fusion.
        """
        with self._locks(patience_s) as lock:
            start = None if fresh else self._live()
            draft = Draft(
                self._generations,
                self._new_index,
                start,
                new_words=self._new_words,
                are_foreign=self._are_foreign,
                replaced=self._replaced() if fresh else None,
                check=lock.check,
            )
            try:
                yield draft
            except CatalogError:
                self._publish(draft)
                raise
            self._publish(draft)

    def _publish(self, draft: Draft) -> None:
        draft.publish(encoder_id=self._encoder_id, fusion_id=self._fusion_id)

    def _replaced(self) -> Manifest | None:
        """What is live, where that can be told: a fresh draft has to replace whatever it is."""
        try:
            current = self._generations.current_id()
            return None if current is None else self._generations.manifest(current)
        except IndexFault:
            return None

    def _live(self) -> Manifest | None:
        current = self._generations.current_id()
        if current is None:
            return None
        manifest = self._generations.manifest(current)
        manifest.check(encoder_id=self._encoder_id, fusion_id=self._fusion_id)
        return manifest
