"""Keeping count of an indexing run: each product read is counted in exactly one place."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from shopsearch.domain import (
    FeedRow,
    IndexReport,
    PreparedItem,
    ProductRecord,
    Rejection,
    RemovalRow,
)
from shopsearch.embedding import EncodedCount


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """How far a run has come."""

    read: int
    indexed: int
    unchanged: int
    rejected: int
    total: int | None  # about how many there are to read, where that is known
    stage: str


Progress = Callable[[IndexProgress], None]


@dataclass(frozen=True, slots=True)
class SiftedBatch:
    """What of a share of a feed is new or changed; of the rest, what the tally needs."""

    changed: Sequence[tuple[FeedRow, ProductRecord]]
    n_unchanged: int
    rejected: Sequence[Rejection]
    removals: Sequence[RemovalRow] = ()

    def split(self, size: int) -> Iterator[SiftedBatch]:
        """In parts with at most `size` changed products; all the rest goes with the first one."""
        yield replace(self, changed=self.changed[:size])
        for start in range(size, len(self.changed), size):
            yield SiftedBatch(self.changed[start : start + size], 0, ())


@dataclass(frozen=True, slots=True)
class PreparedBatch:
    """A batch of records sorted into what has to be indexed and what has not."""

    records: Sequence[ProductRecord]  # new or changed
    items: Sequence[PreparedItem]  # of the records, in the same order
    n_unchanged: int
    rejected: Sequence[Rejection]
    removals: Sequence[RemovalRow] = ()
    encoded: EncodedCount = field(default_factory=EncodedCount)  # before the run came to it

    @property
    def n_read(self) -> int:
        """How many records of the feed the batch stands for."""
        return len(self.records) + self.n_unchanged + len(self.rejected) + len(self.removals)


@dataclass(slots=True)
class Tally:
    """Counts a run while it goes on. Every product read is counted in exactly one place."""

    show: Progress | None = None
    total: int | None = None
    read: int = 0
    indexed: int = 0
    unchanged: int = 0
    removed: int = 0
    rejected: list[Rejection] = field(default_factory=list)
    encoded: EncodedCount = field(default_factory=EncodedCount)
    interrupted: bool = False
    has_changes: bool = False  # the feed is one of changes
    not_pruned: str = ""
    started: float = field(default_factory=time.monotonic)

    def count(self, batch: PreparedBatch) -> None:
        """Count a batch whose records are in the store and in the draft by now."""
        self.read += batch.n_read
        self.indexed += len(batch.records)
        self.unchanged += batch.n_unchanged
        self.rejected.extend(batch.rejected)
        self.has_changes |= any(removal.is_change for removal in batch.removals)

    def tell(self, stage: str) -> None:
        """Show how far the run has come."""
        if self.show is not None:
            rejected = len(self.rejected)
            self.show(
                IndexProgress(self.read, self.indexed, self.unchanged, rejected, self.total, stage)
            )

    def report(self, generation: str | None) -> IndexReport:
        """The counts at the end."""
        return IndexReport(
            read=self.read,
            indexed=self.indexed,
            unchanged=self.unchanged,
            removed=self.removed,
            rejected=tuple(sorted(self.rejected, key=lambda rejection: rejection.row)),
            generation=generation,
            seconds=round(time.monotonic() - self.started, 3),
            texts_encoded=self.encoded.texts,
            images_encoded=self.encoded.images,
            interrupted=self.interrupted,
            not_pruned=self.not_pruned,
        )
