"""What an evaluation found: as tables for people, as one JSON document for programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from shopsearch.cli import console
from shopsearch.evaluation.comparison import MAIN, Comparison
from shopsearch.evaluation.curves import Latency

if TYPE_CHECKING:
    from shopsearch.cli.evaluate import Measured
    from shopsearch.evaluation.measures import Evaluation
    from shopsearch.evaluation.slices import Slice
    from shopsearch.evaluation.uncertainty import Interval

_N_SHOWN = 6  # slices of a field beside the marked ones
_N_MOVED = 3  # queries that gained, and that lost, most


def print_json(measured: Measured) -> None:
    """The stable shape of `evaluate --json`; `--compare` reads it again."""
    evaluation, took_ms = measured.evaluation, measured.searched.took_ms
    document: dict[str, Any] = {
        **evaluation.as_json(),
        "slices": [each.as_json() for each in measured.slices],
        "latency_ms": Latency.of(took_ms).as_json(),
        "system": dict(measured.system),
        "judgments": measured.judgments,
    }
    if measured.comparison is not None:
        document["comparison"] = measured.comparison.as_json()
    document["queries"] = {
        query_id: {**row, "took_ms": round(took_ms[query_id], 3)}
        for query_id, row in evaluation.per_query.items()
    }
    console.print_json(document)


def show(measured: Measured) -> None:
    """The same on a terminal."""
    screen = console.out()
    screen.print(_measures(measured.evaluation))
    screen.print(f"over {measured.evaluation.n_queries} queries", style="dim")
    for remark in _remarks(measured.evaluation):
        screen.print(remark, style="yellow")
    times = Latency.of(measured.searched.took_ms)
    said = f"a search took {times.p50:.1f} ms (p50), {times.p95:.1f} (p95), {times.p99:.1f} (p99)"
    screen.print(said, style="dim")
    screen.print()
    screen.print(_slices(measured.slices))
    if measured.comparison is not None:
        _show_comparison(screen, measured.comparison)


def _measures(evaluation: Evaluation) -> Table:
    table = _table()
    table.add_column("measure", style="bold")
    table.add_column("mean", justify="right")
    table.add_column("95 % interval", style="dim")
    for name, mean in evaluation.means.items():
        table.add_row(name, f"{mean:.4f}", _between(evaluation.intervals[name]))
    return table


def _slices(slices: Sequence[Slice]) -> Table:
    """The largest slices of each field, and those that are marked."""
    table = _table()
    table.add_column("by")
    table.add_column("", style="bold", overflow="fold")
    for name in ("queries", MAIN):
        table.add_column(name, justify="right")
    table.add_column("95 % interval", style="dim")
    table.add_column("")
    for field, group in groupby(slices, key=lambda each: each.field):
        members = list(group)
        shown = [each for place, each in enumerate(members) if place < _N_SHOWN or _mark(each)]
        for place, each in enumerate(shown):
            value = f"{each.means[MAIN]:.4f}"
            row = (str(each.n_queries), value, _between(each.intervals[MAIN]), _mark(each))
            table.add_row(Text("" if place else field), Text(each.value), *row)
        if hidden := len(members) - len(shown):
            table.add_row("", Text(f"and {hidden} more", style="dim"))
    return table


def _mark(each: Slice) -> Text:
    """What the slice is in the main measure, beside the mean of all."""
    if MAIN in each.below:
        return Text("below", style="red")
    if MAIN in each.above:
        return Text("above", style="green")
    return Text("")


def _show_comparison(screen: Console, comparison: Comparison) -> None:
    table = _table()
    table.add_column("measure", style="bold")
    for name in ("before", "now", "difference"):
        table.add_column(name, justify="right")
    table.add_column("95 % interval", style="dim")
    for name in ("p", "better", "worse"):
        table.add_column(name, justify="right")
    for name, each in comparison.differences.items():
        low, high = each.interval.as_json()
        changed = (f"{each.before:.4f}", f"{each.now:.4f}", f"{each.change:+.4f}")
        counts = (str(each.n_better), str(each.n_worse))
        table.add_row(name, *changed, f"{low:+.4f} to {high:+.4f}", _p(each.p_value), *counts)
    screen.print()
    screen.print(f"compared with [bold]{escape(str(comparison.earlier.path))}[/]", soft_wrap=True)
    screen.print(table)
    screen.print(f"over {comparison.n_shared} queries that both runs have", style="dim")
    for remark in comparison.remarks():
        screen.print(remark, style="yellow")
    for line in _moved(comparison):
        screen.print(Text(line))


def _moved(comparison: Comparison) -> Iterator[str]:
    for said, moved in (("gained", comparison.gained), ("lost", comparison.lost)):
        if moved:
            most = (f"{e.query_id} ({e.before:.2f} to {e.now:.2f})" for e in moved[:_N_MOVED])
            yield f"{said} most in {MAIN}: {', '.join(most)}"


def _remarks(evaluation: Evaluation) -> list[str]:
    remarks = []
    if n := len(evaluation.unjudged):
        remarks.append(f"{n} queries have no judgment and were left out")
    if n := len(evaluation.unknown):
        remarks.append(f"{n} judged queries are not among the queries and were left out")
    if n := evaluation.n_without_relevant:
        bound = f"{evaluation.relevant_gain:g}"
        remarks.append(f"{n} queries have no product with a gain of {bound} or more")
    return remarks


def _p(value: float) -> str:
    return f"{value:.4f}" if value >= 0.0001 else "< 0.0001"


def _between(interval: Interval) -> str:
    return f"{interval.low:.4f} to {interval.high:.4f}"


def _table() -> Table:
    return Table(box=None, padding=(0, 2, 0, 0))
