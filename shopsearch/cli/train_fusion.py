"""`train fusion`: how image and text become one vector, from catalogs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from shopsearch.cli.options import GlobalOptions, json_option, packed
from shopsearch.cli.train_options import (
    BESIDE,
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
from shopsearch.training.effort import Stopwatch

if TYPE_CHECKING:
    from shopsearch.bootstrap import Services
    from shopsearch.fusion.module import Sizes
    from shopsearch.training.fusion_judged import Judged
    from shopsearch.training.fusion_learning import FusionRecipe
    from shopsearch.training.fusion_reading import ReadCatalogs, Road

METHODS = ("weighted-sum", "concat-mlp", "product", "gated", "attention", "late")
_file = click.Path(path_type=Path, exists=True, dir_okay=False)


class How(NamedTuple):
    """What is trained, and by what."""

    method: str
    objective: str
    rate: float
    per_dimension: bool
    resume: bool

    def recipe(self, pace: Pace) -> FusionRecipe:
        """How long, how fast and by what to learn."""
        from shopsearch.training.fusion_learning import FusionRecipe, Objective

        return FusionRecipe(Objective(self.objective), learning_rate=self.rate, **pace._asdict())

    def sizes(self) -> Sizes:
        """The sizes of its parts."""
        from shopsearch.fusion.module import Sizes

        return Sizes(per_dimension=self.per_dimension)


class Judgments(NamedTuple):
    """Files of judged queries; both or neither."""

    queries: Path | None
    qrels: Path | None


_HOW = (
    click.option(
        "--method",
        type=click.Choice(METHODS),
        default="gated",
        show_default=True,
        help="How image and text become one.",
    ),
    click.option(
        "--objective",
        type=click.Choice(["contrastive", "supervised", "semi"]),
        default="supervised",
        show_default=True,
        help="What is right: the product itself, all with its labels, or with labels that are "
        "guessed.",
    ),
    click.option(
        "--rate",
        type=click.FloatRange(0, min_open=True),
        default=3e-3,
        show_default=True,
        help="Learning rate.",
    ),
    click.option(
        "--per-dimension", is_flag=True, help="weighted-sum: a weight for each dimension, not one."
    ),
    click.option("--resume", is_flag=True, help="Go on with a run that was stopped, at its --out."),
)
_JUDGMENTS = (
    click.option(
        "--queries",
        type=_file,
        help="Judged or clicked queries to learn from too, as for evaluate.",
    ),
    click.option("--qrels", type=_file, help="Their judgments, or counts of clicks, as gains."),
)


@click.command()
@feeds_options("Feed, or folder with one, that says when to stop.")
@packed("judgments", Judgments, _JUDGMENTS)
@out_option("fusion/fusion.safetensors", beside="curves and card go", endings=(*BESIDE, ".state"))
@packed("how", How, _HOW)
@pace_options(epochs=12, batch_size=512, better="figure", unit="Products")
@json_option
@click.pass_obj
def fusion(
    options: GlobalOptions,
    *,
    feeds: Feeds,
    judgments: Judgments,
    out: Path,
    how: How,
    pace: Pace,
    as_json: bool,
) -> None:
    """Train how image and text become one vector, for the encoder in use.

    Embeddings come from the same cache as those of `shopsearch index`. Products whose column
    `split` says val or test are looked at once, at the end; of the others a tenth by title says
    when to stop, unless --val names a catalog for that. Ctrl-C ends the run early and keeps the
    best weights so far. Use them with SHOPSEARCH_FUSION, and reindex.
    """
    from shopsearch.training.curves import check_drawing
    from shopsearch.training.fusion_run import train_fusion

    check_drawing()
    stopwatch = Stopwatch()
    with options.services() as services:
        read, judged = _read(services, feeds, judgments, pace.seed)
        report = train_fusion(
            read,
            feeds.catalogs,
            out,
            how.recipe(pace),
            method=how.method,
            encoder_id=services.embedder.encoder_id,
            sizes=how.sizes(),
            judged=judged,
            resume=how.resume,
            stopwatch=stopwatch,
            watch=lambda epoch: tell_epoch(epoch, "nDCG@10", epoch.ndcg_at_10),
        )
    show(report, as_json=as_json)


def _read(
    services: Services, feeds: Feeds, judgments: Judgments, seed: int
) -> tuple[ReadCatalogs, Judged | None]:
    """The products of the feeds and, where there are any, the judged queries about them."""
    from shopsearch.training.fusion_judged import read_judged
    from shopsearch.training.fusion_reading import read_catalogs

    queries, qrels = judgments
    if (queries is None) != (qrels is None):
        raise click.UsageError("--queries and --qrels go together: give both, or neither")
    road, judged = _road(services), None
    with stages() as stage:
        read = read_catalogs(
            feeds.catalogs,
            feeds.val,
            road,
            seed=seed,
            mapping=feeds.mapping(services.settings.currency),
            stage=stage,
        )
        if queries is not None and qrels is not None:
            judged = read_judged(queries, qrels, read, services.preparer.prepare_query, road.encode)
    tell(f"{len(read.product_ids):,} products, {read.n_rejected:,} could not be used")
    return read, judged


def _road(services: Services) -> Road:
    """The stations of the road that products take to their embeddings."""
    from shopsearch.training.fusion_reading import Road

    preparer, embedder = services.preparer, services.embedder
    return Road(
        prepare=lambda product: preparer.prepare(preparer.identify(product)),
        encode=lambda items: embedder.encode(items)[0],
    )
