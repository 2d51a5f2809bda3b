"""`demo`: a small shop to look at, from nothing to a page in the browser."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shopsearch import __version__
from shopsearch.cli.options import GlobalOptions
from shopsearch.cli.outcome import Exit
from shopsearch.cli.serve import host_option, port_option

if TYPE_CHECKING:
    from shopsearch.demo.vendure import DemoCatalog


@click.command()
@click.option(
    "--catalog",
    type=click.Choice(["auto", "vendure", "drawn"]),
    default="auto",
    show_default=True,
    help="Real photos from an npm package, or products drawn here; auto takes what can be had.",
)
@click.option("--serve/--no-serve", "serve_it", default=True, help="Serve the page afterwards.")
@host_option
@port_option
@click.pass_context
def demo(
    ctx: click.Context, *, catalog: str, serve_it: bool, host: str | None, port: int | None
) -> None:
    """Index a demo catalog and serve it.

    Everything is kept in a folder `demo` of the home folder, apart from a catalog of your own.
    """
    options = ctx.ensure_object(GlobalOptions)
    home = options.settings().home / "demo"
    options = options._replace(home=home)
    code = _index(options, catalog)
    click.echo(f"search it from here too: {_called_as()} --home {home} search 'something red'")
    if not serve_it:
        ctx.exit(code)
    _serve_in_place_of_this(options, host, port)


def _serve_in_place_of_this(options: GlobalOptions, host: str | None, port: int | None) -> None:
    """Become `shopsearch serve`: a process that has used a model must not fork a server."""
    before = {"--home": options.home, "--log-level": options.log_level}
    before["--log-format"] = options.log_format
    after = {"--host": host, "--port": port}
    command = [sys.executable, "-m", "shopsearch", *_spelled(before), "serve", *_spelled(after)]
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, command)  # noqa: S606  # our own program, no shell


def _spelled(options: Mapping[str, object]) -> Iterator[str]:
    for name, value in options.items():
        if value is not None:
            yield from (name, str(value))


def _called_as() -> str:
    """What to type to run shopsearch: it may be off the path, in a virtual environment."""
    return sys.argv[0] if Path(sys.argv[0]).name == "shopsearch" else "shopsearch"


def _index(options: GlobalOptions, catalog: str) -> Exit:
    from shopsearch.catalog import open_feed
    from shopsearch.cli import progress, reports

    with options.services() as services:
        shop = _catalog((services.settings.home / "catalog").resolve(), catalog)
        opened = open_feed(shop.feed, mapping=shop.mapping)
        with progress.indexing() as report_progress:
            report = services.indexer.run(
                opened, feed_name="demo", prune=True, progress=report_progress
            )
    return reports.conclude(report, as_json=False)


def _catalog(folder: Path, wanted: str) -> DemoCatalog:
    from shopsearch.demo.vendure import fetch_vendure
    from shopsearch.errors import DemoUnavailable

    if wanted != "drawn":
        try:
            shop = fetch_vendure(folder / "vendure")
        except DemoUnavailable as error:
            if wanted == "vendure":
                raise
            click.echo(f"the demo with real photos cannot be had: {error}", err=True)
            click.echo("taking the drawn shop instead", err=True)
        else:
            click.echo(f"demo catalog: {shop.source}\nlicence: {shop.licence}")
            return shop
    return _drawn(folder / f"drawn-{__version__}")


def _drawn(folder: Path) -> DemoCatalog:
    """The shop as this version draws it; what was drawn once is not drawn again."""
    from shopsearch.catalog import FieldMapping
    from shopsearch.demo.drawn import draw_shop
    from shopsearch.demo.vendure import DemoCatalog

    click.echo("demo catalog: products drawn by shopsearch itself")
    feed = folder / "products.csv"  # written last: where it is, the pictures are
    if not feed.is_file():
        feed = draw_shop(folder)
    return DemoCatalog(
        feed=feed, mapping=FieldMapping(), source="drawn by shopsearch", licence="Apache-2.0"
    )
