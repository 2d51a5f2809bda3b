"""Writes the parts of the documentation that the code knows best: settings and commands.

    make docs

Everything between the two marker lines of docs/settings.md and docs/commands.md is made here;
tests/unit/test_docs.py fails where a page lags behind.
"""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from shopsearch.cli.commands import COMMANDS, cli
from shopsearch.settings import Settings

DOCS = Path(__file__).resolve().parent
BEGIN = "<!-- made by `make docs`: change the code, not this -->"
END = "<!-- end of what `make docs` makes -->"


def settings_table() -> str:
    """Every setting: its variable, its default, what it may be, and what it is for."""
    lines = ["| variable | default | values | meaning |", "| --- | --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True)
        if isinstance(default, tuple):  # as it is written in the environment
            default = json.dumps(default) if default else None
        shown = "" if default is None else f"`{default}`"
        values = _values(field.annotation)
        lines.append(f"| `SHOPSEARCH_{name.upper()}` | {shown} | {values} | {field.description} |")
    return "\n".join(lines)


def command_pages() -> str:
    """Every command with its arguments and options, groups unfolded."""
    return "\n\n".join(_sections())


def _sections() -> Iterator[str]:
    yield _page(click.Context(cli, info_name="shopsearch"), "##")
    for section in COMMANDS.values():
        for name in section:
            command = _command(cli, name)
            yield from _with_subcommands(click.Context(command, info_name=f"shopsearch {name}"))


def _with_subcommands(ctx: click.Context) -> Iterator[str]:
    yield _page(ctx, "##")
    if isinstance(ctx.command, click.Group):
        for name in ctx.command.list_commands(ctx):
            command = _command(ctx.command, name)
            yield _page(click.Context(command, info_name=f"{ctx.info_name} {name}"), "###")


def _command(group: click.Group, name: str) -> click.Command:
    command = group.get_command(click.Context(group), name)
    if command is None:
        raise LookupError(name)
    return command


def _page(ctx: click.Context, heading: str) -> str:
    command = ctx.command
    usage = " ".join((str(ctx.info_name), *command.collect_usage_pieces(ctx)))
    parts = [f"{heading} {ctx.info_name}", f"`{usage}`", _prose(command.help or "")]
    options = [p for p in command.get_params(ctx) if isinstance(p, click.Option) and not p.hidden]
    lines = [_option(option, ctx) for option in options if "--help" not in option.opts]
    return "\n\n".join([*parts, *(["\n".join(lines)] if lines else [])])


def _option(option: click.Option, ctx: click.Context) -> str:
    spellings = "`, `".join((*option.opts, *option.secondary_opts))
    value = "" if option.is_flag or option.count else f" {option.make_metavar(ctx)}"
    default = option.default
    has_default = option.show_default and isinstance(default, str | int | float)
    shown = f" (default: {default})" if has_default else ""
    required = " (required)" if option.required else ""
    return f"- `{spellings}{value}`: {option.help}{shown}{required}"


def _prose(text: str) -> str:
    paragraphs = text.replace("\b", "").strip().split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _values(annotation: object) -> str:
    if typing.get_origin(annotation) is typing.Literal:
        return ", ".join(f"`{value}`" for value in typing.get_args(annotation))
    if isinstance(annotation, types.UnionType):
        parts = [part for part in typing.get_args(annotation) if part is not type(None)]
        return ", ".join(_values(part) for part in parts)
    if typing.get_origin(annotation) is tuple:
        return "JSON list"
    names = {"str": "text", "int": "whole number", "float": "number", "Path": "path"}
    name = getattr(annotation, "__name__", str(annotation))
    return names.get(name, name)


MADE: dict[str, Callable[[], str]] = {
    "settings.md": settings_table,
    "commands.md": command_pages,
}


def renewed(page: str, made: str) -> str:
    """The page with what stands between its markers replaced."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{made}\n\n{END}{after}"


def main() -> None:
    """Renew both pages."""
    for name, make in MADE.items():
        path = DOCS / name
        path.write_text(renewed(path.read_text(encoding="utf-8"), make()), encoding="utf-8")


if __name__ == "__main__":
    main()
