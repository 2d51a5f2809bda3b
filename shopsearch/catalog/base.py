"""The port of the catalog room: what every feed reader promises, and how it is told to read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Protocol

from shopsearch.domain import FeedRecord

Columns = str | Sequence[str]  # one column, or several of which the first with a value is taken


class Variants(Enum):
    """What the variants of a product become, in feeds that tell variants of a product apart."""

    TOGETHER = "together"  # one product, with all values of its options
    SEPARATE = "separate"  # a product each, in one item group


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """How a feed becomes products: which column is which field, and what its columns do not say."""

    columns: Mapping[str, Columns] = field(default_factory=dict)  # product field -> column
    currency: str | None = None  # of prices that are bare numbers
    fallback_currency: str | None = None  # of the same, where neither is said: a shop's setting
    defaults: Mapping[str, str] = field(default_factory=dict)  # product field -> where it is empty
    skipped: frozenset[str] = frozenset()  # columns and attributes to leave out
    format: str | None = None  # of the feed, as `open_feed` names it
    variants: Variants | None = None  # None is TOGETHER
    include_drafts: bool | None = None  # None is no: what is no longer for sale is taken out
    has_changes: bool | None = None  # None is yes: a column `op` says what to do with a product
    file: Path | None = None  # that says all this, but for `told_columns`
    told_columns: frozenset[str] = frozenset()  # product fields that were mapped outside of `file`

    def over(self, file: FieldMapping) -> FieldMapping:
        """This mapping, completed by what a mapping file says."""
        return replace(
            file,
            columns={**file.columns, **self.columns},
            currency=self.currency or file.currency,
            fallback_currency=self.fallback_currency or file.fallback_currency,
            defaults={**file.defaults, **self.defaults},
            skipped=self.skipped | file.skipped,
            format=self.format or file.format,
            variants=self.variants or file.variants,
            include_drafts=_first(self.include_drafts, file.include_drafts),
            has_changes=_first(self.has_changes, file.has_changes),
            told_columns=frozenset(self.columns),
        )

    def said(self, name: str) -> str:
        """How a field was mapped, as its writer knows it: `--map title=name`."""
        columns = self.columns[name]
        if self.file is None or name in self.told_columns:
            return f"--map {name}={columns if isinstance(columns, str) else '|'.join(columns)}"
        told = f'"{columns}"' if isinstance(columns, str) else list(columns)
        return f"{self.file.name}: {name} = {told}"


class CatalogFeed(Protocol):
    """A feed, opened. Iterating it again reads it again from the start.

    Every record comes out exactly once, as a `FeedRow`, as a `RemovalRow` where the feed says that
    a product is to be taken out, or as a `Rejection` that names row, value and remedy. Rows grow.
    Memory does not grow with the feed. Raises `FeedFormatError` where going on would be guessing:
    no header, unknown encoding, no column for the id.
    """

    def __iter__(self) -> Iterator[FeedRecord]:
        """The records in the order of the feed."""

    def size_hint(self) -> int | None:
        """About how many records there are, for a progress bar; None where it is not known."""


def columns_of(columns: Columns) -> tuple[str, ...]:
    """The columns that a field was mapped to."""
    return (columns,) if isinstance(columns, str) else tuple(columns)


def _first(told: bool | None, otherwise: bool | None) -> bool | None:
    return otherwise if told is None else told
