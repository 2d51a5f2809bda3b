"""`index`, `reindex` and `remove`: what changes the catalog."""

from __future__ import annotations

from pathlib import Path

import click

from shopsearch.cli.options import GlobalOptions, json_option
from shopsearch.cli.outcome import Exit

PRODUCT_FIELDS = (
    "id",
    "title",
    "description",
    "image_link",
    "additional_image_link",
    "link",
    "price",
    "brand",
    "product_type",
    "availability",
    "color",
    "size",
    "material",
    "gender",
    "item_group_id",
    "gtin",
)


def read_mapping(
    ctx: click.Context,  # noqa: ARG001 - click's signature
    param: click.Parameter,
    pairs: tuple[str, ...],
) -> dict[str, str]:
    """`--map title=name --map id=sku` as a mapping of product fields to columns."""
    columns: dict[str, str] = {}
    for pair in pairs:
        field, equals, column = (part.strip() for part in pair.partition("="))
        if not (field and equals and column):
            message = f"{pair!r} is no mapping: write FIELD=COLUMN, such as title=product_name"
            raise click.BadParameter(message, param=param)
        if field not in PRODUCT_FIELDS:
            message = f"{field!r} is no field of a product: choose from {', '.join(PRODUCT_FIELDS)}"
            raise click.BadParameter(message, param=param)
        if field in columns:
            raise click.BadParameter(f"{field!r} is mapped twice", param=param)
        columns[field] = column
    return columns


@click.command()
@click.argument("feed", type=click.Path(path_type=Path, exists=True))
@click.option(
    "--format",
    "feed_format",
    type=click.Choice(["auto", "csv", "jsonl"]),
    default="auto",
    show_default=True,
    help="Format of the feed; auto goes by the file name.",
)
@click.option(
    "--map",
    "columns",
    multiple=True,
    metavar="FIELD=COLUMN",
    callback=read_mapping,
    help="Take a product field from this column of the feed; repeatable.",
)
@click.option("--currency", metavar="CODE", help="Currency of prices that name none, such as EUR.")
@click.option("--prune", is_flag=True, help="Also remove the products that the feed lacks.")
@click.option(
    "--prune-limit",
    type=click.IntRange(0, 100),
    default=20,
    show_default=True,
    metavar="PERCENT",
    help="Prune nothing where more than this part of the catalog would go.",
)
@json_option
@click.pass_context
def index(
    ctx: click.Context,
    *,
    feed: Path,
    feed_format: str,
    columns: dict[str, str],
    currency: str | None,
    prune: bool,
    prune_limit: int,
    as_json: bool,
) -> None:
    """Read a catalog FEED and make its products searchable.

    Products that are there already are replaced; those that did not change are skipped. Fields
    go by the names of Google Merchant (id, title, description, image_link, price, ...); pictures
    are paths relative to the feed, or URLs. FEED is a file, or a folder with one: products.csv, or
    the only file there that ends as a feed does.
    """
    from shopsearch.catalog import FieldMapping, find_feed, open_feed
    from shopsearch.cli import progress, reports

    feed = find_feed(feed)
    options = ctx.ensure_object(GlobalOptions)
    with options.services(in_background=True) as services:
        mapping = FieldMapping(columns, currency or services.settings.currency)
        opened = open_feed(feed, format=feed_format, mapping=mapping)
        with progress.indexing() as report_progress:
            report = services.indexer.run(
                opened,
                feed_name=str(feed.resolve()),
                prune=prune,
                prune_limit=prune_limit / 100,
                progress=report_progress,
            )
    ctx.exit(reports.conclude(report, as_json=as_json))


@click.command()
@json_option
@click.pass_context
def reindex(ctx: click.Context, *, as_json: bool) -> None:
    """Build the index anew from the stored products.

    Needed after a change of encoder or fusion. What an encoder has encoded before is not encoded
    again; the live index stays as it is until the new one is complete.
    """
    from shopsearch.cli import progress, reports

    options = ctx.ensure_object(GlobalOptions)
    try:
        with (
            options.services(in_background=True) as services,
            progress.indexing("reindexing") as report_progress,
        ):
            report = services.indexer.reindex(progress=report_progress)
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
