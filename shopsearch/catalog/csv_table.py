"""The rows of CSV (RFC 4180, as spreadsheets and shops write it): comma, semicolon or tab."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from shopsearch.catalog.source import FeedSource
from shopsearch.catalog.textfile import MAX_LINE_CHARS, Line, TextFile
from shopsearch.errors import FeedFormatError

_DELIMITERS = (",", ";", "\t")
_QUOTE = '"'


@dataclass(frozen=True, slots=True)
class Cells:
    """One record: its cells, or why it has none."""

    line: int  # where it begins
    cells: list[str]
    problem: str = ""


class CsvTable:
    """A CSV file as rows of cells. Raises `CatalogError`; see `TextFile`."""

    def __init__(self, source: FeedSource) -> None:
        self._file = TextFile(source)
        self._n_lines: int | None = None

    def survey(self) -> int:
        """See once that it is text to its end; how many records there are if quotes are sound."""
        if self._n_lines is None:
            self._n_lines = self._file.survey(quote=_QUOTE)
        return max(0, self._n_lines - 1)

    def read(self) -> tuple[list[str], Iterator[Cells]]:
        """The columns, each with a name of its own, and the rows below."""
        lines = _Lines(self._file.lines())
        delimiter, columns = self._header(lines)
        return columns, _records(lines, delimiter, len(columns))

    def _header(self, lines: _Lines) -> tuple[str, list[str]]:
        name, delimiter = self._file.source.name, ""
        for line in lines:
            if line.startswith("sep=") and len(line.strip()) == 5:  # Excel's own first line
                delimiter = line.strip()[4]
            elif line.strip():
                lines.give_back(1)
                break
        else:
            raise FeedFormatError(f"{name}: the file is empty; export the feed again")
        delimiter = delimiter or max(_DELIMITERS, key=_outside_quotes(line).count)
        header = next(_records(lines, delimiter, n_columns=None))
        if header.problem or "\x00" in "".join(header.cells):
            reason = header.problem or "it holds NUL bytes; is this a text file?"
            raise FeedFormatError(f"{name}: line {header.line}, the header: {reason}")
        return delimiter, _unique([cell.strip() for cell in header.cells])


class _Lines(Iterator[str]):
    """Lines for a csv reader: remembers those of the current record, and takes them back."""

    def __init__(self, source: Iterator[Line]) -> None:
        self._source = source
        self._returned: deque[Line] = deque()
        self.begin()

    def begin(self) -> None:
        """A record begins."""
        self.taken: list[Line] = []
        self.problem = ""
        self._n_chars = 0

    def give_back(self, n_lines: int) -> None:
        """The last lines of this record are read again, as part of the next."""
        for _ in range(n_lines):
            self._returned.appendleft(self.taken.pop())

    def __next__(self) -> str:
        line = self._returned.popleft() if self._returned else next(self._source, None)
        if line is None:
            if self.taken:  # csv asks for more only inside of quotes
                self.problem = "a quote that opens here is never closed; close it, or double it"
            raise StopIteration
        self.taken.append(line)
        self._n_chars += len(line.text)
        if not line.whole:
            self.problem = f"the line is longer than {MAX_LINE_CHARS:,} characters; split it"
            raise StopIteration
        if self._n_chars > MAX_LINE_CHARS:
            self.problem = (
                f"a quote that opens here is not closed within {MAX_LINE_CHARS:,} characters; "
                f"close it, or double it"
            )
            raise StopIteration
        return line.text


def _records(lines: _Lines, delimiter: str, n_columns: int | None) -> Iterator[Cells]:
    """The records; a broken one costs its first line alone, if what follows looks sound."""
    reader = csv.reader(lines, delimiter=delimiter)
    while True:
        lines.begin()
        try:
            cells = next(reader)
        except StopIteration:
            if not lines.taken:
                return
            cells = []
        except csv.Error as error:
            cells, lines.problem = [], f"the row cannot be read ({error}); is a quote left open?"
        first, problem = lines.taken[0].number, lines.problem
        if problem:
            lines.give_back(len(lines.taken) - 1)
        elif not "".join(cells).strip() and len(cells) < 2:
            continue  # a blank line
        elif n_columns is not None:
            while len(cells) > n_columns and not cells[-1].strip():
                cells.pop()
            problem = _miscounted(cells, n_columns, lines, delimiter)
        yield Cells(first, cells, problem)


def _miscounted(cells: list[str], n_columns: int, lines: _Lines, delimiter: str) -> str:
    if len(cells) == n_columns:
        return ""
    n_lines = len(lines.taken)
    cause = f"put quotes around cells that hold {delimiter!r} or a line break"
    if n_lines > 1 and _swallowed(lines.taken[1:], n_columns, delimiter):
        lines.give_back(n_lines - 1)
        cause = "a quote that opens here is not closed; close it, or double it"
    elif n_lines > 1:
        cause = f"it ends in line {lines.taken[-1].number}; is a quote left open, or not doubled?"
    return f"the row has {len(cells)} cells where the header has {n_columns}; {cause}"


def _swallowed(lines: list[Line], n_columns: int, delimiter: str) -> bool:
    """Whether most of these lines are records of their own, caught behind a stray quote."""
    sound = sum(
        len(next(csv.reader([line.text], delimiter=delimiter), [])) == n_columns for line in lines
    )
    return 2 * sound >= len(lines)


def _outside_quotes(line: str) -> str:
    return "".join(line.split(_QUOTE)[::2])


def _unique(columns: list[str]) -> list[str]:
    """Names for all columns: an empty one is told by its place, a repeated one is numbered."""
    names: list[str] = []
    for place, column in enumerate(columns, start=1):
        name, n = column or f"column_{place}", 2
        while name in names:
            name, n = f"{column}_{n}", n + 1
        names.append(name)
    return names
