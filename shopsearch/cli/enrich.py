"""`enrich`: proposals for what products lack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shopsearch.cli.options import GlobalOptions, WrittenFile, json_option

if TYPE_CHECKING:
    from rich.text import Text

    from shopsearch.enriching import AttributeOutcome, Enrichment

_SHOWN = 15  # proposals on the terminal; the CSV has all


@click.command()
@click.option(
    "--attribute",
    "attributes",
    multiple=True,
    metavar="NAME",
    help="Propose values of this: category, color, gender, or any column of the feed; repeatable "
    "[default: these three, where some products lack them].",
)
@click.option(
    "--min-probability",
    type=click.FloatRange(0, 1),
    default=0.8,
    show_default=True,
    metavar="0..1",
    help="Propose nothing that is less likely.",
)
@click.option(
    "--method",
    type=click.Choice(["auto", "learned", "zero-shot"]),
    default="auto",
    show_default=True,
    help="Learn from products that have the attribute, or go by the names of its values; auto "
    "takes for each attribute what is right more often on held-out products.",
)
@click.option(
    "--values",
    "values_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Propose only values of this list, one a line.",
)
@click.option(
    "--value", "values", multiple=True, metavar="VALUE", help="Propose this value; repeatable."
)
@click.option(
    "--min-examples",
    type=click.IntRange(2),
    default=5,
    show_default=True,
    help="Learn no value that is on fewer different titles.",
)
@click.option(
    "--max-examples",
    type=click.IntRange(10),
    default=5_000,
    show_default=True,
    help="Learn and measure with at most so many products, drawn at random.",
)
@click.option("--seed", default=0, show_default=True, help="Same seed, same proposals.")
@click.option(
    "--out",
    type=WrittenFile(),
    help="Write the proposals as CSV: product_id, attribute, value, probability, method.",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write figures (JSON, Markdown) and confusion matrices (PNG) into this folder.",
)
@json_option
@click.pass_obj
def enrich(
    options: GlobalOptions,
    *,
    attributes: tuple[str, ...],
    min_probability: float,
    method: str,
    values_file: Path | None,
    values: tuple[str, ...],
    min_examples: int,
    max_examples: int,
    seed: int,
    out: Path | None,
    report: Path | None,
    as_json: bool,
) -> None:
    """Propose values for attributes that products lack.

    Each comes with a probability, checked against products whose value is known. Nothing in the
    catalog is changed: look through the CSV, merge it into your feed, and index the feed again.
    """
    from shopsearch.enriching import Method, Wanted
    from shopsearch.enriching.confusion import check_drawing
    from shopsearch.enriching.files import read_values, write_proposals, write_report

    allowed = (*(read_values(values_file) if values_file else ()), *_said(values))
    if allowed and len(attributes) != 1:
        message = "--values and --value are of one attribute: name it with one --attribute"
        raise click.UsageError(message)
    if report is not None:
        check_drawing()
    wanted = Wanted(
        attributes=attributes,
        method=Method(method),
        min_probability=min_probability,
        values=allowed,
        min_titles=min_examples,
        max_examples=max_examples,
        seed=seed,
        measure_all=report is not None,
    )
    with options.services() as services:
        enrichment = services.enricher.enrich(wanted, _stage)
    if report is not None:
        write_report(report, enrichment)
    if out is not None:
        write_proposals(out, enrichment)
    _answer(enrichment, out, report, as_json=as_json)


def _said(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(filter(None, (" ".join(value.split()) for value in values)))


@contextmanager
def _stage(name: str) -> Iterator[Callable[[int, int | None], None]]:
    """A bar for one stage of the work."""
    from shopsearch.cli import progress

    with progress.steps(name) as step:
        yield lambda done, total: step(done, total, "")


def _answer(
    enrichment: Enrichment, out: Path | None, report: Path | None, *, as_json: bool
) -> None:
    from shopsearch.cli import console

    if as_json:
        console.print_json(enrichment.as_json())
    else:
        _show(enrichment)
    for what, path in (("proposals", out), ("report", report)):
        if path is not None:
            click.echo(f"{what}: {path}", err=True)


def _show(enrichment: Enrichment) -> None:
    from rich.table import Table

    from shopsearch.cli import console

    screen = console.out()
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("attribute", style="bold")
    for heading in ("have it", "lack it", "proposed"):
        table.add_column(heading, justify="right")
    table.add_column("method")
    bound = f"{enrichment.min_probability:g}"
    for heading in ("accuracy", "macro F1", "ECE", f"right from {bound}"):
        table.add_column(heading, justify="right", style="cyan")
    for outcome in enrichment.outcomes:
        table.add_row(*_cells(outcome))
    screen.print(table)
    for outcome in enrichment.outcomes:
        for remark in _remarks(outcome):
            screen.print(f"{outcome.attribute}: {remark}", style="dim", markup=False)
    _show_proposals(enrichment)


def _cells(outcome: AttributeOutcome) -> tuple[str | Text, ...]:
    from rich.text import Text

    name = Text(outcome.attribute)  # a person's words: no markup
    counts = (str(outcome.have), str(outcome.lack), str(len(outcome.proposals)))
    if outcome.method is None:
        return (name, *counts, "none", "", "", "", "")
    quality = outcome.quality
    if quality is None:
        return (name, *counts, str(outcome.method), "not measured", "", "", "")
    figures = (quality.accuracy, quality.macro.f1, quality.ece, quality.bound.precision)
    shown = (f"{figure:.3f}" for figure in figures)
    return (name, *counts, str(outcome.method), *shown)


def _remarks(outcome: AttributeOutcome) -> Iterator[str]:
    """What a merchandiser should know of the figures."""
    yield outcome.reason
    if n := len(outcome.rare):
        products = sum(outcome.rare.values())
        shown = list(outcome.rare)[:5]
        named = ", ".join(shown)
        more = ", ..." if n > len(shown) else ""
        yield f"too rare to be learned, {n} of the values ({products} products): {named}{more}"
    if not outcome.calibrated:
        yield "too few products have it to check what the probabilities mean: take them as a guess"
    if outcome.examples and outcome.examples + outcome.unusable < outcome.have:
        yield f"learned and measured with {outcome.examples} of {outcome.have} products"
    if outcome.unusable:
        yield f"{outcome.unusable} products could not be looked at without it and taught nothing"
    if outcome.not_indexed:
        yield (
            f"{outcome.not_indexed} products changed since the index was built and were left out: "
            "run `shopsearch reindex`"
        )


def _show_proposals(enrichment: Enrichment) -> None:
    from rich.table import Table
    from rich.text import Text

    from shopsearch.cli import console

    proposals = enrichment.proposals
    if not proposals:
        console.out().print("Nothing is proposed.")
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("product", "attribute", "value"):
        table.add_column(heading, overflow="fold")
    table.add_column("probability", justify="right", style="cyan")
    for one in proposals[:_SHOWN]:
        words = (one.product_id, one.attribute, one.value)
        table.add_row(*map(Text, words), f"{one.probability:.3f}")
    screen = console.out()
    screen.print()
    screen.print(table)
    if (hidden := len(proposals) - _SHOWN) > 0:
        screen.print(f"and {hidden} more: write them all with --out FILE.csv", style="dim")
