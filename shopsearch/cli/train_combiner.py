"""`train combiner`: combined queries such as "this, but in blue", from the variants of catalogs."""

from __future__ import annotations

from pathlib import Path

import click

from shopsearch.cli.options import GlobalOptions, json_option
from shopsearch.cli.train_options import (
    Feeds,
    epochs_option,
    feeds_options,
    out_option,
    seed_option,
    show,
    stages,
    tell_epoch,
)


@click.command()
@feeds_options()
@out_option("combiner/combiner.safetensors", beside="curves and card go")
@seed_option
@epochs_option(4, "How many.")
@json_option
@click.pass_obj
def combiner(
    options: GlobalOptions, *, feeds: Feeds, out: Path, seed: int, epochs: int, as_json: bool
) -> None:
    """Train combined queries: a picture or product, and words that change it.

    Learns from products that differ in colour, or in whom they are for, alone: those of one
    item_group_id, or of titles that are equal but for these words. Products whose column `split`
    says val or test measure; without that column a tenth by title. Ctrl-C ends the run early and
    keeps what was learned. Use the weights with SHOPSEARCH_COMBINER; nothing needs reindexing.
    """
    from shopsearch.training.combiner import CombinerRecipe
    from shopsearch.training.combiner_run import train_combiner
    from shopsearch.training.curves import check_drawing

    check_drawing()
    with options.services() as services, stages() as stage:
        preparer, embedder = services.preparer, services.embedder
        report = train_combiner(
            feeds.catalogs,
            out,
            CombinerRecipe(seed=seed, epochs=epochs),
            prepare=lambda product: preparer.prepare(preparer.identify(product)),
            embed=lambda items: embedder.embed(items)[0],
            encoder_id=embedder.encoder_id,
            fusion_id=embedder.fusion_id,
            mapping=feeds.mapping(services.settings.currency),
            stage=stage,
            watch=lambda epoch: tell_epoch(epoch, "recall@1", epoch.recall_at_1),
        )
    show(report, as_json=as_json)
