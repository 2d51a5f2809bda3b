"""`search` and `similar`: what a shopper asks, from a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from shopsearch.cli.options import GlobalOptions, json_option
from shopsearch.cli.wish_options import read_wishes, wanted, wish_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.text import Text

    from shopsearch.bootstrap import Services
    from shopsearch.domain import Hit, Query, SearchPage

count_option = click.option(
    "-k",
    type=click.IntRange(1, 1000),
    default=10,
    show_default=True,
    metavar="N",
    help="How many products to show.",
)

why_option = click.option(
    "--why",
    "explain",
    is_flag=True,
    help="Also say why each product was found, and what its score is made of.",
)


@click.command()
@click.argument("text", required=False, default="")
@click.option("--image", metavar="FILE|URL", help="Search by this picture.")
@click.option("--product", "product_id", metavar="ID", help="Search for products like this one.")
@click.option(
    "--text-weight",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    metavar="0..1",
    help="How much words count beside a picture or a product.",
)
@click.option(
    "--not",
    "negatives",
    multiple=True,
    metavar="TEXT",
    help="Not like this; products that say it of themselves come last; repeatable.",
)
@wish_options
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="F=V",
    help="Only these: brand=Nike, brand=[Nike,Puma], brand!=Nike, price=10..50, price>=10, "
    "color=*; repeatable.",
)
@click.option(
    "--facet",
    "facets",
    multiple=True,
    metavar="FIELD",
    help="Count the values of this field over all that matches: brand, price, category, any "
    "attribute; repeatable.",
)
@click.option(
    "--facet-limit",
    type=click.IntRange(1, 200),
    default=20,
    show_default=True,
    metavar="N",
    help="How many values of a facet to show, the most frequent.",
)
@click.option(
    "--sort",
    type=click.Choice(["relevance", "price_asc", "price_desc", "newest", "popularity"]),
    default="relevance",
    show_default=True,
    help="Order of the products shown.",
)
@click.option(
    "--diversity",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    metavar="0..1",
    help="How much the first products shall differ: 0 not at all, 1 as much as they can.",
)
@click.option(
    "--cutoff", is_flag=True, help="Find and count only what is relevant; not all that passes."
)
@click.option(
    "--collapse", is_flag=True, help="Show variants and copies of a product as one, with a count."
)
@click.option("--as-typed", is_flag=True, help="Correct no word that the catalog does not have.")
@click.option(
    "--literal",
    multiple=True,
    metavar="WORDS",
    help="Take these words for words alone, not for a colour, a brand, a price or the like; "
    "repeatable.",
)
@click.option("--no-understanding", is_flag=True, help="Take all words for words alone.")
@count_option
@why_option
@json_option
@click.pass_obj
def search(
    options: GlobalOptions,
    *,
    text: str,
    image: str | None,
    product_id: str | None,
    text_weight: float,
    negatives: tuple[str, ...],
    also: tuple[str, ...],
    also_image: tuple[str, ...],
    also_product: tuple[str, ...],
    not_image: tuple[str, ...],
    not_product: tuple[str, ...],
    filters: tuple[str, ...],
    facets: tuple[str, ...],
    facet_limit: int,
    sort: str,
    diversity: float,
    k: int,
    explain: bool,
    cutoff: bool,
    collapse: bool,
    as_typed: bool,
    literal: tuple[str, ...],
    no_understanding: bool,
    as_json: bool,
) -> None:
    """Search by words, by a picture, or by both.

    A filter alone lists everything that it lets through, the newest first. Words in quotes have to
    stand side by side ('"trail running" shoes'): products that have them so come first.
    """
    from shopsearch.cli.filters import parse_filters
    from shopsearch.domain import Query, Sort

    where = parse_filters(filters)
    wishes = read_wishes(
        also=also,
        also_image=also_image,
        also_product=also_product,
        not_image=not_image,
        not_product=not_product,
    )
    is_wished = any(wish.weight > 0 for wish in wishes)
    if not (text.strip() or image or product_id or where or facets or is_wished):
        message = "nothing is asked for: give words, --image, --product, --filter or --facet"
        raise click.UsageError(message)
    with options.services() as services:
        query = Query(
            text=text,
            image=_picture(services, image, "--image") if image else None,
            product_id=product_id,
            text_weight=text_weight,
            negatives=negatives,
            also=wanted(wishes, lambda place, option: _picture(services, place, option)),
            where=where,
            sort=Sort(sort),
            diversity=diversity,
            k=k,
            explain=explain,
            cutoff=cutoff,
            collapse=collapse,
            as_typed=as_typed,
            understand=not no_understanding,
            literal=literal,
            facets=tuple(dict.fromkeys(facets)),
            facet_limit=facet_limit,
        )
        _warm_up(services, query, cutoff=cutoff)
        page = services.search.search(query)
    _answer(page, as_json=as_json, scored=not query.is_empty and _has_scores(page))


@click.command()
@click.argument("product_id", metavar="ID")
@count_option
@why_option
@json_option
@click.pass_obj
def similar(
    options: GlobalOptions, *, product_id: str, k: int, explain: bool, as_json: bool
) -> None:
    """Show the products most like product ID."""
    with options.services() as services:
        services.live.get()  # so that the time it took is that of the search
        page = services.search.similar(product_id, k=k, explain=explain)
    _answer(page, as_json=as_json, scored=True)


def _warm_up(services: Services, query: Query, *, cutoff: bool) -> None:
    """Load what the search needs, so that the time it took is that of the search. Products have
    their vectors already.
    """
    generation = services.live.get()
    texts = bool(query.text.strip()) or any(wish.text for wish in query.wishes)
    pictures = bool(query.image) or any(wish.image for wish in query.wishes)
    if query.is_empty or not (texts or pictures):
        return
    services.understanding.warm_up(generation)
    services.encoder.warm_up(texts=texts, pictures=pictures)
    if cutoff:
        services.relevance.warm_up(generation)


def _picture(services: Services, place: str, option: str) -> bytes:
    if place.startswith(("http://", "https://")):
        return services.query_fetcher.fetch(place)
    path = Path(place)
    if not path.is_file():
        message = f"there is no file {place!r}: give the path or the URL of a picture"
        raise click.BadParameter(message, param_hint=f"'{option}'")
    limit = services.settings.max_image_bytes
    if (size := path.stat().st_size) > limit:
        message = (
            f"{place!r} has {size:,} bytes and the limit is {limit:,}: "
            "scale it down, or raise SHOPSEARCH_MAX_IMAGE_BYTES"
        )
        raise click.BadParameter(message, param_hint=f"'{option}'")
    return path.read_bytes()


def _answer(page: SearchPage, *, as_json: bool, scored: bool) -> None:
    from shopsearch.cli import console
    from shopsearch.wire import page_json

    if as_json:
        console.print_json(page_json(page, _source))
    else:
        _show(page, scored=scored)


def _has_scores(page: SearchPage) -> bool:
    """Whether more was asked for than a filter, which may come of the words."""
    return any(hit.score for hit in page.hits)


def _source(hit: Hit) -> str | None:
    """The main picture as the shop's feed names it."""
    return next(iter(hit.product.images), None)


def _show(page: SearchPage, *, scored: bool) -> None:
    from rich.table import Table

    from shopsearch.cli import console
    from shopsearch.cli.corrected import show_wording

    screen = console.out()
    show_wording(page)
    if page.hits:
        table = Table(box=None, padding=(0, 2, 0, 0))
        table.add_column("#", justify="right", style="dim")
        table.add_column("score", justify="right", style="cyan")
        table.add_column("id", overflow="fold", style="dim")
        table.add_column("title", overflow="ellipsis", no_wrap=True, max_width=70)
        table.add_column("price", justify="right", no_wrap=True)
        for hit in page.hits:
            table.add_row(*_cells(hit, scored=scored))
        screen.print(table)
        _show_whys(page.hits)
    else:
        screen.print("No product matches. Other words, or fewer filters, let more through.")
    if page.facets:
        from shopsearch.cli.facets import show_facets

        show_facets(page.facets)
    shown = f"{len(page.hits)} of {page.total} products in {page.took_ms:.0f} ms"
    screen.print(f"{shown}, generation {page.generation}", style="dim")


def _show_whys(hits: Sequence[Hit]) -> None:
    from shopsearch.cli import console
    from shopsearch.cli.why import why_table

    explained = [hit for hit in hits if hit.why is not None or hit.rules or hit.signals]
    if explained:
        screen = console.out()
        screen.print()
        screen.print(why_table(explained))


def _cells(hit: Hit, *, scored: bool) -> tuple[str | Text, ...]:
    from rich.text import Text

    product = hit.product
    title = Text(product.title) if product.title else Text("(picture only)", style="dim")
    if hit.n_variants:
        title.append(f" +{hit.n_variants}", style="dim")
    return (
        str(hit.rank),
        f"{hit.score:.3f}" if scored else "",  # a list by filter alone has no scores
        Text(product.product_id),
        title,
        str(product.price) if product.price else "",
    )
