"""The commands by name, and the group that loads each of them only when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, NamedTuple

import click

from shopsearch.cli.options import GlobalOptions
from shopsearch.cli.outcome import answered


class Entry(NamedTuple):
    """Where a command is found, and what `shopsearch --help` says about it without loading it."""

    place: str  # module of this package and attribute, "index:reindex"
    summary: str  # equals the first sentence of the command's own help; a test holds that


COMMANDS: Mapping[str, Mapping[str, Entry]] = {
    "Catalog": {
        "index": Entry("index:index", "Read a catalog FEED and make its products searchable."),
        "watch": Entry("watch:watch", "Index a FEED again and again, as it changes."),
        "feeds": Entry("feeds:feeds", "Check a feed before it is indexed."),
        "remove": Entry("index:remove", "Take products out of the catalog."),
        "reindex": Entry("index:reindex", "Build the index anew from the stored products."),
        "audit": Entry("audit:audit", "Report what is wrong with the catalog."),
        "enrich": Entry("enrich:enrich", "Propose values for attributes that products lack."),
        "export": Entry(
            "export:export",
            "Write the catalog into FILE as a feed that `shopsearch index` reads back.",
        ),
        "generations": Entry("generations:generations", "List the index generations on disk."),
        "rollback": Entry("generations:rollback", "Go back to an earlier index generation."),
    },
    "Search": {
        "search": Entry("search:search", "Search by words, by a picture, or by both."),
        "similar": Entry("search:similar", "Show the products most like product ID."),
        "recommend": Entry(
            "recommend:recommend",
            "Recommend products: like others, for a visitor, with a basket, or wanted now.",
        ),
        "heatmap": Entry(
            "heatmap:heatmap", "Show which regions of a product's picture match WORDS."
        ),
        "synonyms": Entry("synonyms:synonyms", "Keep the synonyms that the search knows."),
        "evaluate": Entry("evaluate:evaluate", "Measure the search against judged queries."),
        "events": Entry("events:events", "Import, prune and weigh what visitors did."),
        "insights": Entry("insights:insights", "Show what was searched for, found and clicked on."),
    },
    "Merchandising": {
        "rules": Entry("rules:rules", "Pin, boost, bury and hide products by rules."),
        "signals": Entry(
            "signals:signals",
            "Weigh products by popularity, margin, stock, freshness and other numbers.",
        ),
    },
    "Server": {
        "serve": Entry("serve:serve", "Serve the search page and the API."),
        "keys": Entry("keys:keys", "Make, list and revoke the keys of the API."),
        "demo": Entry("demo:demo", "Index a demo catalog and serve it."),
    },
    "Installation": {
        "privacy": Entry("privacy:privacy", "Export or erase what is kept of a visitor."),
        "train": Entry("train:train", "Train the learned parts of the search."),
        "doctor": Entry("doctor:doctor", "Check this installation, and say what to do."),
        "verify": Entry("verify:verify", "Check that all that is kept is whole and fits together."),
        "backup": Entry(
            "backup:backup", "Write database, live index and pictures into one FILE, a tar."
        ),
        "restore": Entry(
            "backup:restore", "Put a backup FILE in place of what the home folder holds."
        ),
    },
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, so that help stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names, in the order of the help page."""
        return [name for section in COMMANDS.values() for name in section]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """The command itself, imported now."""
        for section in COMMANDS.values():
            if entry := section.get(cmd_name):
                module, attribute = entry.place.split(":")
                command = getattr(import_module(f"shopsearch.cli.{module}"), attribute)
                assert isinstance(command, click.Command)  # noqa: S101 - the table above is wrong
                return command
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """The sections of the table, from its summaries alone."""
        widest = max(len(name) for section in COMMANDS.values() for name in section)
        for title, section in COMMANDS.items():
            with formatter.section(title):
                formatter.write_dl(
                    [(name.ljust(widest), entry.summary) for name, entry in section.items()]
                )

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; whatever it raises on purpose becomes a message and an exit code."""
        run: Callable[[click.Context], Any] = super().invoke
        with answered(ctx):
            try:
                return run(ctx)
            except click.NoSuchOption as error:
                if not any(error.option_name in option.opts for option in self.params):
                    raise
                name = error.option_name
                message = f"{name} stands before the command: shopsearch {name} ... COMMAND ..."
                raise click.UsageError(message, error.ctx) from None


def _show_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:  # noqa: ARG001 - click's signature
    if value:
        from shopsearch import __version__

        click.echo(f"shopsearch {__version__}")
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--home",
    type=click.Path(file_okay=False),
    metavar="FOLDER",
    help="Folder of everything that is kept [default: $SHOPSEARCH_HOME or .shopsearch].",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    metavar="LEVEL",
    help="Log from this severity: debug, info, warning or error [default: info].",
)
@click.option(
    "--log-format",
    type=click.Choice(["console", "json"]),
    metavar="FORMAT",
    help="Log as lines for people (console) or for machines (json).",
)
@click.option("--debug", is_flag=True, help="Log everything, and show the traceback of an error.")
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
@click.pass_context
def cli(
    ctx: click.Context,
    *,
    home: str | None,
    log_level: str | None,
    log_format: str | None,
    debug: bool,
) -> None:
    """Multimodal product search: find products by words, by a picture, or by both.

    Exit codes: 0 done; 1 failed; 2 wrong usage; 3 done, but some products were rejected.
    """
    ctx.obj = GlobalOptions(
        home=home,
        log_level="debug" if debug else log_level,
        log_format=log_format,
    )


def main() -> None:
    """The entry point of the `shopsearch` command."""
    cli(prog_name="shopsearch")
