"""`recommend evaluate`: how good they are, by what visitors did next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shopsearch.cli.options import GlobalOptions, json_option

if TYPE_CHECKING:
    from shopsearch.bootstrap import Services
    from shopsearch.domain import Wanting
    from shopsearch.evaluation.recommending import Figures, Recommender, Split, Trial
    from shopsearch.recommend import RecommendService

N_SEEDS = 3  # the latest products of a visitor that baskets and complements go by
_SECONDS_PER_DAY = 86_400.0


@click.command()
@click.argument("log", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--visitors",
    type=click.IntRange(1, 1_000_000),
    default=1_000,
    show_default=True,
    metavar="N",
    help="Try it on at most so many visitors, drawn at random.",
)
@json_option
@click.pass_obj
def evaluate(options: GlobalOptions, *, log: Path, visitors: int, as_json: bool) -> None:
    """Measure recommendations against a LOG of events.

    LOG has one JSON object a line: type (view, click, add_to_cart or purchase), product_id, at,
    visitor_id, and order_id where there is one. Of each visitor the last product that was new to
    them is held out; each kind of recommendations, the most popular products and random ones are
    asked for it. Shown are hit rate, nDCG and MRR at 10, the share of the catalog that is ever
    shown, and how surprising that is, in bits.
    """
    from shopsearch.cli import progress
    from shopsearch.evaluation.event_log import read_events
    from shopsearch.evaluation.recommending import evaluate_recommender, leave_last_out

    events = read_events(log)
    with options.services() as services:
        catalog = _catalog(services)
        split = leave_last_out(events, catalog, visitors)
        measured: dict[str, Figures] = {}
        with progress.steps("evaluating") as step:
            recommenders = _recommenders(services, split, catalog)
            for n, (name, recommender) in enumerate(recommenders.items()):
                step(n, len(recommenders), name)
                measured[name] = evaluate_recommender(recommender, split, catalog)
    if as_json:
        _print(measured, split, len(catalog))
    else:
        _show(measured, len(catalog))


def _catalog(services: Services) -> frozenset[str]:
    """The ids of all products of the live generation."""
    from shopsearch.domain import EVERYTHING

    keys = services.live.get().index.fields.matching(EVERYTHING).tolist()
    ids: set[str] = set()
    for start in range(0, len(keys), 1_000):
        stored = services.store.fetch(keys[start : start + 1_000])
        ids |= {one.product.product_id for one in stored.values()}
    return frozenset(ids)


def _recommenders(
    services: Services, split: Split, catalog: frozenset[str]
) -> Mapping[str, Recommender]:
    from shopsearch.domain import BoughtTogether, Complementary, SimilarTo, Trending
    from shopsearch.evaluation.recommending import at_random, most_popular
    from shopsearch.store.event_list import ListedEvents

    now = split.known[-1].at + timedelta(seconds=1)
    service = services.recommend_from(ListedEvents(split.known), lambda: now)

    def known(trial: Trial) -> tuple[str, ...]:
        return tuple(one for one in trial.product_ids if one in catalog)[:N_SEEDS]

    def asking(wanting: Callable[[Trial], Wanting]) -> Recommender:
        return lambda trial: _asked(service, wanting(trial))

    return {
        "history": asking(_history),
        "similar": asking(lambda trial: SimilarTo(product_id=known(trial)[0])),
        "bought_together": asking(lambda trial: BoughtTogether(product_ids=known(trial))),
        "complementary": asking(lambda trial: Complementary(product_ids=known(trial))),
        "trending": asking(lambda trial: Trending()),  # noqa: ARG005 - the same for all
        "most popular": most_popular(split, catalog),
        "random": at_random(catalog),
    }


def _history(trial: Trial) -> Wanting:
    """Ages count from the last that is known of the visitor."""
    from shopsearch.domain import MAX_DEEDS, ByHistory, Deed

    now = trial.seen[-1].at
    return ByHistory(
        deeds=tuple(
            Deed(
                product_id=one.product_id,
                kind=one.kind,
                days_ago=(now - one.at).total_seconds() / _SECONDS_PER_DAY,
            )
            for one in trial.seen[-MAX_DEEDS:]
        )
    )


def _asked(service: RecommendService, wanting: Wanting) -> Sequence[str]:
    from shopsearch.domain import Recommend

    found = service.recommend(Recommend(wanting=wanting, collapse=False))
    return [one.hit.product.product_id for one in found.hits]


def _print(measured: Mapping[str, Figures], split: Split, n_products: int) -> None:
    from shopsearch.cli import console

    console.print_json(
        {
            "trials": len(split.trials),
            "events": len(split.known),
            "products": n_products,
            "recommenders": {name: one.as_json() for name, one in measured.items()},
        }
    )


def _show(measured: Mapping[str, Figures], n_products: int) -> None:
    from rich.table import Table

    from shopsearch.cli import console
    from shopsearch.evaluation.recommending import HIT, MRR, NDCG

    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("")
    for name in (HIT, "95 %", NDCG, MRR, "coverage", "novelty, bits"):
        table.add_column(name, justify="right")
    for name, one in measured.items():
        interval = one.intervals[HIT]
        means = (f"{one.means[measure]:.3f}" for measure in (NDCG, MRR))
        spread = f"{interval.low:.3f} to {interval.high:.3f}"
        rest = (f"{one.coverage:.3f}", f"{one.novelty:.1f}")
        table.add_row(name, f"{one.means[HIT]:.3f}", spread, *means, *rest)
    screen = console.out()
    screen.print(table)
    n_trials = next(iter(measured.values())).n_trials
    screen.print(f"{n_trials:,} visitors, {n_products:,} products", style="dim")
