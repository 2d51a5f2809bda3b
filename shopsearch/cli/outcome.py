"""How a command ends: the exit codes, and what an error looks like to the person who sees it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

import click

from shopsearch.errors import ShopsearchError


class Exit(IntEnum):
    """The exit codes of every command."""

    DONE = 0
    FAILED = 1
    WRONG_USAGE = 2  # click's own
    SOME_REJECTED = 3
    INTERRUPTED = 130  # 128 + SIGINT, as shells have it


@contextmanager
def answered(ctx: click.Context) -> Iterator[None]:
    """Turn errors raised on purpose, and Ctrl-C, into a message and an exit code."""
    try:
        yield
    except (ShopsearchError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            raise  # whoever read our output has seen enough; click ends quietly
        if _traceback_is_wanted():
            raise
        complain(str(error) or type(error).__name__)
        ctx.exit(Exit.FAILED)
    except KeyboardInterrupt:
        click.echo("\nstopped", err=True)
        ctx.exit(Exit.INTERRUPTED)


def complain(message: str) -> None:
    """One error, on standard error."""
    click.echo(click.style("Error: ", fg="red", bold=True) + message, err=True)


def _traceback_is_wanted() -> bool:
    logs = sys.modules.get("shopsearch.cli.logs")
    return logs is not None and logs.level_in_force() == "debug"
