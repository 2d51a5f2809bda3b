"""How commands are told which feed to read, and how; the options and what becomes of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from shopsearch.cli.options import packed

if TYPE_CHECKING:
    from shopsearch.bootstrap import Services
    from shopsearch.catalog import CatalogFeed, FeedSource
    from shopsearch.catalog.watch import ColumnWatch
    from shopsearch.domain import IndexReport
    from shopsearch.indexing import Indexer, Progress

FORMATS = ("auto", "csv", "jsonl", "shopify", "google-xml", "parquet", "pictures")
_STANDARD_INPUT = "-"
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


class Reading(NamedTuple):
    """How a feed is to be read."""

    feed_format: str = "auto"
    columns: dict[str, str] = {}  # noqa: RUF012 - nobody writes into it
    mapping_file: Path | None = None
    currency: str | None = None

    @contextmanager
    def source(self, feed: Path) -> Iterator[FeedSource]:
        """The feed that a path means; what comes from standard input is kept until the end."""
        from shopsearch.catalog import FeedSource, find_feed, spooled

        if str(feed) == _STANDARD_INPUT:
            with spooled(sys.stdin.buffer) as source:
                yield source
        else:
            yield FeedSource.of(find_feed(feed))

    def open(
        self, source: FeedSource, currency: str | None, watch: ColumnWatch | None = None
    ) -> CatalogFeed:
        """The feed, opened; `currency` is the shop's, where nothing else is said."""
        from shopsearch.catalog import FieldMapping, complete, open_feed

        told = FieldMapping(self.columns, self.currency, fallback_currency=currency)
        mapping = complete(told, source, self.mapping_file)
        if mapping.file is not None:
            click.echo(f"using the mapping in {mapping.file}", err=True)
        return open_feed(source, format=self.feed_format, mapping=mapping, watch=watch)


class Pruning(NamedTuple):
    """Whether products that the feed lacks are removed, and how many at most."""

    prune: bool = False
    prune_limit: int = 20  # percent of the catalog


@dataclass(frozen=True, slots=True)
class AskedFeed:
    """A feed that shall be indexed."""

    feed: Path
    reading: Reading
    pruning: Pruning

    def index(
        self, services: Services, progress: Progress, indexer: Indexer | None = None
    ) -> IndexReport:
        """Run the indexer, or this one, over the feed as it is now.

        Raises `CatalogError` and `HomeBusy`.
        """
        with self.reading.source(self.feed) as source:
            opened = self.reading.open(source, services.settings.currency)
            report = (indexer or services.indexer).run(
                opened,
                feed_name=feed_name(source),
                prune=self.pruning.prune,
                prune_limit=self.pruning.prune_limit / 100,
                progress=progress,
            )
            tell_notes(opened)
        return report


feed_argument = click.argument(
    "feed", type=click.Path(path_type=Path, exists=True, allow_dash=True)
)


def feed_options(command: Any) -> Any:
    """Add `--format`, `--map`, `--mapping` and `--currency`; the command takes `reading`."""
    options = [
        click.option(
            "--format",
            "feed_format",
            type=click.Choice(FORMATS),
            default="auto",
            show_default=True,
            help="Format of the feed; auto goes by its ending, then by what is inside.",
        ),
        click.option(
            "--map",
            "columns",
            multiple=True,
            metavar="FIELD=COLUMN",
            callback=read_mapping,
            help="Take a product field from this column of the feed; repeatable.",
        ),
        click.option(
            "--mapping",
            "mapping_file",
            type=click.Path(path_type=Path, exists=True, dir_okay=False),
            metavar="FILE.toml",
            help="Read the feed as this file says [default: FEED.toml, where it is there].",
        ),
        click.option(
            "--currency", metavar="CODE", help="Currency of prices that name none, such as EUR."
        ),
    ]
    return packed("reading", Reading, options)(command)


def prune_options(command: Any) -> Any:
    """Add `--prune` and `--prune-limit`; the command takes `pruning`."""
    options = [
        click.option("--prune", is_flag=True, help="Also remove the products that the feed lacks."),
        click.option(
            "--prune-limit",
            type=click.IntRange(0, 100),
            default=20,
            show_default=True,
            metavar="PERCENT",
            help="Prune nothing where more than this part of the catalog would go.",
        ),
    ]
    return packed("pruning", Pruning, options)(command)


def feed_name(source: FeedSource) -> str:
    """What a run is remembered by."""
    from shopsearch.catalog.source import STANDARD_INPUT

    is_file = source.name != STANDARD_INPUT
    return str(source.path.resolve()) if is_file else source.name


def tell_notes(feed: CatalogFeed) -> None:
    """What a feed that was read has to say, on standard error."""
    from shopsearch.catalog import notes_of

    for note in notes_of(feed):
        click.echo(note, err=True)
