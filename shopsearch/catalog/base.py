"""The port of the catalog room: what every feed reader promises."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from shopsearch.domain import FeedRecord


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """How the columns of a feed become the fields of a product."""

    columns: Mapping[str, str] = field(default_factory=dict)  # product field -> column of the feed
    currency: str | None = None  # of prices that are bare numbers


class CatalogFeed(Protocol):
    """A feed, opened. Iterating it again reads it again from the start.

    Every record comes out exactly once, as a `FeedRow`, as a `RemovalRow` where the feed is one of
    changes, or as a `Rejection` that names row, value and remedy. Memory does not grow with the
    feed. Raises `FeedFormatError` where going on would be guessing: no header, unknown encoding, no
    column for the id.
    """

    def __iter__(self) -> Iterator[FeedRecord]:
        """The records in the order of the feed."""

    def size_hint(self) -> int | None:
        """About how many records there are, for a progress bar; None where it is not known."""
