"""Progress of long work: a moving bar where a person looks on, a log line now and then where not.

Both go to standard error, so that results on standard output stay clean.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
)
from rich.text import Text

from shopsearch.cli import console, logs

if TYPE_CHECKING:
    from shopsearch.indexing import IndexProgress

LOG_EVERY_S = 5.0

Step = Callable[[int, int | None, str], None]  # how many are done, of how many, in words


@contextmanager
def steps(what: str) -> Iterator[Step]:
    """Report steps of work called `what`, such as "indexing", until the block ends."""
    screen = console.err()
    with _bar(screen, what) if screen.is_terminal else _lines(what) as step:
        yield step


@contextmanager
def indexing(what: str = "indexing") -> Iterator[Callable[[IndexProgress], None]]:
    """The callback that an `Indexer` reports to."""
    with steps(what) as step:

        def report(progress: IndexProgress) -> None:
            counts = f"{progress.indexed} indexed, {progress.unchanged} unchanged"
            if progress.rejected:
                counts += f", {progress.rejected} rejected"
            step(progress.read, progress.total, counts)

        yield report


@contextmanager
def _bar(screen: Console, what: str) -> Iterator[Step]:
    columns = (
        SpinnerColumn(),
        TextColumn("[bold]{task.description}"),
        BarColumn(bar_width=30 if screen.width >= 110 else 12),
        MofNCompleteColumn(),
        _Rate(),
        _TimeLeft(),
        TextColumn("[dim]{task.fields[words]}"),
    )
    with Progress(*columns, console=screen, transient=True) as progress:
        task = progress.add_task(what, total=None, words="")

        def step(done: int, total: int | None, words: str) -> None:
            progress.update(task, completed=done, total=total, words=words)

        yield step


def stage(bars: ExitStack, name: str) -> Callable[[int, int], None]:
    """What one of several stages reports to; the bar of the one before it is over."""
    bars.close()
    step = bars.enter_context(steps(name))
    return lambda ready, total: step(ready, total, "")


@contextmanager
def _lines(what: str) -> Iterator[Step]:
    log = logs.progress_logger()
    started = last = time.monotonic()

    def step(done: int, total: int | None, words: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < LOG_EVERY_S:
            return
        last = now
        rate = done / (now - started)
        left = {} if total is None or rate == 0 else {"left_s": round((total - done) / rate)}
        log.info(what, done=done, of=total, per_s=round(rate, 1), counts=words, **left)

    yield step


class _Rate(ProgressColumn):
    """How many are done in a second."""

    def render(self, task: Task) -> Text:
        return Text("" if task.speed is None else f"{task.speed:.0f}/s", style="cyan")


class _TimeLeft(ProgressColumn):
    """How long it will take from here, once that is known."""

    max_refresh = 0.5  # seconds: an estimate that jumps about helps nobody

    def render(self, task: Task) -> Text:
        if task.time_remaining is None:
            return Text("")
        minutes, seconds = divmod(int(task.time_remaining), 60)
        return Text(f"{minutes}:{seconds:02} left", style="cyan")
