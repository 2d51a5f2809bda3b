"""The options that stand before every command, the services they open, and files to write."""

from __future__ import annotations

import functools
import inspect
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

if TYPE_CHECKING:
    from shopsearch.bootstrap import Services
    from shopsearch.settings import Settings

Command = TypeVar("Command", bound=Callable[..., Any])
Decorator = Callable[[Any], Any]


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
    def services(self, *, in_background: bool = False) -> Iterator[Services]:
        """The services under these options, closed at the end.

        `in_background` makes this process, for good, step back where searches want the cores.
        """
        settings = self.settings()
        if in_background:
            step_back(settings.index_nice)
        from shopsearch.bootstrap import Services

        with Services.open(settings) as services:
            yield services


def step_back(nice: int) -> None:
    """Let searches on the same machine go first: of this thread and those that it will start."""
    now = os.getpriority(os.PRIO_PROCESS, 0)
    os.setpriority(os.PRIO_PROCESS, 0, max(now, nice))


class WrittenFile(click.Path):
    """A file that a command will write, refused before the work where it cannot be.

    It may replace a file, never a device, a pipe or a folder. Its folder has to be writable, and to
    exist unless the command makes it. `beside` are the endings of what is written next to it.
    """

    def __init__(self, *, makes_folder: bool = True, beside: tuple[str, ...] = ()) -> None:
        super().__init__(path_type=Path, dir_okay=False)
        self._makes_folder = makes_folder
        self._beside = beside

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path; a usage error where it cannot be written."""
        path = Path(value)
        for problem in self._problems(path):
            self.fail(f"{str(path)!r} cannot be written: {problem}", param, ctx)
        return path

    def _problems(self, path: Path) -> Iterator[str]:
        if path.exists() and not path.is_file():
            yield "it is no regular file, and would be replaced; name another"
        if path.suffix in self._beside:
            yield f"the {path.suffix} file beside the weights would replace it; use another ending"
        for file in (path.with_suffix(ending) for ending in self._beside):
            if file.exists() and not file.is_file():
                yield f"{str(file)!r}, to be written beside it, is no regular file; name another"
        if not self._makes_folder and not path.parent.is_dir():
            yield "its folder does not exist; make it, or name another"
        yield from _folder_problems(path.parent)


def _folder_problems(folder: Path) -> Iterator[str]:
    """Why no file can be made in a folder, or in the nearest one above that exists."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            return
    except OSError as error:
        yield f"no file can be made in {str(folder)!r} ({error.strerror}); name another folder"


def json_option(command: Command) -> Command:
    """Add `--json`: one JSON document on standard output, and nothing else there."""
    return click.option(
        "--json",
        "as_json",
        is_flag=True,
        help="Print the result as one JSON document.",
    )(command)


def refuse_options(ctx: click.Context) -> None:
    """Options before a subcommand would be passed over unnoticed."""
    given = [
        option.opts[0]
        for option in ctx.command.params
        if ctx.get_parameter_source(option.name or "") is click.core.ParameterSource.COMMANDLINE
    ]
    if given:
        name = f"{ctx.info_name} {ctx.invoked_subcommand}"
        raise click.UsageError(
            f"{given[0]} stands before {ctx.invoked_subcommand!r}, where it does nothing; "
            f"`shopsearch {name} --help` tells what may stand after it"
        )


def packed(into: str, noun: Callable[..., Any], options: Sequence[Decorator]) -> Decorator:
    """Add options that reach the command as one noun, the argument called `into`."""
    names = list(inspect.signature(noun).parameters)

    def decorate(command: Command) -> Any:
        @functools.wraps(command)
        def packing(*args: Any, **values: Any) -> Any:
            fields = {name: values.pop(name) for name in names if name in values}
            return command(*args, **values, **{into: noun(**fields)})

        return functools.reduce(lambda packed, add: add(packed), reversed(options), packing)

    return decorate
