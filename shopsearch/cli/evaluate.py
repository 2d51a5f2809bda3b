"""`evaluate`: how good the search is, by what people judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shopsearch.cli.options import GlobalOptions, json_option

if TYPE_CHECKING:
    from shopsearch.bootstrap import Services
    from shopsearch.evaluation.measures import Evaluation
    from shopsearch.evaluation.queries import JudgedQuery

DEPTH = 1000  # hits asked for per query: average precision looks at all of them

_file = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.option("--queries", required=True, type=_file, help="Queries, one JSON object a line.")
@click.option("--qrels", required=True, type=_file, help="CSV: query_id,product_id,gain.")
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write a report for the browser (HTML).",
)
@click.option(
    "--relevant-gain",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    show_default=True,
    metavar="GAIN",
    help="Gain from which a product counts as relevant in the binary measures.",
)
@json_option
@click.pass_obj
def evaluate(
    options: GlobalOptions,
    *,
    queries: Path,
    qrels: Path,
    report: Path | None,
    relevant_gain: float,
    as_json: bool,
) -> None:
    """Measure the search against judged queries.

    nDCG takes 2^gain - 1 with a log2 discount; products without a judgment count as 0. A query
    that names a product does not get that product back.
    """
    from shopsearch.evaluation.measures import evaluate as judge
    from shopsearch.evaluation.queries import read_qrels, read_queries
    from shopsearch.evaluation.report import write_report

    judged = read_queries(queries)
    judgments = read_qrels(qrels)
    with options.services() as services:
        run = _run(services, judged)
        evaluation = judge(run, judgments, relevant_gain=relevant_gain)
        if report is not None:
            shown = [*chain.from_iterable(judgments.values()), *_heads(run)]
            write_report(
                report,
                evaluation,
                queries=judged,
                run=run,
                qrels=judgments,
                run_name=queries.stem,
                titles=_titles(services, shown),
                facts=_facts(services),
            )
            click.echo(f"report: {report}", err=True)
    _show(evaluation, as_json=as_json)


def _run(services: Services, queries: Sequence[JudgedQuery]) -> dict[str, list[str]]:
    """The ids found for each query, best first."""
    from shopsearch.cli import progress

    depth = max(1, min(DEPTH, services.store.count()))
    run: dict[str, list[str]] = {}
    with progress.steps("searching") as step:
        for done, query in enumerate(queries, start=1):
            page = services.search.search(query.as_query(k=depth))
            run[query.query_id] = [hit.product.product_id for hit in page.hits]
            step(done, len(queries), "")
    return run


def _heads(run: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """The products that a report shows of a run."""
    for hits in run.values():
        yield from hits[:10]


def _titles(services: Services, product_ids: Iterable[str]) -> dict[str, str]:
    found = services.store.find(list(dict.fromkeys(product_ids)))
    return {product_id: stored.product.title for product_id, stored in found.items()}


def _facts(services: Services) -> dict[str, str]:
    """What answered: the report is worth little without it."""
    manifest = services.live.get().manifest
    return {
        "encoder": manifest.encoder_id,
        "fusion": manifest.fusion_id,
        "index": f"{manifest.index_kind}, generation {manifest.generation_id}",
        "products": str(manifest.count),
    }


def _show(evaluation: Evaluation, *, as_json: bool) -> None:
    from shopsearch.cli import console

    if as_json:
        console.print_json(evaluation.as_json())
        return
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("measure", style="bold")
    table.add_column("mean", justify="right")
    table.add_column("95 % interval", style="dim")
    for name, mean in evaluation.means.items():
        interval = evaluation.intervals[name]
        table.add_row(name, f"{mean:.4f}", f"{interval.low:.4f} to {interval.high:.4f}")
    screen = console.out()
    screen.print(table)
    screen.print(f"over {evaluation.n_queries} queries", style="dim")
    for remark in _remarks(evaluation):
        screen.print(remark, style="yellow")


def _remarks(evaluation: Evaluation) -> list[str]:
    remarks = []
    if n := len(evaluation.unjudged):
        remarks.append(f"{n} queries have no judgment and were left out")
    if n := len(evaluation.unknown):
        remarks.append(f"{n} judged queries are not among the queries and were left out")
    if n := evaluation.n_without_relevant:
        bound = f"{evaluation.relevant_gain:g}"
        remarks.append(f"{n} queries have no product with a gain of {bound} or more")
    return remarks
