"""`watch`: what `index` does, again and again."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shopsearch.cli.feed_options import (
    AskedFeed,
    Pruning,
    Reading,
    feed_options,
    prune_options,
)
from shopsearch.cli.options import GlobalOptions, step_back
from shopsearch.cli.outcome import Exit
from shopsearch.errors import CatalogError, HomeBusy, SettingsError, ShopsearchError

if TYPE_CHECKING:
    from shopsearch.bootstrap import Services
    from shopsearch.cli.stopping import Stop
    from shopsearch.cli.watched_feed import WatchedFeed
    from shopsearch.domain import IndexReport
    from shopsearch.settings import Settings

DEFAULT_EVERY_S = 900.0
LEAST_EVERY_S = 1.0
LOOK_EVERY_S = 0.25
RETRY_S = 60.0  # after a failed run, where only changes count
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_INTERVAL = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")


def read_interval(
    ctx: click.Context,  # noqa: ARG001 - click's signature
    param: click.Parameter,
    value: str | None,
) -> float | None:
    """A time such as 90s, 15m or 2h, in seconds."""
    if value is None:
        return None
    told = _INTERVAL.fullmatch(value.strip().casefold())
    seconds = float(told[1]) * _SECONDS[told[2]] if told else 0.0
    if not LEAST_EVERY_S <= seconds <= 31 * _SECONDS["d"]:
        message = (
            f"{value!r} is no time: write a number and s, m, h or d, such as 90s, 15m or 2h; "
            "from a second to 31 days"
        )
        raise click.BadParameter(message, param=param)
    return seconds


@dataclass(frozen=True, slots=True)
class Turn:
    """A run of the watch: its report, or why it failed."""

    number: int
    started_at: datetime
    report: IndexReport | None = None
    error: Exception | None = None

    @property
    def exit(self) -> Exit:
        """The exit code of a watch that ends with this run."""
        if self.report is None:
            return Exit.FAILED
        return Exit.SOME_REJECTED if self.report.rejected else Exit.DONE


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a watch runs; `every_s` counts from start to start, and is `inf` where only changes
    count.
    """

    every_s: float
    on_change: bool
    n_runs: int | None
    stop_on_error: bool


@dataclass(slots=True)
class Watch:
    """Runs the indexer in turns. What it needs stays open between them, unless a turn failed in a
    way that may lie in it.
    """

    settings: Settings
    asked: AskedFeed
    schedule: Schedule
    feed: WatchedFeed
    stop: Stop
    turns: list[Turn] = field(default_factory=list)
    _services: Services | None = None
    _next_at: float = -inf

    def next(self) -> Turn | None:
        """Wait for the next turn and take it; None where the watch is over."""
        if self._is_over() or not self._waited():
            return None
        started = time.monotonic()
        turn = self._taken(len(self.turns) + 1)
        self.turns.append(turn)
        self._next_at = started + self.schedule.every_s
        if turn.error is not None and self.schedule.every_s == inf:
            self._next_at = time.monotonic() + RETRY_S
        return turn

    def close(self) -> None:
        """Let go of the services."""
        services, self._services = self._services, None
        if services is not None:
            services.close()

    def _is_over(self) -> bool:
        if not self.turns:
            return False
        last = self.turns[-1]
        return (
            len(self.turns) == self.schedule.n_runs
            or (last.report is not None and last.report.interrupted)
            or (last.error is not None and self.schedule.stop_on_error)
        )

    def _waited(self) -> bool:
        """Wait until a run is due and nobody writes to the feed; False where the end is asked."""
        while not self.stop.is_asked:
            if self._is_due() and self.feed.is_still():
                return True
            time.sleep(LOOK_EVERY_S)
        return False

    def _is_due(self) -> bool:
        if time.monotonic() >= self._next_at:
            return True
        return self.schedule.on_change and self.feed.has_changed()

    def _taken(self, number: int) -> Turn:
        from shopsearch.cli import progress

        started_at = datetime.now(UTC)
        if self.schedule.on_change:
            self.feed.note()
        try:
            services = self._opened()
            with progress.indexing() as report_progress, self.stop.at_work():
                report = self.asked.index(services, report_progress)
        except SettingsError:
            raise
        except (ShopsearchError, OSError) as error:
            if not isinstance(error, CatalogError | HomeBusy):
                self.close()
            return Turn(number, started_at, error=error)
        return Turn(number, started_at, report)

    def _opened(self) -> Services:
        from shopsearch.bootstrap import Services

        if self._services is None:
            step_back(self.settings.index_nice)
            self._services = Services.open(self.settings)
        return self._services


@click.command()
@click.argument("feed", type=click.Path(path_type=Path))
@feed_options
@prune_options
@click.option(
    "--every",
    callback=read_interval,
    metavar="TIME",
    help="Time from run to run, such as 90s, 15m or 2h [default: 15m, or none with --on-change].",
)
@click.option("--on-change", is_flag=True, help="Also run as soon as the feed's file has changed.")
@click.option(
    "--runs", "n_runs", type=click.IntRange(min=1), metavar="N", help="End after so many runs."
)
@click.option("--stop-on-error", is_flag=True, help="End at the first run that fails.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line for each run.")
@click.pass_context
def watch(
    ctx: click.Context,
    *,
    feed: Path,
    reading: Reading,
    pruning: Pruning,
    every: float | None,
    on_change: bool,
    n_runs: int | None,
    stop_on_error: bool,
    as_json: bool,
) -> None:
    """Index a FEED again and again, as it changes.

    Runs at once and then at every interval, as `index` does with the same options. A run that
    fails, as when the feed is not there or another process is indexing, is logged, and the next
    one tries again. A feed that is being written is waited for. Ctrl-C and SIGTERM end the watch
    after the batch at hand.
    """
    from shopsearch.cli import shown_watch
    from shopsearch.cli.stopping import Stop
    from shopsearch.cli.watched_feed import WatchedFeed

    if str(feed) == "-":
        raise click.UsageError("standard input is there once; watch a file", ctx)
    every_s = every or (inf if on_change else DEFAULT_EVERY_S)
    watching = Watch(
        settings=ctx.ensure_object(GlobalOptions).settings(),
        asked=AskedFeed(feed, reading, pruning),
        schedule=Schedule(every_s, on_change, n_runs, stop_on_error),
        feed=WatchedFeed(feed),
        stop=Stop(),
    )
    try:
        with watching.stop.listening():
            while turn := watching.next():
                shown_watch.show(turn, as_json=as_json)
    finally:
        watching.close()
        shown_watch.sum_up(watching.turns)
    ctx.exit(_exit(watching))


def _exit(watching: Watch) -> Exit:
    """The exit code of the last run, unless the end was asked for."""
    last = watching.turns[-1] if watching.turns else None
    is_interrupted = last is not None and last.report is not None and last.report.interrupted
    if last is None or is_interrupted or watching.stop.is_asked:
        return Exit.DONE
    return last.exit
