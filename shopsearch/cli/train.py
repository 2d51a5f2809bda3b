"""`train`: the learned parts of the search, from catalogs."""

from __future__ import annotations

from pathlib import Path

import click

from shopsearch.cli.options import json_option
from shopsearch.cli.train_combiner import combiner
from shopsearch.cli.train_fusion import fusion
from shopsearch.cli.train_options import (
    Feeds,
    Pace,
    feeds_options,
    out_option,
    pace_options,
    show,
    stages,
    tell,
    tell_epoch,
)
from shopsearch.cli.train_ranking import ranking
from shopsearch.training.effort import Stopwatch


@click.group()
def train() -> None:
    """Train the learned parts of the search."""


train.add_command(combiner)
train.add_command(fusion)
train.add_command(ranking)


@train.command()
@feeds_options("Feed, or folder with one, to measure with.")
@out_option("head/compact-head.safetensors", beside="curves, card and cache go")
@pace_options(epochs=10, batch_size=1024, better="recall", unit="Pairs")
@click.option(
    "--leave-out",
    multiple=True,
    metavar="KIND",
    help="Learn nothing of products whose category ends with this; repeatable.",
)
@json_option
def head(*, feeds: Feeds, out: Path, pace: Pace, leave_out: tuple[str, ...], as_json: bool) -> None:
    """Train the image head of the compact encoder on catalogs.

    Products whose column `split` says val are held out and measured with, unless --val names a
    catalog for that. Ctrl-C ends the run early and keeps the best weights so far. Use them with
    SHOPSEARCH_HEAD, and index again.
    """
    from shopsearch.training.curves import check_drawing
    from shopsearch.training.head import train_head
    from shopsearch.training.learning import Recipe
    from shopsearch.training.pairs import read_pairs

    check_drawing()
    stopwatch = Stopwatch()
    pairs = read_pairs(feeds.catalogs, feeds.val, leave_out=leave_out, mapping=feeds.mapping())
    tell(
        f"{len(pairs.learned):,} pairs to learn from, {len(pairs.held_out):,} held out, "
        f"{pairs.n_left_out:,} left out, {pairs.n_without_picture:,} without a picture or words"
    )
    with stages() as stage:
        report = train_head(
            pairs,
            feeds.catalogs,
            out,
            Recipe(**pace._asdict()),
            left_out=leave_out,
            stopwatch=stopwatch,
            stage=stage,
            watch=lambda epoch: tell_epoch(epoch, "recall@10", epoch.recall_at_10),
        )
    show(report, as_json=as_json)
