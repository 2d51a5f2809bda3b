"""`events`: what visitors did with products."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shopsearch.cli.options import GlobalOptions, WrittenFile, json_option
from shopsearch.cli.outcome import Exit

if TYPE_CHECKING:
    from shopsearch.bootstrap import Services
    from shopsearch.catalog.source import FeedSource
    from shopsearch.events.importing import ImportReport

_ALL_DAYS = 3650
_SHOWN_FAULTS = 12


class _Scores(WrittenFile):
    """A file whose ending says what it shall hold."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path."""
        path = super().convert(value, param, ctx)
        if path.suffix.lower() not in (".csv", ".jsonl"):
            self.fail(f"{str(path)!r} must end with .csv or .jsonl", param, ctx)
        return path


@click.group()
def events() -> None:
    """Import, prune and weigh what visitors did.

    Views, clicks, carts and purchases of products come from `POST /api/v1/events` and from files;
    docs/events.md tells how to send them.
    """


@events.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, allow_dash=True))
@json_option
@click.pass_context
def import_events(ctx: click.Context, *, file: Path, as_json: bool) -> None:
    """Import past events from FILE, JSON lines or CSV.

    Each line is an event as the API takes it: type, product_id and at, and if there are such
    event_id, visitor_id, order_id and quantity. What is there already is passed over, by event_id,
    or by all that the line says. FILE may be packed by gzip, or - for standard input. The exit code
    is 3 where lines were rejected.
    """
    from shopsearch.cli import console, progress

    options = ctx.ensure_object(GlobalOptions)
    with (
        options.services() as services,
        _source(file) as source,
        progress.steps("importing") as step,
    ):
        report = services.event_importer.run(
            source, lambda so_far, total: step(so_far.read, total, f"{so_far.imported:,} new")
        )
    if as_json:
        console.print_json(_report_json(report))
    else:
        _show(report)
    ctx.exit(Exit.SOME_REJECTED if report.rejected else Exit.DONE)


@contextmanager
def _source(file: Path) -> Iterator[FeedSource]:
    from shopsearch.catalog import FeedSource, spooled

    if str(file) == "-":
        with spooled(sys.stdin.buffer) as source:
            yield source
    else:
        yield FeedSource.of(file)


def _report_json(report: ImportReport) -> dict[str, object]:
    return {
        "read": report.read,
        "imported": report.imported,
        "known": report.known,
        "rejected": report.rejected,
        "faults": [{"line": one.line, "reason": one.reason} for one in report.faults],
    }


def _show(report: ImportReport) -> None:
    click.echo(
        f"{report.read:,} read: {report.imported:,} imported, {report.known:,} known already, "
        f"{report.rejected:,} rejected"
    )
    for one in report.faults[:_SHOWN_FAULTS]:
        click.echo(f"line {one.line:,}: {one.reason}")
    if (hidden := report.rejected - min(len(report.faults), _SHOWN_FAULTS)) > 0:
        click.echo(f"and {hidden:,} more: --json lists the first {len(report.faults):,}")


@events.command()
@click.option(
    "--days",
    type=click.IntRange(0, _ALL_DAYS),
    metavar="N",
    help="Keep so many days [default: $SHOPSEARCH_EVENTS_DAYS].",
)
@json_option
@click.pass_obj
def prune(options: GlobalOptions, *, days: int | None, as_json: bool) -> None:
    """Delete events that are older than some days; 0 deletes all.

    A server does it by itself, about once an hour.
    """
    from shopsearch.cli import console

    with options.services() as services:
        kept = services.settings.events_days if days is None else days
        n_gone = services.events.prune(datetime.now(UTC) - timedelta(days=kept))
    if as_json:
        console.print_json({"deleted": n_gone, "days": kept})
    else:
        are = "event is" if n_gone == 1 else "events are"
        click.echo(f"{n_gone:,} {are} deleted; the last {kept} days stay")


@events.command()
@click.option(
    "--days",
    type=click.IntRange(1, _ALL_DAYS),
    default=30,
    show_default=True,
    metavar="N",
    help="Look back so many days; an event counts half after half of them.",
)
@click.option(
    "--out",
    type=_Scores(makes_folder=False),
    required=True,
    metavar="FILE",
    help="Where to: .csv for product_id and popularity, .jsonl for products to be indexed.",
)
@json_option
@click.pass_obj
def popularity(options: GlobalOptions, *, days: int, out: Path, as_json: bool) -> None:
    """Write how popular products are by what visitors did.

    A view counts 1, a click 2, a cart 5, a purchase 10, and half as much for each half of the days.
    A .jsonl file has the products whose popularity has changed, whole, with the new one:
    `shopsearch index FILE` takes it, for the signal `popularity` and `--sort popularity`.
    """
    from shopsearch.cli import console
    from shopsearch.events import popularity as measured

    with options.services() as services:
        scores = measured.popularity(services.events, datetime.now(UTC), days)
        if out.suffix.lower() == ".csv":
            n_written = _write_scores(out, scores)
        else:
            n_written = _write_changes(services, out, scores)
    if as_json:
        document = {"file": str(out), "days": days, "products": len(scores), "written": n_written}
        console.print_json(document)
        return
    click.echo(f"{len(scores):,} products have events; {n_written:,} are written to {out}")


def _write_scores(out: Path, scores: Mapping[str, float]) -> int:
    from shopsearch.events.popularity import plain_number
    from shopsearch.preprocessing.atomic import write_atomically

    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("product_id", "popularity"))
    rows.writerows((product_id, plain_number(score)) for product_id, score in scores.items())
    write_atomically(out, text.getvalue().encode(errors="replace"))
    return len(scores)


def _write_changes(services: Services, out: Path, scores: Mapping[str, float]) -> int:
    from shopsearch.events.popularity import changed
    from shopsearch.upkeep.archive import whole_file
    from shopsearch.upkeep.export import Exported, JsonlFormat

    n_written = 0
    with whole_file(out) as file, JsonlFormat(file) as lines:
        for batch in services.upkeep.products():
            moved = [Exported(one) for one in changed((each.product for each in batch), scores)]
            lines.write(moved)
            n_written += len(moved)
    return n_written
