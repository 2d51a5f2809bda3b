"""The lists of an audit as CSV files: all rows, one file for each section."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from shopsearch.auditing.findings import Audit, cells_of
from shopsearch.preprocessing.atomic import write_atomically

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what spreadsheets take for the start of a formula


def write_lists(folder: Path, audit: Audit) -> tuple[Path, ...]:
    """Write every section, and `summary.csv`, into a folder that is made; the files written."""
    written = []
    for section in audit.sections:
        path = folder / f"{section.name}.csv"
        rows = (cells_of(one, section.columns) for one in section.findings)
        _write(path, section.columns, rows)
        written.append(path)
    summary = folder / "summary.csv"
    _write(summary, ("section", "checked", "found", "score"), _summary(audit))
    return (*written, summary)


def _summary(audit: Audit) -> Iterable[list[str]]:
    for section in audit.sections:
        score = "" if section.score is None else f"{section.score:.2f}"
        yield [section.name, str(section.n_checked), str(section.n_faulty), score]


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(map(_harmless, rows))
    write_atomically(path, text.getvalue().encode("utf-8", "replace"))


def _harmless(cells: Sequence[str]) -> list[str]:
    """A feed is written by others: none of its words may become a formula. Numbers stay."""
    return [
        f"'{cell}" if cell.startswith(_FORMULA) and not _is_number(cell) else cell for cell in cells
    ]


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
