"""Past events from files, JSON lines or CSV, in the shape of the API.

A bad line costs itself alone, and is counted with its reason. A line without `event_id` gets one of
what it says, so the same file, or the same line of another one, can be read again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from shopsearch.catalog.csv_table import CsvTable
from shopsearch.catalog.source import FeedSource
from shopsearch.catalog.textfile import MAX_LINE_CHARS, TextFile
from shopsearch.domain import Event
from shopsearch.errors import EventRejected, FeedFormatError
from shopsearch.events.told import AddToCart, Click, Purchase, View, hashed_id, read_told, shown
from shopsearch.store import EventStore

WRITTEN_AT_ONCE = 5_000  # lines
MAX_FAULTS = 100  # that are listed; all are counted

_NUMBERS = ("quantity", "rank")
_COLUMNS = tuple(
    dict.fromkeys(
        name for model in (View, Click, AddToCart, Purchase) for name in model.model_fields
    )
)


@dataclass(frozen=True, slots=True)
class Fault:
    """A line that is no event, and why."""

    line: int
    reason: str


@dataclass(slots=True)
class ImportReport:
    """What became of the lines of a file; each is counted once."""

    read: int = 0
    imported: int = 0
    known: int = 0  # kept before
    rejected: int = 0
    faults: list[Fault] = field(default_factory=list)  # the first of the rejected

    def reject(self, fault: Fault) -> None:
        """Count a line that is no event."""
        self.rejected += 1
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(fault)


Row = tuple[int, Any]  # the line, and what it spells; or the error that it makes
Report = Callable[[ImportReport, int], None]  # so far, of so many lines


class EventImporter:
    """Reads files of events into a store."""

    def __init__(
        self,
        store: EventStore,
        *,
        keep_days: int,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._keep_days = keep_days
        self._now = now

    def run(self, source: FeedSource, report: Report) -> ImportReport:
        """Import a file. Raises `CatalogError` where it cannot be read at all, `StoreError`."""
        n_lines, rows = _opened(source)
        so_far = ImportReport()
        while some := list(islice(rows, WRITTEN_AT_ONCE)):
            events = [event for row in some if (event := self._event(row, so_far)) is not None]
            n_new = self._store.write(events)
            so_far.read += len(some)
            so_far.imported += n_new
            so_far.known += len(events) - n_new
            report(so_far, n_lines)
        return so_far

    def _event(self, row: Row, so_far: ImportReport) -> Event | None:
        line, record = row
        try:
            if isinstance(record, EventRejected):
                raise record
            return self._read(record)
        except EventRejected as error:
            so_far.reject(Fault(line, str(error)))
            return None

    def _read(self, record: Any) -> Event:
        told = read_told(record)
        if "at" not in told.model_fields_set:
            raise EventRejected("`at` is missing: past events say when they were")
        if problem := told.untimely(self._now(), self._keep_days):
            raise EventRejected(f"`at`: {problem}")
        return told.event(hashed_id("line", json.dumps(record, sort_keys=True)))


def _opened(source: FeedSource) -> tuple[int, Iterator[Row]]:
    """How many lines there are at most, and the rows; JSON lines begin with a brace."""
    start = source.first_bytes().decode("utf-8-sig", "ignore").lstrip()
    if start.startswith("{"):
        lines = TextFile(source)
        return lines.survey(), _objects(lines)
    table = CsvTable(source)
    n_lines = table.survey()
    columns, cells = table.read()
    if strange := [name for name in columns if name not in _COLUMNS]:
        raise FeedFormatError(
            f"{source.name}: there is no `{shown(strange[0])}` in events; write JSON lines, or CSV "
            f"with a header of these columns: {', '.join(_COLUMNS)}"
        )
    if missing := [name for name in ("type", "product_id", "at") if name not in columns]:
        raise FeedFormatError(f"{source.name}: the header lacks the column `{missing[0]}`; add it")
    return n_lines, (
        (row.line, EventRejected(row.problem) if row.problem else _record(columns, row.cells))
        for row in cells
    )


def _record(columns: list[str], cells: list[str]) -> dict[str, object]:
    """What the cells of a line say; an empty one says nothing."""
    record: dict[str, object] = {}
    for name, cell in zip(columns, cells, strict=True):
        if value := cell.strip():
            is_number = name in _NUMBERS and value.isascii() and value.isdigit()
            record[name] = int(value[:20]) if is_number else value
    return record


def _objects(lines: TextFile) -> Iterator[Row]:
    for line in lines.lines():
        if not line.whole:
            reason = f"the line is longer than {MAX_LINE_CHARS:,} characters"
            yield line.number, EventRejected(reason)
        elif line.text.strip():
            yield line.number, _parsed(line.text)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        return EventRejected(f"this is no JSON ({error}); write one object in each line")
