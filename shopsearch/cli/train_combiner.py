"""`train combiner`: combined queries such as "this, but in blue", from the variants of catalogs."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shopsearch.cli.index import read_mapping
from shopsearch.cli.options import GlobalOptions, json_option

if TYPE_CHECKING:
    from shopsearch.training.combiner import CombinerEpoch
    from shopsearch.training.combiner_run import CombinerReport


@click.command()
@click.option(
    "--catalog",
    "catalogs",
    required=True,
    multiple=True,
    type=click.Path(path_type=Path, exists=True),
    help="Feed, or folder with one, to learn from; repeatable.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("combiner/combiner.safetensors"),
    show_default=True,
    help="Where to write the weights; curves and card go beside them.",
)
@click.option("--seed", default=0, show_default=True, help="Same seed, same weights.")
@click.option("--epochs", type=click.IntRange(1), default=4, show_default=True, help="How many.")
@click.option(
    "--map",
    "columns",
    multiple=True,
    metavar="FIELD=COLUMN",
    callback=read_mapping,
    help="Take a product field from this column of the feeds; repeatable.",
)
@json_option
@click.pass_context
def combiner(
    ctx: click.Context,
    *,
    catalogs: tuple[Path, ...],
    out: Path,
    seed: int,
    epochs: int,
    columns: dict[str, str],
    as_json: bool,
) -> None:
    """Train combined queries: a picture or product, and words that change it.

    Learns from products that differ in colour, or in whom they are for, alone: those of one
    item_group_id, or of titles that are equal but for these words. Products whose column `split`
    says val or test measure; without that column a tenth by title. Ctrl-C ends the run early and
    keeps what was learned. Use the weights with SHOPSEARCH_COMBINER; nothing needs reindexing.
    """
    from shopsearch.catalog import FieldMapping
    from shopsearch.cli import progress
    from shopsearch.training.combiner import CombinerRecipe
    from shopsearch.training.combiner_run import train_combiner

    options = ctx.ensure_object(GlobalOptions)
    with options.services() as services, ExitStack() as bars:
        preparer, embedder = services.preparer, services.embedder
        report = train_combiner(
            catalogs,
            out,
            CombinerRecipe(seed=seed, epochs=epochs),
            prepare=lambda product: preparer.prepare(preparer.identify(product)),
            embed=lambda items: embedder.embed(items)[0],
            encoder_id=embedder.encoder_id,
            fusion_id=embedder.fusion_id,
            mapping=FieldMapping(columns, services.settings.currency),
            stage=lambda name: progress.stage(bars, name),
            watch=_show_epoch,
        )
    _show(report, as_json=as_json)


def _show_epoch(epoch: CombinerEpoch) -> None:
    click.echo(
        f"epoch {epoch.number}: loss {epoch.loss:.3f}, recall@1 {epoch.recall_at_1:.4f}, "
        f"{epoch.seconds:.1f} s",
        err=True,
    )


def _show(report: CombinerReport, *, as_json: bool) -> None:
    from shopsearch.cli import console

    if as_json:
        console.print_json({**asdict(report), "weights": str(report.weights)})
        return
    for suffix in (".safetensors", ".png", ".md"):
        click.echo(str(report.weights.with_suffix(suffix)))
