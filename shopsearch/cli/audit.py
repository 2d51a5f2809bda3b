"""`audit`: what is wrong with the catalog."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shopsearch.cli.options import GlobalOptions, WrittenFile, json_option

if TYPE_CHECKING:
    from shopsearch.auditing import Audit, Section
    from shopsearch.auditing.layout import MapWish

_NONE = "\N{EN DASH}"


@click.command()
@click.option(
    "--report",
    type=WrittenFile(makes_folder=False),
    help="Write a report for the browser (HTML), with pictures and a map of the catalog.",
)
@click.option(
    "--csv",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Write every list, whole, as a CSV file into this folder.",
)
@click.option(
    "--map/--no-map",
    "with_map",
    default=None,
    help="Draw the map of the report, or leave it out; it needs `shopsearch[audit]` [default: draw "
    "it where that is installed].",
)
@click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    default=30,
    show_default=True,
    metavar="N",
    help="Show at most so many of each list in the report and in the JSON.",
)
@json_option
@click.pass_obj
def audit(
    options: GlobalOptions,
    *,
    report: Path | None,
    folder: Path | None,
    with_map: bool | None,
    limit: int,
    as_json: bool,
) -> None:
    """Report what is wrong with the catalog.

    Finds pictures that do not match their words, copies, missing and tiny pictures, thin texts, odd
    prices, suspicious categories, gaps and spellings. Works on what is indexed: nothing is encoded,
    and nothing is changed.
    """
    from shopsearch.cli import console

    with options.services() as services:
        audited = services.auditor.audit(_stage, _wish(report, with_map=with_map))
        if report is not None:
            from shopsearch.auditing.report import write_report

            write_report(report, audited, services.pictures, limit)
    if folder is not None:
        from shopsearch.auditing.files import write_lists

        write_lists(folder, audited.audit)
    if as_json:
        console.print_json(audited.audit.as_json(limit))
    else:
        _show(audited.audit)
    for what, path in (("report", report), ("lists", folder)):
        if path is not None:
            click.echo(f"{what}: {path}", err=True)


def _wish(report: Path | None, *, with_map: bool | None) -> MapWish:
    """Whether to draw a map, which only a report shows."""
    from shopsearch.auditing.layout import MapWish

    if report is None:
        if with_map:
            raise click.UsageError("the map is a part of the report: name its file with --report")
        return MapWish.NO
    if with_map is None:
        return MapWish.IF_POSSIBLE
    return MapWish.YES if with_map else MapWish.NO


@contextmanager
def _stage(name: str) -> Iterator[Callable[[int, int | None], None]]:
    """A bar for one stage of the work."""
    from shopsearch.cli import progress

    with progress.steps(name) as step:
        yield lambda done, total: step(done, total, "")


def _show(audit: Audit) -> None:
    from rich.table import Table

    from shopsearch.cli import console

    screen = console.out()
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("section", style="bold")
    for heading in ("checked", "found", "score"):
        table.add_column(heading, justify="right")
    table.add_column("what", style="dim", overflow="fold")
    for section in audit.sections:
        found = f"{section.n_faulty:,}" if section.n_checked else _NONE
        kinds = ", ".join(f"{n:,} {kind}" for kind, n in section.counts.items() if n)
        table.add_row(
            section.title, f"{section.n_checked:,}", found, _score(section), kinds or _why(section)
        )
    screen.print(table)
    score = _NONE if audit.score is None else f"{audit.score:.1f}"
    screen.print(f"{audit.n_products:,} products, {score} of 100", style="bold")
    for remark in audit.remarks:
        screen.print(remark, style="yellow", markup=False)


def _score(section: Section) -> str:
    return _NONE if section.score is None else f"{section.score:.1f}"


def _why(section: Section) -> str:
    """Why nothing was checked."""
    return "" if section.n_checked else "; ".join(section.remarks)
