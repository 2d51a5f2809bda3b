"""`verify`: is all that is kept as it was written, and does it fit together."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from shopsearch.cli.options import GlobalOptions, json_option
from shopsearch.cli.outcome import Exit

if TYPE_CHECKING:
    from shopsearch.bootstrap import Services
    from shopsearch.upkeep.faults import Fault
    from shopsearch.upkeep.repairing import Repair
    from shopsearch.upkeep.verifying import CheckResult, Stage

SHOWN_ON_SCREEN = 10  # faults of one check


@click.command()
@click.option(
    "--repair",
    is_flag=True,
    help="Mend what can be mended: nothing is encoded that is kept, and no product is lost.",
)
@click.option(
    "--sources",
    is_flag=True,
    help="Also compare the pictures' files with the hashes and copies made of them; slow.",
)
@json_option
@click.pass_context
def verify(ctx: click.Context, *, repair: bool, sources: bool, as_json: bool) -> None:
    """Check that all that is kept is whole and fits together.

    Looks at the files of every index generation, the database, the kept embeddings, the index
    against the stored products, and the pictures. The exit code is 1 where faults are found, with
    --repair where faults are left. Files of no product are a note, not a fault.
    """
    from shopsearch.cli import console

    started = time.perf_counter()
    done: Repair | None = None
    with _services(ctx) as services, ExitStack() as bars:
        stage = _stage(bars)
        if repair:
            done = services.repairer.run(stage, sources=sources)
            results = done.results
        else:
            results = services.verifier.run(stage, sources=sources)
    seconds = time.perf_counter() - started
    if as_json:
        console.print_json(_as_json(results, done, seconds))
    else:
        _show(results, done)
    ctx.exit(Exit.FAILED if any(result.n_faults for result in results) else Exit.DONE)


def _services(ctx: click.Context) -> Services:
    """Services for looking: no table is changed. Ends the command where there is nothing yet."""
    from shopsearch.cli import console
    from shopsearch.cli.checkup import unopened

    settings = ctx.ensure_object(GlobalOptions).settings()
    services = unopened(settings)
    if not settings.home.is_dir():
        click.echo(f"there is nothing in {settings.home} yet", err=True)
        if ctx.params["as_json"]:
            console.print_json({"ok": True, "checks": [], "seconds": 0.0})
        ctx.exit(Exit.DONE)
    return services


def _stage(bars: ExitStack) -> Stage:
    from shopsearch.cli import progress

    def stage(name: str) -> Callable[[int], None]:
        bars.close()
        step = bars.enter_context(progress.steps(f"checking {name}"))
        return lambda done: step(done, None, "")

    return stage


def _as_json(
    results: Sequence[CheckResult], repair: Repair | None, seconds: float
) -> dict[str, Any]:
    document: dict[str, Any] = {
        "ok": not any(result.n_faults for result in results),
        "checks": [
            {
                "check": result.name,
                "verdict": result.verdict.value,
                "examined": result.examined,
                "faults": result.n_faults,
                "notes": result.n_notes,
                "skipped": result.skipped,
                "found": [_fault_json(fault) for fault in result.shown],
            }
            for result in results
        ],
        "seconds": round(seconds, 3),
    }
    if repair is not None:
        document["repaired"] = dict(repair.done)
        document["reindexed"] = None
        if (report := repair.reindexed) is not None:
            document["reindexed"] = {
                "generation": report.generation,
                "products": report.indexed,
                "texts_encoded": report.texts_encoded,
                "images_encoded": report.images_encoded,
                "rejected": [asdict(rejection) for rejection in report.rejected],
            }
    return document


def _fault_json(fault: Fault) -> dict[str, Any]:
    return {
        "severity": fault.severity.value,
        "subject": fault.subject,
        "what": fault.what,
        "remedy": fault.remedy,
        "repair": fault.cure.value,
    }


def _show(results: Sequence[CheckResult], repair: Repair | None) -> None:
    from rich.table import Table

    from shopsearch.cli import console

    screen = console.out()
    if repair is not None:
        _show_repair(repair)
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("check", "verdict", "examined", "faults", "notes"):
        table.add_column(title, justify="left" if title in ("check", "verdict") else "right")
    colours = {"ok": "green", "note": "cyan", "fault": "red", "skipped": "yellow"}
    for result in results:
        verdict = f"[{colours[result.verdict.value]}]{result.verdict.value}[/]"
        counts = (str(result.examined), str(result.n_faults), str(result.n_notes))
        table.add_row(result.name, verdict, *counts)
    screen.print(table)
    for result in results:
        _show_found(result)


def _show_found(result: CheckResult) -> None:
    if result.skipped:
        click.echo(f"{result.name}: skipped, {result.skipped}")
    for fault in result.shown[:SHOWN_ON_SCREEN]:
        click.echo(f"{result.name}: {fault.subject}: {fault.what}")
        if fault.remedy:
            click.echo(f"    → {fault.remedy}")
    if (hidden := result.n_faults + result.n_notes - SHOWN_ON_SCREEN) > 0:
        click.echo(f"{result.name}: and {hidden} more; --json tells the first 100")


def _show_repair(repair: Repair) -> None:
    done = ", ".join(f"{n} {what.replace('_', ' ')}" for what, n in sorted(repair.done.items()))
    click.echo(f"repaired: {done or 'nothing'}")
    if (report := repair.reindexed) is not None:
        click.echo(
            f"the index was built anew: generation {report.generation}, {report.indexed} products, "
            f"{report.texts_encoded} texts and {report.images_encoded} pictures encoded"
        )
        for rejection in report.rejected[:SHOWN_ON_SCREEN]:
            click.echo(f"    not in it: product {rejection.product_id!r}: {rejection.reason}")
