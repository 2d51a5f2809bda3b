"""What the columns of a feed were taken for, and how many records fill them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from shopsearch.catalog.fields import ColumnPlan
from shopsearch.catalog.values import Record

_MAX_COLUMNS = 1_000


@dataclass(frozen=True, slots=True)
class ColumnUse:
    """One column of a feed: either of a field of products, or of an attribute."""

    column: str
    field: str | None
    attribute: str | None  # "" where the column holds many attributes in one
    filled: int  # records in which it is not empty


class ColumnWatch:
    """Looks on while records are read. Knows the first thousand columns of a feed."""

    def __init__(self) -> None:
        self._filled: dict[str, int] = {}
        self._uses: dict[str, tuple[str | None, str | None]] = {}
        self._seen: set[tuple[str, ...]] = set()

    def note(self, record: Record, plan: ColumnPlan) -> None:
        """One record, and what its columns are for."""
        if (columns := tuple(record)) not in self._seen:
            self._learn(columns, plan)
        for column, value in record.items():
            if value and column in self._filled and (not isinstance(value, str) or value.strip()):
                self._filled[column] += 1

    def columns(self) -> tuple[ColumnUse, ...]:
        """The columns in the order of the feed."""
        return tuple(
            ColumnUse(column, *self._uses[column], filled)
            for column, filled in self._filled.items()
        )

    def _learn(self, columns: tuple[str, ...], plan: ColumnPlan) -> None:
        if len(self._seen) < _MAX_COLUMNS:
            self._seen.add(columns)
        uses = dict(_uses(plan))
        for column in columns:
            if column in self._filled or len(self._filled) < _MAX_COLUMNS:
                self._filled.setdefault(column, 0)
                self._uses.setdefault(column, uses.get(column, (None, "")))


def _uses(plan: ColumnPlan) -> Iterator[tuple[str, tuple[str | None, str | None]]]:
    for column, name in plan.attributes.items():
        yield column, (None, name)
    for field, columns in plan.fields.items():
        yield from ((column, (field, None)) for column in columns)
