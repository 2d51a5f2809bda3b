"""`train fusion`: how image and text become one vector, from catalogs."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shopsearch.cli.index import read_mapping
from shopsearch.cli.options import GlobalOptions, json_option

if TYPE_CHECKING:
    from shopsearch.bootstrap import Services
    from shopsearch.training.fusion_curves import FusionEpoch
    from shopsearch.training.fusion_reading import Road
    from shopsearch.training.fusion_run import FusionReport

METHODS = ("weighted-sum", "concat-mlp", "product", "gated", "attention", "late")
_feed = click.Path(path_type=Path, exists=True)
_file = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.option(
    "--catalog",
    "catalogs",
    required=True,
    multiple=True,
    type=_feed,
    help="Feed, or folder with one, to learn from; repeatable.",
)
@click.option("--val", type=_feed, help="Feed, or folder with one, that says when to stop.")
@click.option(
    "--method",
    type=click.Choice(METHODS),
    default="gated",
    show_default=True,
    help="How image and text become one.",
)
@click.option(
    "--objective",
    type=click.Choice(["contrastive", "supervised", "semi"]),
    default="supervised",
    show_default=True,
    help="What is right: the product itself, all with its labels, or with labels that are guessed.",
)
@click.option(
    "--queries", type=_file, help="Judged or clicked queries to learn from too, as for evaluate."
)
@click.option("--qrels", type=_file, help="Their judgments, or counts of clicks, as gains.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("fusion/fusion.safetensors"),
    show_default=True,
    help="Where to write the weights; curves and card go beside them.",
)
@click.option("--seed", default=0, show_default=True, help="Same seed, same weights.")
@click.option(
    "--epochs", type=click.IntRange(1), default=12, show_default=True, help="At most so many."
)
@click.option(
    "--patience",
    type=click.IntRange(1),
    default=4,
    show_default=True,
    help="Stop after so many epochs without a better figure.",
)
@click.option(
    "--batch-size", type=click.IntRange(2), default=768, show_default=True, help="Products a step."
)
@click.option("--rate", type=float, default=3e-3, show_default=True, help="Learning rate.")
@click.option(
    "--per-dimension", is_flag=True, help="weighted-sum: a weight for each dimension, not one."
)
@click.option("--resume", is_flag=True, help="Go on with a run that was stopped, at its --out.")
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
def fusion(
    ctx: click.Context,
    *,
    catalogs: tuple[Path, ...],
    val: Path | None,
    method: str,
    objective: str,
    queries: Path | None,
    qrels: Path | None,
    out: Path,
    seed: int,
    epochs: int,
    patience: int,
    batch_size: int,
    rate: float,
    per_dimension: bool,
    resume: bool,
    columns: dict[str, str],
    as_json: bool,
) -> None:
    """Train how image and text become one vector, for the encoder in use.

    Embeddings come from the same cache as those of `shopsearch index`. Products whose column
    `split` says val or test are looked at once, at the end; of the others a tenth by title says
    when to stop, unless --val names a catalog for that. Ctrl-C ends the run early and keeps the
    best weights so far. Use them with SHOPSEARCH_FUSION, and reindex.
    """
    from shopsearch.catalog import FieldMapping
    from shopsearch.cli import progress
    from shopsearch.fusion.module import Sizes
    from shopsearch.training.fusion_judged import read_judged
    from shopsearch.training.fusion_learning import FusionRecipe, Objective
    from shopsearch.training.fusion_reading import read_catalogs
    from shopsearch.training.fusion_run import FusionFiles, train_fusion

    if (queries is None) != (qrels is None):
        raise click.UsageError("--queries and --qrels go together: give both, or neither")
    recipe = FusionRecipe(
        objective=Objective(objective),
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=rate,
        patience=patience,
        seed=seed,
    )
    options = ctx.ensure_object(GlobalOptions)
    with options.services() as services, ExitStack() as bars:
        road = _road(services)
        read = read_catalogs(
            catalogs,
            val,
            road,
            seed=seed,
            mapping=FieldMapping(columns, services.settings.currency),
            stage=lambda name: progress.stage(bars, name),
        )
        judged = None
        if queries is not None and qrels is not None:
            judged = read_judged(queries, qrels, read, services.preparer.prepare_query, road.encode)
        bars.close()
        _tell(f"{len(read.product_ids):,} products, {read.n_rejected:,} could not be used")
        report = train_fusion(
            read,
            catalogs,
            FusionFiles(out),
            recipe,
            method=method,
            encoder_id=services.embedder.encoder_id,
            sizes=Sizes(per_dimension=per_dimension),
            judged=judged,
            resume=resume,
            watch=_show_epoch,
        )
    _show(report, as_json=as_json)


def _road(services: Services) -> Road:
    """The stations of the road that products take to their embeddings."""
    from shopsearch.training.fusion_reading import Road

    preparer, embedder = services.preparer, services.embedder
    return Road(
        prepare=lambda product: preparer.prepare(preparer.identify(product)),
        encode=lambda items: embedder.encode(items)[0],
    )


def _show_epoch(epoch: FusionEpoch) -> None:
    figure = "" if epoch.ndcg_at_10 is None else f", nDCG@10 {epoch.ndcg_at_10:.4f}"
    loss = "untrained" if epoch.loss is None else f"loss {epoch.loss:.3f}"
    _tell(f"epoch {epoch.number}: {loss}{figure}, {epoch.seconds:.1f} s")


def _show(report: FusionReport, *, as_json: bool) -> None:
    from shopsearch.cli import console

    if report.interrupted:
        _tell(f"stopped by hand: the best weights so far, of epoch {report.best_epoch}, are kept")
    if as_json:
        console.print_json(_as_json(report))
        return
    for written in (report.files.weights, report.files.curves, report.files.card):
        click.echo(str(written))


def _as_json(report: FusionReport) -> dict[str, Any]:
    return {
        "weights": str(report.files.weights),
        "curves": str(report.files.curves),
        "card": str(report.files.card),
        "method": report.method,
        "products": report.n_products,
        "held_out": report.n_held_out,
        "rejected": report.n_rejected,
        "guessed": report.n_guessed,
        "epochs": [asdict(epoch) for epoch in report.epochs],
        "best_epoch": report.best_epoch,
        "ndcg@10": report.ndcg_at_10,
        "test": [{**asdict(cell), "way": cell.way.value} for cell in report.test],
        "interrupted": report.interrupted,
        "seconds": round(report.seconds, 1),
    }


def _tell(words: str) -> None:
    click.echo(words, err=True)
