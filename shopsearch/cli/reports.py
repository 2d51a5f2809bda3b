"""What an indexing run did: as JSON, as a table, and as an exit code."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from shopsearch.cli import console
from shopsearch.cli.outcome import Exit, complain

if TYPE_CHECKING:
    from shopsearch.domain import IndexReport, Rejection

_SHOWN_REASONS = 12
_VALUES = re.compile(r"'[^']*'|\"[^\"]*\"|https?://\S+|(?<!\w)/\S+|\d[\d.,]*")


@dataclass(frozen=True, slots=True)
class Reason:
    """Rejections whose messages differ in their values alone, in the order of the feed."""

    rejections: tuple[Rejection, ...]

    @property
    def first(self) -> Rejection:
        """The one that is shown in full."""
        return self.rejections[0]


def grouped(rejections: Sequence[Rejection]) -> list[Reason]:
    """Rejections by reason, the most frequent first."""
    by_reason: dict[str, list[Rejection]] = {}
    for rejection in rejections:
        by_reason.setdefault(_VALUES.sub("*", rejection.reason), []).append(rejection)
    groups = sorted(by_reason.values(), key=len, reverse=True)
    return [Reason(tuple(group)) for group in groups]


def report_json(report: IndexReport) -> dict[str, Any]:
    """The stable shape of `index --json`."""
    document = asdict(report)
    document["rejected"] = [
        {"row": one.row, "product_id": one.product_id, "reason": one.reason}
        for one in report.rejected
    ]
    document["seconds"] = round(report.seconds, 3)
    del document["interrupted"]  # the exit code says so
    return document


def conclude(report: IndexReport, *, as_json: bool) -> Exit:
    """Show the report on standard output; the exit code that it amounts to."""
    if as_json:
        console.print_json(report_json(report))
    else:
        _show(report)
    if report.interrupted:
        console.err().print(_how_to_go_on(report), soft_wrap=True)
        return Exit.INTERRUPTED
    if report.not_pruned:
        complain(f"nothing was pruned: {report.not_pruned}")
        if all(one.product_id for one in report.rejected):  # else the rejected rows are the reason
            return Exit.FAILED
    return Exit.SOME_REJECTED if report.rejected else Exit.DONE


def _show(report: IndexReport) -> None:
    screen = console.out()
    counts = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    counts.add_column(style="bold", no_wrap=True)
    counts.add_column(justify="right")
    counts.add_column(style="dim")
    rate = f", {report.read / report.seconds:.0f}/s" if report.read and report.seconds else ""
    encoded = f"{report.texts_encoded} texts and {report.images_encoded} pictures encoded"
    counts.add_row("read", str(report.read), f"in {report.seconds:.1f} s{rate}")
    counts.add_row("indexed", str(report.indexed), encoded)
    counts.add_row("unchanged", str(report.unchanged))
    counts.add_row("removed", str(report.removed))
    n_rejected = len(report.rejected)
    counts.add_row("rejected", Text(str(n_rejected), style="red" if n_rejected else ""))
    screen.print(counts)
    screen.print(f"generation  {report.generation or 'none yet'}", style="dim")
    if report.rejected:
        _show_reasons(grouped(report.rejected))


def reasons_table(reasons: Sequence[Reason], *, title: str) -> Table:
    """One line for each reason: how many products, their first rows, the first of them in full."""
    table = Table(title=title, title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("products", justify="right", style="red")
    table.add_column("first rows", style="dim", max_width=20)
    table.add_column("reason, as the first of them has it", overflow="fold")
    for reason in reasons:
        rows = ", ".join(str(rejection.row) for rejection in reason.rejections[:4])
        more = ", …" if len(reason.rejections) > 4 else ""
        product_id = reason.first.product_id
        said = Text.assemble((f"{product_id}: " if product_id else "", "bold"), reason.first.reason)
        table.add_row(str(len(reason.rejections)), rows + more, said)
    return table


def _show_reasons(reasons: Sequence[Reason]) -> None:
    screen = console.out()
    screen.print()
    screen.print(reasons_table(reasons[:_SHOWN_REASONS], title="Rejected"))
    if (hidden := len(reasons) - _SHOWN_REASONS) > 0:
        screen.print(f"and {hidden} more reasons: --json lists every product", style="dim")


def _how_to_go_on(report: IndexReport) -> str:
    live = f"generation {report.generation} is live" if report.generation else "nothing is live yet"
    return (
        f"[yellow]stopped:[/] {report.indexed} products of this run are kept and {live}. "
        "Run the same command again to go on: what is done already is skipped."
    )
