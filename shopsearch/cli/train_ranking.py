"""`train ranking`: the weights of the second stage, from judged queries or logged clicks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from shopsearch.cli.options import GlobalOptions, json_option
from shopsearch.cli.train_options import out_option, seed_option, tell
from shopsearch.training.effort import Stopwatch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shopsearch.bootstrap import Services
    from shopsearch.evaluation.queries import JudgedQuery
    from shopsearch.training.ranking import JudgedWindow, Learned
    from shopsearch.training.ranking_card import RankingRun

_file = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.option("--queries", required=True, type=_file, help="Queries, one JSON object a line.")
@click.option("--qrels", required=True, type=_file, help="CSV: query_id,product_id,gain.")
@out_option("ranking.json", beside="the card goes", endings=(".md",))
@click.option(
    "--folds", type=click.IntRange(2), default=5, show_default=True, help="Of cross-validation."
)
@seed_option
@json_option
@click.pass_obj
def ranking(
    options: GlobalOptions,
    *,
    queries: Path,
    qrels: Path,
    out: Path,
    folds: int,
    seed: int,
    as_json: bool,
) -> None:
    """Train the ranking of words and vectors on the indexed catalog.

    Gains are judgments of people, or clicks: how often a product was chosen. Queries without words
    are left out. Use the weights with SHOPSEARCH_RANKER; nothing has to be indexed again.
    """
    from shopsearch.cli import progress
    from shopsearch.evaluation.queries import read_qrels, read_queries
    from shopsearch.training.ranking import Recipe, train_ranking, write_ranker
    from shopsearch.training.ranking_card import RankingRun, write_ranking_card

    stopwatch, recipe = Stopwatch(), Recipe(folds=folds, seed=seed)
    judged, judgments = read_queries(queries), read_qrels(qrels)
    with options.services() as services:
        windows = _windows(services, judged, judgments)
        with progress.steps("training") as step:
            learned = train_ranking(
                windows,
                recipe,
                lambda done, total: step(done, total, ""),
            )
        story = _story(services, learned, queries.name)
    run = RankingRun(out, learned, recipe, story, stopwatch.effort())
    write_ranker(out, learned, story)
    write_ranking_card(run)
    _show(run, as_json=as_json)


def _windows(
    services: Services,
    judged: Sequence[JudgedQuery],
    judgments: Mapping[str, Mapping[str, float]],
) -> list[JudgedWindow]:
    """What the search considers for each query that has words and judgments."""
    from shopsearch.cli import progress
    from shopsearch.training.ranking import JudgedWindow

    asked = [query for query in judged if query.text.strip() and judgments.get(query.query_id)]
    windows = []
    with progress.steps("searching") as step:
        for done, query in enumerate(asked, start=1):
            window = services.search.considered(query.as_query(k=1))
            windows.append(
                JudgedWindow(
                    query_id=query.query_id,
                    product_ids=tuple(window.product_ids),
                    cosines=window.cosines,
                    features=window.features,
                    gains=judgments[query.query_id],
                )
            )
            step(done, len(asked), "")
    return windows


def _story(services: Services, learned: Learned, name: str) -> dict[str, object]:
    """Where the weights come from, for whoever opens the file."""
    manifest = services.live.get().manifest
    return {
        "trained_on": f"{learned.n_queries} judged queries of {name}, {manifest.count} products",
        "encoder": manifest.encoder_id,
        "fusion": manifest.fusion_id,
        "cross_validated_ndcg@10": round(learned.ndcg, 4),
        "interval": [round(learned.interval.low, 4), round(learned.interval.high, 4)],
        "by_cosine_ndcg@10": round(learned.ndcg_by_cosine, 4),
    }


def _show(run: RankingRun, *, as_json: bool) -> None:
    from shopsearch.cli import console

    tell(f"took {run.effort}")
    if as_json:
        console.print_json(_as_json(run))
        return
    learned = run.learned
    difference = learned.ndcg - learned.ndcg_by_cosine
    click.echo(
        f"nDCG@10 {learned.ndcg:.4f} ({learned.interval.low:.4f} to {learned.interval.high:.4f}) "
        f"over {learned.n_queries} queries, each ranked by weights that have not seen it"
    )
    click.echo(
        f"in the order of the vectors {learned.ndcg_by_cosine:.4f}; the difference is "
        f"{difference:+.4f} ({learned.gain.low:+.4f} to {learned.gain.high:+.4f})"
    )
    for name, weight in sorted(learned.ranker.weights.items(), key=lambda pair: -abs(pair[1])):
        click.echo(f"  {name:<14} {weight:+.3f}")
    for written in (run.weights, run.card):
        click.echo(str(written))


def _as_json(run: RankingRun) -> dict[str, Any]:
    learned = run.learned
    return {
        "weights": str(run.weights),
        "card": str(run.card),
        "queries": learned.n_queries,
        "ndcg@10": learned.ndcg,
        "interval": learned.interval.as_json(),
        "ndcg@10_by_cosine": learned.ndcg_by_cosine,
        "difference_interval": learned.gain.as_json(),
        "features": dict(learned.ranker.weights),
        **run.effort.as_json(),
    }
