"""`feeds`: look at a feed before it is indexed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shopsearch.cli.feed_options import Reading, feed_argument, feed_options, tell_notes
from shopsearch.cli.options import GlobalOptions, WrittenFile, json_option
from shopsearch.cli.outcome import Exit

if TYPE_CHECKING:
    from shopsearch.catalog.checking import FeedCheck, LookAt
    from shopsearch.catalog.watch import ColumnUse
    from shopsearch.domain import Rejection

_SHOWN_FAULTS = 12
_SHOWN_COLUMNS = 40
_FAULT_COLUMNS = ("row", "product_id", "field", "column", "value", "reason")


@click.group()
def feeds() -> None:
    """Check a feed before it is indexed."""


@feeds.command()
@feed_argument
@feed_options
@click.option("--pictures", is_flag=True, help="Also open the pictures that are files.")
@click.option(
    "--csv",
    "csv_file",
    type=WrittenFile(makes_folder=False),
    metavar="FILE",
    help="Write all faults into this file.",
)
@json_option
@click.pass_context
def check(
    ctx: click.Context,
    *,
    feed: Path,
    reading: Reading,
    pictures: bool,
    csv_file: Path | None,
    as_json: bool,
) -> None:
    """Say what is wrong with a FEED, and index nothing.

    Faults are what `shopsearch index` would reject; warnings are what could be better. Neither a
    database nor a model is needed. FEED and its options are those of `shopsearch index`. The exit
    code is 0 where all products are valid, 3 where some would be rejected, and 1 where the feed
    cannot be read.
    """
    from shopsearch.catalog import format_of
    from shopsearch.catalog.checking import check_feed
    from shopsearch.catalog.watch import ColumnWatch
    from shopsearch.cli import console, progress

    settings = ctx.ensure_object(GlobalOptions).settings()
    look_at = _look_at(settings.max_image_bytes, settings.max_image_pixels) if pictures else None
    watch = ColumnWatch()
    with reading.source(feed) as source:
        opened = reading.open(source, settings.currency, watch)
        total = opened.size_hint()
        with progress.steps("checking") as step:
            found = check_feed(
                opened,
                watch,
                look_at=look_at,
                tell=lambda read, faulty: step(read, total, f"{faulty} at fault"),
            )
        tell_notes(opened)
    if csv_file is not None:
        _write_faults(csv_file, found.faults)
    if as_json:
        console.print_json(_as_json(found, source.name, format_of(opened)))
    else:
        _show(found, format_of(opened))
    ctx.exit(Exit.SOME_REJECTED if found.faults else Exit.DONE)


def _look_at(max_bytes: int, max_pixels: int) -> LookAt:
    from shopsearch.errors import PictureRejected
    from shopsearch.preprocessing.images import decode
    from shopsearch.preprocessing.local import read_picture

    def look_at(place: str) -> tuple[int, int]:
        encoded = read_picture(place, max_bytes)
        try:
            return decode(encoded, max_pixels=max_pixels).size
        except PictureRejected as error:
            raise PictureRejected(f"{place}: {error}") from error

    return look_at


def _as_json(found: FeedCheck, feed: str, format: str) -> dict[str, Any]:
    return {
        "feed": feed,
        "format": format,
        "read": found.read,
        "valid": found.valid,
        "removed": found.removed,
        "faults": [
            {name: getattr(fault, name) for name in _FAULT_COLUMNS} for fault in found.faults
        ],
        "warnings": [
            {
                "kind": remark.kind,
                "count": remark.n,
                "message": remark.message,
                "examples": list(remark.examples),
            }
            for remark in found.remarks
        ],
        "columns": [
            {
                "column": use.column,
                **({"field": use.field} if use.field else {"attribute": use.attribute or "*"}),
                "filled": use.filled,
            }
            for use in found.columns
        ],
    }


def _write_faults(path: Path, faults: Sequence[Rejection]) -> None:
    import csv
    import io

    from shopsearch.preprocessing.atomic import write_atomically

    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(_FAULT_COLUMNS)
    rows.writerows([getattr(fault, name) for name in _FAULT_COLUMNS] for fault in faults)
    write_atomically(path, text.getvalue().encode(errors="replace"))


def _show(found: FeedCheck, format: str) -> None:
    from rich.text import Text

    from shopsearch.cli import console
    from shopsearch.cli.reports import grouped, reasons_table

    screen = console.out()
    taken_out = f", {found.removed:,} to be taken out" if found.removed else ""
    counts = f"{found.read:,} read as {format}: {found.valid:,} valid{taken_out}, "
    n_faults = len(found.faults)
    screen.print(Text.assemble(counts, (f"{n_faults:,} at fault", "red" if n_faults else "green")))
    screen.print()
    screen.print(_columns_table(found.columns[:_SHOWN_COLUMNS], found.read))
    if (hidden := len(found.columns) - _SHOWN_COLUMNS) > 0:
        screen.print(f"and {hidden} more columns: --json lists them all", style="dim")
    if found.faults:
        reasons = grouped(found.faults)
        screen.print()
        screen.print(reasons_table(reasons[:_SHOWN_FAULTS], title="Faults"))
        if (hidden := len(reasons) - _SHOWN_FAULTS) > 0:
            screen.print(f"and {hidden} more reasons: --json lists every fault", style="dim")
    for remark in found.remarks:
        examples = f", such as {'; '.join(remark.examples[:3])}" if remark.examples else ""
        told = Text.assemble(("warning: ", "yellow"), remark.message, (examples, "dim"))
        screen.print(told, soft_wrap=True)


def _columns_table(columns: Sequence[ColumnUse], n_read: int) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(title="Columns", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for title in ("column", "becomes", "filled"):
        table.add_column(title, overflow="fold")
    for use in columns:
        becomes = use.field or (f"attribute {use.attribute}" if use.attribute else "attributes")
        share = f"{use.filled:,} ({use.filled / n_read:.0%})" if n_read else "0"
        column = use.column.encode(errors="replace").decode()
        table.add_row(Text(column), Text(becomes), share)
    return table
