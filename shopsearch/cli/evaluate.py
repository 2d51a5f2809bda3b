"""`evaluate`: how good the search is, by what people judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

    judged = read_queries(queries)
    judgments = read_qrels(qrels)
    with options.services() as services:
        run = _run(services, judged)
    evaluation = judge(run, judgments, relevant_gain=relevant_gain)
    if report is not None:
        _write(report, evaluation, judged, run, judgments)
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


def _write(
    path: Path,
    evaluation: Evaluation,
    queries: Sequence[JudgedQuery],
    run: Mapping[str, Sequence[str]],
    judgments: Mapping[str, Mapping[str, float]],
) -> None:
    from shopsearch.evaluation.report import write_report

    write_report(path, evaluation, queries=queries, run=run, qrels=judgments)
    click.echo(f"report: {path}", err=True)


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
