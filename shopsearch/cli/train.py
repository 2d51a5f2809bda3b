"""`train`: the learned parts of the search, from catalogs."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shopsearch.cli.index import read_mapping
from shopsearch.cli.options import json_option
from shopsearch.cli.train_combiner import combiner
from shopsearch.cli.train_fusion import fusion
from shopsearch.cli.train_ranking import ranking

if TYPE_CHECKING:
    from shopsearch.training.curves import Epoch
    from shopsearch.training.head import HeadReport

_catalog = click.Path(path_type=Path, exists=True)


@click.group()
def train() -> None:
    """Train the learned parts of the search."""


train.add_command(combiner)
train.add_command(fusion)
train.add_command(ranking)


@train.command()
@click.option(
    "--catalog",
    "catalogs",
    required=True,
    multiple=True,
    type=_catalog,
    help="Feed, or folder with one, to learn from; repeatable.",
)
@click.option("--val", type=_catalog, help="Feed, or folder with one, to measure with.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("head/compact-head.safetensors"),
    show_default=True,
    help="Where to write the weights; curves, card and cache go beside them.",
)
@click.option("--seed", default=0, show_default=True, help="Same seed, same weights.")
@click.option(
    "--epochs", type=click.IntRange(1), default=10, show_default=True, help="At most so many."
)
@click.option(
    "--patience",
    type=click.IntRange(1),
    default=4,
    show_default=True,
    help="Stop after so many epochs without a better recall.",
)
@click.option(
    "--batch-size", type=click.IntRange(2), default=1024, show_default=True, help="Pairs a step."
)
@click.option(
    "--leave-out",
    multiple=True,
    metavar="KIND",
    help="Learn nothing of products whose category ends with this; repeatable.",
)
@click.option(
    "--map",
    "columns",
    multiple=True,
    metavar="FIELD=COLUMN",
    callback=read_mapping,
    help="Take a product field from this column of the feeds; repeatable.",
)
@json_option
def head(
    *,
    catalogs: tuple[Path, ...],
    val: Path | None,
    out: Path,
    seed: int,
    epochs: int,
    patience: int,
    batch_size: int,
    leave_out: tuple[str, ...],
    columns: dict[str, str],
    as_json: bool,
) -> None:
    """Train the image head of the compact encoder on catalogs.

    Products whose column `split` says val are held out and measured with, unless --val names a
    catalog for that. Ctrl-C ends the run early and keeps the best weights so far. Use them with
    SHOPSEARCH_HEAD, and index again.
    """
    from shopsearch.catalog import FieldMapping
    from shopsearch.cli import progress
    from shopsearch.training.head import HeadFiles, train_head
    from shopsearch.training.learning import Recipe
    from shopsearch.training.pairs import read_pairs

    pairs = read_pairs(catalogs, val, leave_out=leave_out, mapping=FieldMapping(columns=columns))
    _tell(
        f"{len(pairs.learned):,} pairs to learn from, {len(pairs.held_out):,} held out, "
        f"{pairs.n_left_out:,} left out, {pairs.n_without_picture:,} without a picture or words"
    )
    recipe = Recipe(seed=seed, epochs=epochs, patience=patience, batch_size=batch_size)
    with ExitStack() as bars:
        report = train_head(
            pairs,
            catalogs,
            HeadFiles(out),
            recipe,
            left_out=leave_out,
            stage=lambda name: progress.stage(bars, name),
            watch=_show_epoch,
        )
    _show(report, as_json=as_json)


def _show_epoch(epoch: Epoch) -> None:
    recall = "" if epoch.recall_at_10 is None else f", recall@10 {epoch.recall_at_10:.4f}"
    _tell(f"epoch {epoch.number}: loss {epoch.loss:.3f}{recall}, {epoch.seconds:.1f} s")


def _show(report: HeadReport, *, as_json: bool) -> None:
    from shopsearch.cli import console

    if report.interrupted:
        _tell(f"stopped by hand: the best weights so far, of epoch {report.best_epoch}, are kept")
    if as_json:
        console.print_json(_as_json(report))
        return
    for written in (report.files.weights, report.files.curves, report.files.card):
        click.echo(str(written))


def _as_json(report: HeadReport) -> dict[str, Any]:
    return {
        "weights": str(report.files.weights),
        "curves": str(report.files.curves),
        "card": str(report.files.card),
        "pairs": report.n_pairs,
        "held_out": report.n_held_out,
        "epochs": [asdict(epoch) for epoch in report.epochs],
        "best_epoch": report.best_epoch,
        "recall@10": report.recall_at_10,
        "interrupted": report.interrupted,
        "seconds": round(report.seconds, 1),
    }


def _tell(words: str) -> None:
    click.echo(words, err=True)
