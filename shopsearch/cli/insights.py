"""`insights`: what was searched for, found and clicked on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shopsearch.cli.options import GlobalOptions, WrittenFile, json_option, refuse_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shopsearch.bootstrap import Services
    from shopsearch.insights.judgments import Judgments
    from shopsearch.insights.summary import Insights

DAYS = 30
_ALL = 3650


@click.group(invoke_without_command=True)
@click.option(
    "--days",
    type=click.IntRange(1, _ALL),
    default=DAYS,
    show_default=True,
    metavar="N",
    help="Look back so many days.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=10,
    show_default=True,
    metavar="N",
    help="Show at most so many queries of each list.",
)
@click.option(
    "--report",
    type=WrittenFile(makes_folder=False),
    help="Also write a report for the browser (HTML).",
)
@json_option
@click.pass_context
def insights(
    ctx: click.Context, *, days: int, limit: int, report: Path | None, as_json: bool
) -> None:
    """Show what was searched for, found and clicked on.

    Reads what `serve` has logged: top queries, those that found nothing or of which nothing was
    clicked, click-through, mean reciprocal click rank, latency. docs/privacy.md says what that is.
    """
    if ctx.invoked_subcommand is not None:
        refuse_options(ctx)
        return
    from shopsearch.cli import console, shown_insights
    from shopsearch.events.popularity import n_by_kind
    from shopsearch.insights.summary import summarise

    until = datetime.now(UTC)
    since = until - timedelta(days=days)
    with ctx.obj.services() as services:
        found = summarise(services.search_log.read(since, until), since, until, limit=limit)
        n_events = n_by_kind(services.events, since, until)
    if report is not None:
        _write_report(report, found)
    if as_json:
        console.print_json(found.as_json() | {"events": n_events})
    else:
        shown_insights.show(found)
        shown_insights.show_events(n_events)


def _write_report(path: Path, found: Insights) -> None:
    from shopsearch.insights.report import write_report

    write_report(path, found)
    click.echo(f"report: {path}", err=True)


@insights.command()
@click.option(
    "--days",
    type=click.IntRange(0, _ALL),
    metavar="N",
    help="Keep so many days [default: $SHOPSEARCH_SEARCH_LOG_DAYS].",
)
@json_option
@click.pass_obj
def prune(options: GlobalOptions, *, days: int | None, as_json: bool) -> None:
    """Delete logged searches that are older than some days; 0 deletes all.

    A server does it by itself, about once an hour.
    """
    from shopsearch.cli import console

    with options.services() as services:
        kept = services.settings.search_log_days if days is None else days
        n_gone = services.search_log.prune(datetime.now(UTC) - timedelta(days=kept))
    if as_json:
        console.print_json({"deleted": n_gone, "days": kept})
    else:
        are = "search is" if n_gone == 1 else "searches are"
        console.out().print(f"{n_gone:,} {are} deleted; the last {kept} days stay")


@insights.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, writable=True))
@click.option(
    "--days",
    type=click.IntRange(1, _ALL),
    metavar="N",
    help="Look back so many days [default: all that is logged].",
)
@click.option(
    "--min-sessions",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    metavar="N",
    help="Only queries that at least so many sessions asked.",
)
@click.option(
    "--min-shown",
    type=click.IntRange(1),
    default=5,
    show_default=True,
    metavar="N",
    help="Only products that at least so many sessions saw for the query.",
)
@json_option
@click.pass_obj
def export(
    options: GlobalOptions,
    *,
    folder: Path,
    days: int | None,
    min_sessions: int,
    min_shown: int,
    as_json: bool,
) -> None:
    """Write judgments from clicks, for `evaluate` and `train ranking`.

    FOLDER gets queries.jsonl and qrels.csv. The gain of a product is its clicks over those that its
    places alone would have brought it (COEC), from 0 to 3; 1 is as many.
    """
    from shopsearch.cli import console
    from shopsearch.insights.judgments import judge, write_judgments

    until = datetime.now(UTC)
    since = until - timedelta(days=days or _ALL)
    with options.services() as services:
        judgments = judge(
            lambda: services.search_log.read(since, until),
            lambda product_ids: _known(services, product_ids),
            min_sessions=min_sessions,
            min_shown=min_shown,
        )
    write_judgments(folder, judgments)
    if as_json:
        console.print_json(_judgments_json(judgments, folder))
    else:
        _show_judgments(judgments, folder)


def _known(services: Services, product_ids: Sequence[str]) -> set[str]:
    return set(services.store.fingerprints(product_ids))


def _judgments_json(judgments: Judgments, folder: Path) -> dict[str, object]:
    return {
        "folder": str(folder),
        "queries": len(judgments.texts),
        "judgments": judgments.n_judgments,
        "sessions": judgments.n_sessions,
        "click_rates": [round(rate, 4) for rate in judgments.rates],
    }


def _show_judgments(judgments: Judgments, folder: Path) -> None:
    from shopsearch.cli import console

    screen = console.out()
    screen.print(
        f"{len(judgments.texts):,} queries and {judgments.n_judgments:,} judgments of "
        f"{judgments.n_sessions:,} sessions are in {folder}",
        soft_wrap=True,
    )
    files = f"--queries {folder / 'queries.jsonl'} --qrels {folder / 'qrels.csv'}"
    screen.print(f"next: shopsearch evaluate {files}", style="dim", soft_wrap=True)
