"""`doctor`: does everything here work, and what is to be done where it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from shopsearch.cli.options import GlobalOptions, json_option
from shopsearch.cli.outcome import Exit

if TYPE_CHECKING:
    from shopsearch.cli.checkup import Finding


@click.command()
@json_option
@click.pass_context
def doctor(ctx: click.Context, *, as_json: bool) -> None:
    """Check this installation, and say what to do.

    Looks at packages, model, pictures, home folder, database and index; changes nothing. The exit
    code is 1 where something that is needed does not work.
    """
    from shopsearch.cli import checkup, console

    settings = ctx.ensure_object(GlobalOptions).settings()
    found = []
    with checkup.unopened(settings) as services:
        for finding in checkup.findings(services):
            found.append(finding)
            if not as_json:
                _show(finding)
    failed = [finding for finding in found if finding.verdict is checkup.Verdict.FAIL]
    if as_json:
        console.print_json({"ok": not failed, "checks": [_as_json(f) for f in found]})
    ctx.exit(Exit.FAILED if failed else Exit.DONE)


def _as_json(finding: Finding) -> dict[str, str]:
    return {
        "subject": finding.subject,
        "verdict": finding.verdict.value,
        "message": finding.message,
        "remedy": finding.remedy,
    }


def _show(finding: Finding) -> None:
    color = {"ok": "green", "warn": "yellow", "fail": "red"}[finding.verdict.value]
    verdict = click.style(f"{finding.verdict.value:<5}", fg=color, bold=True)
    click.echo(f"{verdict} {finding.subject:<9} {finding.message}")
    if finding.remedy:
        click.echo(f"{'':<15} → {finding.remedy}")
