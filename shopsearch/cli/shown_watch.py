"""What the runs of a watch look like: a line each, and a sum at the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import structlog
from rich.text import Text

from shopsearch.cli import console, reports

if TYPE_CHECKING:
    from shopsearch.cli.watch import Turn
    from shopsearch.domain import IndexReport

_SHOWN_REASONS = 3
_log = structlog.get_logger(__name__)


def show(turn: Turn, *, as_json: bool) -> None:
    """One run, on standard output; a failed one is logged."""
    if turn.error is not None:
        _log.warning("run failed", run=turn.number, error=told(turn.error))
    if as_json:
        console.print_json_line(turn_json(turn))
    elif turn.report is not None:
        _show(turn, turn.report)


def turn_json(turn: Turn) -> dict[str, Any]:
    """The stable shape of a line of `watch --json`."""
    head = {"run": turn.number, "started_at": turn.started_at.isoformat(timespec="seconds")}
    if turn.report is not None:
        return head | reports.report_json(turn.report)
    return head | {"error": "" if turn.error is None else told(turn.error)}


def sum_up(turns: Sequence[Turn]) -> None:
    """What all runs together did, on standard error."""
    done = [turn.report for turn in turns if turn.report is not None]
    indexed, removed = (sum(getattr(one, name) for one in done) for name in ("indexed", "removed"))
    failed = len(turns) - len(done)
    console.err().print(
        f"the watch has ended: runs {len(turns)}, failed {failed}, products indexed {indexed}, "
        f"removed {removed}"
    )


def told(error: Exception) -> str:
    """What an error says."""
    return str(error) or type(error).__name__


def _show(turn: Turn, report: IndexReport) -> None:
    screen = console.out()
    n_rejected = len(report.rejected)
    line = Text.assemble(
        (f"{turn.started_at.astimezone():%Y-%m-%d %H:%M:%S}  ", "dim"),
        f"{report.read} read, {report.indexed} indexed, {report.unchanged} unchanged, ",
        f"{report.removed} removed, ",
        (f"{n_rejected} rejected", "red" if n_rejected else ""),
        (f" in {report.seconds:.2f} s, generation {report.generation or 'none yet'}", "dim"),
        ", stopped before its end" if report.interrupted else "",
    )
    screen.print(line, soft_wrap=True)
    reasons = reports.grouped(report.rejected)
    for reason in reasons[:_SHOWN_REASONS]:
        n_products = len(reason.rejections)
        screen.print(Text(f"    {n_products} rejected: {reason.first.reason}"), soft_wrap=True)
    if (n_more := len(reasons) - _SHOWN_REASONS) > 0:
        screen.print(f"    and {n_more} more reasons: --json lists every product", style="dim")
