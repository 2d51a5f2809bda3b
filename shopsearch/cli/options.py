"""The options that stand before every command, and the services they open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

if TYPE_CHECKING:
    from pathlib import Path

    from shopsearch.bootstrap import Services
    from shopsearch.settings import Settings

Command = TypeVar("Command", bound=Callable[..., Any])


class GlobalOptions(NamedTuple):
    """What was said before the command's name; None leaves it to the environment."""

    home: str | Path | None = None
    log_level: str | None = None
    log_format: str | None = None

    def settings(self, *, serving: bool = False, **overrides: object) -> Settings:
        """The settings in force under these options; logs go by them from now on.

        A server tells what it does. A command shows its result, so its rooms speak up only when
        something is wrong, unless a log level was asked for.
        """
        from shopsearch.cli import logs
        from shopsearch.settings import load_settings

        settings = load_settings(**{**self._asdict(), **overrides})
        is_chatty = serving or "log_level" in settings.model_fields_set
        logs.configure(
            settings.log_level, settings.log_format, of_rooms=None if is_chatty else "warning"
        )
        return settings

    @contextmanager
    def services(self) -> Iterator[Services]:
        """The services under these options, closed at the end."""
        settings = self.settings()
        from shopsearch.bootstrap import Services

        with Services.open(settings) as services:
            yield services


def json_option(command: Command) -> Command:
    """Add `--json`: one JSON document on standard output, and nothing else there."""
    return click.option(
        "--json",
        "as_json",
        is_flag=True,
        help="Print the result as one JSON document.",
    )(command)
