"""What is said of a feed on the command line: the options of every command that indexes one.

A new option is a line of `_OPTIONS` and a field of `FeedOptions`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from shopsearch.bootstrap import Services
    from shopsearch.domain import IndexReport
    from shopsearch.indexing import Progress

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


_OPTIONS = (
    click.option(
        "--format",
        "feed_format",
        type=click.Choice(["auto", "csv", "jsonl"]),
        default="auto",
        show_default=True,
        help="Format of the feed; auto goes by the file name.",
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
        "--currency", metavar="CODE", help="Currency of prices that name none, such as EUR."
    ),
    click.option("--prune", is_flag=True, help="Also remove the products that the feed lacks."),
    click.option(
        "--prune-limit",
        type=click.IntRange(0, 100),
        default=20,
        show_default=True,
        metavar="PERCENT",
        help="Prune nothing where more than this part of the catalog would go.",
    ),
)


@dataclass(frozen=True, slots=True)
class FeedOptions:
    """What was said of a feed; every field is an option or the argument FEED."""

    feed: Path
    feed_format: str
    columns: dict[str, str]
    currency: str | None
    prune: bool
    prune_limit: int  # percent

    def index(self, services: Services, progress: Progress) -> IndexReport:
        """Run the indexer over the feed as it is now. Raises `CatalogError` and `HomeBusy`."""
        from shopsearch.catalog import FieldMapping, find_feed, open_feed

        feed = find_feed(self.feed)
        mapping = FieldMapping(self.columns, self.currency or services.settings.currency)
        return services.indexer.run(
            open_feed(feed, format=self.feed_format, mapping=mapping),
            feed_name=str(feed.resolve()),
            prune=self.prune,
            prune_limit=self.prune_limit / 100,
            progress=progress,
        )


def feed_options(*, must_exist: bool = True) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add FEED and its options to a command, which gets them together as `asked`."""

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(command)
        def gathered(*args: Any, **given: Any) -> Any:
            told = {field.name: given.pop(field.name) for field in fields(FeedOptions)}
            return command(*args, asked=FeedOptions(**told), **given)

        for option in reversed(_OPTIONS):
            gathered = option(gathered)
        place = click.Path(path_type=Path, exists=must_exist)
        return click.argument("feed", type=place)(gathered)

    return add
