"""Insights as tables on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.table import Table
from rich.text import Text

from shopsearch.cli import console
from shopsearch.insights.report import NONE, share
from shopsearch.insights.summary import Insights, QueryFigures

_SHOWN_RANKS = 10
_NOTHING = (
    "Nothing is logged in this time. `shopsearch serve` logs searches while SHOPSEARCH_SEARCH_LOG "
    "is on."
)


def show(insights: Insights) -> None:
    """All figures but those by day."""
    screen = console.out()
    if not insights.n_searches:
        screen.print(_NOTHING, soft_wrap=True)
        return
    screen.print(_overview(insights))
    for title, listed in (
        ("Top queries", insights.top),
        ("Nothing found", insights.nothing_found),
        ("Without clicks", insights.not_clicked),
        ("No product has all words", insights.relaxed),
        ("Corrected", insights.corrected),
    ):
        if listed:
            screen.print()
            screen.print(_queries(title, listed))
    if insights.n_clicks:
        screen.print()
        screen.print(_ranks(insights))


def show_events(n_by_kind: Mapping[str, int]) -> None:
    """How many events of each kind there were, where there were any."""
    if any(n_by_kind.values()):
        told = ", ".join(f"{n:,} {kind}" for kind, n in n_by_kind.items() if n)
        console.out().print(f"\nevents: {told}", soft_wrap=True)


def _overview(insights: Insights) -> Table:
    table = _table("")
    table.show_header = False
    table.add_column(style="bold", no_wrap=True)
    table.add_column(justify="right")
    table.add_column(style="dim")
    kinds = ", ".join(f"{n:,} {kind}" for kind, n in insights.kinds)
    table.add_row("searches", f"{insights.n_searches:,}", kinds)
    table.add_row("further pages", f"{insights.n_further_pages:,}")
    table.add_row("sessions", f"{insights.n_sessions:,}", "a new one each day")
    table.add_row(
        "click-through", share(insights.click_through), f"{insights.n_clicks:,} clicks in all"
    )
    rank = insights.mean_reciprocal_click_rank
    table.add_row("mean reciprocal click rank", NONE if rank is None else f"{rank:.3f}")
    if insights.latency is not None:
        times = insights.latency
        told = f"p50; p95 {times.p95:.1f}, p99 {times.p99:.1f}"
        table.add_row("latency, ms", f"{times.p50:.1f}", told)
    if insights.n_withheld:
        table.add_row("withheld", f"{insights.n_withheld:,}", "words like personal data")
    return table


def _queries(title: str, listed: Sequence[QueryFigures]) -> Table:
    table = _table(title)
    table.add_column("query", overflow="fold", max_width=60)
    for name in ("searches", "sessions", "click-through", "hits, mean", "with filter", "p50 ms"):
        table.add_column(name, justify="right")
    for one in listed:
        table.add_row(
            Text(one.text),
            f"{one.n_searches:,}",
            f"{one.n_sessions:,}",
            share(one.click_through),
            f"{one.mean_total:,.0f}",
            f"{one.n_filtered:,}",
            f"{one.p50_ms:.1f}",
        )
    return table


def _ranks(insights: Insights) -> Table:
    table = _table("Clicks by rank")
    for name in ("rank", "shown", "clicks", "click-through"):
        table.add_column(name, justify="right")
    for one in insights.ranks[:_SHOWN_RANKS]:
        table.add_row(
            str(one.rank), f"{one.n_shown:,}", f"{one.n_clicks:,}", share(one.click_through)
        )
    return table


def _table(title: str) -> Table:
    return Table(title=title or None, title_justify="left", box=None, padding=(0, 2, 0, 0))
