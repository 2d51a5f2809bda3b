"""`index`, `reindex` and `remove`: what changes the catalog."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shopsearch.cli.feed_options import (
    AskedFeed,
    Pruning,
    Reading,
    feed_argument,
    feed_options,
    prune_options,
)
from shopsearch.cli.options import GlobalOptions, json_option
from shopsearch.cli.outcome import Exit

if TYPE_CHECKING:
    from shopsearch.bootstrap import Services
    from shopsearch.indexing import Indexer


def on_option(command: Any) -> Any:
    """Add `--on`: where contents are encoded."""
    return click.option(
        "--on",
        "place",
        type=click.Choice(["here", "ray"]),
        default="here",
        show_default=True,
        help="Where texts and pictures are encoded: in this process, or by the workers of a Ray "
        "cluster (SHOPSEARCH_RAY_ADDRESS, see docs/ray.md).",
    )(command)


@contextmanager
def indexer_of(services: Services, place: str) -> Iterator[Indexer]:
    """The indexer that `--on` means."""
    if place == "here":
        yield services.indexer
        return
    with services.indexer_on_ray() as indexer:
        yield indexer


@click.command()
@feed_argument
@feed_options
@prune_options
@on_option
@json_option
@click.pass_context
def index(
    ctx: click.Context,
    *,
    feed: Path,
    reading: Reading,
    pruning: Pruning,
    place: str,
    as_json: bool,
) -> None:
    """Read a catalog FEED and make its products searchable.

    Products that are there already are replaced; those that did not change are skipped. FEED is a
    file, packed or not: CSV, JSON lines, a product export of Shopify, XML for Google Merchant, or
    Parquet; a folder with one, products.csv or the only file there that ends as a feed does; a
    folder of pictures; or - for standard input. Fields go by the names of Google Merchant (id,
    title, description, image_link, price, ...); pictures are paths relative to the feed, or URLs.
    A mapping that lies beside the feed, such as products.csv.toml, is used.
    """
    from shopsearch.cli import progress, reports

    options = ctx.ensure_object(GlobalOptions)
    with (
        options.services(in_background=True) as services,
        indexer_of(services, place) as indexer,
        progress.indexing() as report_progress,
    ):
        report = AskedFeed(feed, reading, pruning).index(services, report_progress, indexer)
    ctx.exit(reports.conclude(report, as_json=as_json))


@click.command()
@on_option
@json_option
@click.pass_context
def reindex(ctx: click.Context, *, place: str, as_json: bool) -> None:
    """Build the index anew from the stored products.

    Needed after a change of encoder or fusion. What an encoder has encoded before is not encoded
    again; the live index stays as it is until the new one is complete.
    """
    from shopsearch.cli import progress, reports

    options = ctx.ensure_object(GlobalOptions)
    try:
        with (
            options.services(in_background=True) as services,
            indexer_of(services, place) as indexer,
            progress.indexing("reindexing") as report_progress,
        ):
            report = indexer.reindex(progress=report_progress)
    except KeyboardInterrupt:
        click.echo("stopped: half an index does not go live; the one before answers on", err=True)
        ctx.exit(Exit.INTERRUPTED)
    ctx.exit(reports.conclude(report, as_json=as_json))


@click.command()
@click.argument("product_ids", nargs=-1, required=True, metavar="ID...")
@json_option
@click.pass_context
def remove(ctx: click.Context, *, product_ids: tuple[str, ...], as_json: bool) -> None:
    """Take products out of the catalog."""
    from shopsearch.cli import reports

    options = ctx.ensure_object(GlobalOptions)
    with options.services(in_background=True) as services:
        report = services.indexer.remove(product_ids)
    ctx.exit(reports.conclude(report, as_json=as_json))
