"""Who makes embeddings ready before an indexing run comes to them: other processes, or nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from shopsearch.domain import ProductRecord
from shopsearch.embedding import EncodedCount

Batch = TypeVar("Batch")
Records = Callable[[Batch], Sequence[ProductRecord]]


@dataclass(frozen=True, slots=True)
class Readied:
    """What was done for a batch."""

    encoded: EncodedCount = field(default_factory=EncodedCount)
    refused: Mapping[str, str] = field(default_factory=dict)  # product id -> why it is rejected


class Workforce(Protocol):
    """Has the contents of batches encoded elsewhere, several batches at a time.

    The hand-over is what is kept anyway: embeddings come into the cache, working copies into the
    picture library. What is not there afterwards, for whatever reason, the run makes itself.
    """

    def ready(
        self, batches: Iterable[Batch], records: Records[Batch]
    ) -> Iterator[tuple[Batch, Readied]]:
        """The batches in the order given, each when its records are ready.

        `records` tells what of a batch has to be. What the iteration raises comes after all that
        it gave before.
        """


class Alone:
    """The workforce of one machine: the run does everything itself."""

    def ready(
        self,
        batches: Iterable[Batch],
        records: Records[Batch],  # noqa: ARG002 - a port
    ) -> Iterator[tuple[Batch, Readied]]:
        """See `Workforce.ready`."""
        nothing = Readied()
        return ((batch, nothing) for batch in batches)
