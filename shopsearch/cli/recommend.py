"""`recommend`: what the shop's pages would recommend, from a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import click

from shopsearch.cli.evaluate_recommendations import evaluate
from shopsearch.cli.options import json_option, refuse_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from shopsearch.domain import Recommendations, Wanting


class Given(NamedTuple):
    """What the options name."""

    liked: tuple[str, ...]
    disliked: tuple[str, ...]
    visitor: str
    text_weight: float | None
    strategy: str
    days: float

    @property
    def kind(self) -> str:
        """What is recommended where no kind is named."""
        if self.liked or self.disliked:
            return "examples"
        return "history" if self.visitor else "trending"


KINDS = ("similar", "examples", "history", "bought_together", "complementary", "trending")


@click.group(invoke_without_command=True)
@click.option(
    "--like",
    "liked",
    multiple=True,
    metavar="ID",
    help="A product that is liked, or that --kind is about; repeatable.",
)
@click.option(
    "--dislike", "disliked", multiple=True, metavar="ID", help="Not like this product; repeatable."
)
@click.option(
    "--kind",
    type=click.Choice(KINDS),
    help="What to recommend [default: examples with --like or --dislike, history with --visitor, "
    "else trending].",
)
@click.option(
    "--visitor", metavar="ID", default="", help="Go by what this visitor did, as events tell."
)
@click.option(
    "--text-weight",
    type=click.FloatRange(0, 1),
    metavar="0..1",
    help="Of --kind similar: 0 looks like it, 1 is described like it [default: as the index "
    "weighs].",
)
@click.option(
    "--strategy",
    type=click.Choice(["average_vector", "best_score"]),
    default="average_vector",
    show_default=True,
    help="How examples are taken together.",
)
@click.option(
    "--days",
    type=click.FloatRange(1 / 24, 365),
    default=7.0,
    show_default=True,
    metavar="N",
    help="Of --kind trending: the last N days against the N before.",
)
@click.option(
    "-k",
    type=click.IntRange(1, 100),
    default=10,
    show_default=True,
    metavar="N",
    help="How many products to show.",
)
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="F=V",
    help="Only these, as in `search`; repeatable.",
)
@click.option(
    "--diversity",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    metavar="0..1",
    help="How much the products shall differ.",
)
@json_option
@click.pass_context
def recommend(
    ctx: click.Context,
    *,
    liked: tuple[str, ...],
    disliked: tuple[str, ...],
    kind: str | None,
    visitor: str,
    text_weight: float | None,
    strategy: str,
    days: float,
    k: int,
    filters: tuple[str, ...],
    diversity: float,
    as_json: bool,
) -> None:
    """Recommend products: like others, for a visitor, with a basket, or wanted now.

    Variants of a product are one. Each product comes with the reasons why it is recommended.
    """
    if ctx.invoked_subcommand is not None:
        refuse_options(ctx)
        return
    from shopsearch.cli.filters import parse_filters
    from shopsearch.domain import Recommend

    given = Given(liked, disliked, visitor, text_weight, strategy, days)
    kind = kind or given.kind
    _check(kind, given)
    wanting = _wanting(kind, given)
    asked = Recommend(wanting=wanting, where=parse_filters(filters), k=k, diversity=diversity)
    with ctx.obj.services() as services:
        services.live.get()  # so that the time it took is that of the answer
        found = services.recommend.recommend(asked)
    if as_json:
        _print(found)
    else:
        _show(found)


recommend.add_command(evaluate)


def _check(kind: str, given: Given) -> None:
    """Options that would do nothing are refused."""
    if kind in ("similar", "bought_together", "complementary") and not given.liked:
        message = f"name the product that --kind {kind} is about with --like"
        raise click.UsageError(message)
    if kind == "similar" and len(given.liked) > 1:
        message = f"--kind similar is about one product, but {len(given.liked)} are named"
        raise click.UsageError(message)
    if kind == "history" and not given.visitor:
        message = "--kind history needs --visitor"
        raise click.UsageError(message)
    strange = {
        "--like": given.liked and kind in ("history", "trending"),
        "--dislike": given.disliked and kind != "examples",
        "--visitor": given.visitor and kind != "history",
    }
    for option, is_strange in strange.items():
        if is_strange:
            message = f"{option} does nothing beside --kind {kind}; leave one of them out"
            raise click.UsageError(message)


def _wanting(kind: str, given: Given) -> Wanting:
    from shopsearch.domain import (
        BoughtTogether,
        ByExamples,
        ByHistory,
        Complementary,
        SimilarTo,
        Strategy,
        Trending,
    )

    makers: dict[str, Callable[[], Wanting]] = {
        "similar": lambda: SimilarTo(product_id=given.liked[0], text_weight=given.text_weight),
        "examples": lambda: ByExamples(
            liked=given.liked, disliked=given.disliked, strategy=Strategy(given.strategy)
        ),
        "history": lambda: ByHistory(visitor=given.visitor),
        "bought_together": lambda: BoughtTogether(product_ids=given.liked),
        "complementary": lambda: Complementary(product_ids=given.liked),
        "trending": lambda: Trending(days=given.days),
    }
    return makers[kind]()


def _print(found: Recommendations) -> None:
    from shopsearch.cli import console
    from shopsearch.wire import recommendations_json

    console.print_json(
        recommendations_json(found, lambda hit: next(iter(hit.product.images), None))
    )


def _show(found: Recommendations) -> None:
    from rich.table import Table
    from rich.text import Text

    from shopsearch.cli import console

    screen = console.out()
    if found.unknown:
        screen.print(Text(f"not in the catalog: {', '.join(found.unknown)}", style="yellow"))
    if found.fallback is not None:
        screen.print(Text(f"nothing to go by; {found.fallback} instead", style="yellow"))
    if not found.hits:
        screen.print("No product passes. Fewer filters let more through.")
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("#", justify="right", style="dim")
    table.add_column("score", justify="right", style="cyan")
    table.add_column("id", overflow="fold", style="dim")
    table.add_column("title", overflow="ellipsis", no_wrap=True, max_width=40)
    table.add_column("why", overflow="fold")
    for one in found.hits:
        product = one.hit.product
        why = "; ".join(reason.text for reason in one.reasons)
        row = (str(one.hit.rank), f"{one.hit.score:.3f}", Text(product.product_id))
        table.add_row(*row, Text(product.title or "(picture only)"), Text(why))
    if found.hits:
        screen.print(table)
    shown = f"{len(found.hits)} of {found.total} products in {found.took_ms:.0f} ms"
    screen.print(f"{shown}, generation {found.generation}", style="dim")
