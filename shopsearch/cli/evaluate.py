"""`evaluate`: how good the search is, by what people judged."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

from shopsearch.cli.options import GlobalOptions, WrittenFile, json_option

if TYPE_CHECKING:
    from shopsearch.bootstrap import Services
    from shopsearch.domain import StoredProduct
    from shopsearch.evaluation.comparison import Comparison, EarlierRun
    from shopsearch.evaluation.measures import Evaluation, Qrels
    from shopsearch.evaluation.queries import JudgedQuery
    from shopsearch.evaluation.slices import Slice

DEPTH = 1000  # hits asked for per query: average precision looks at all of them

_file = click.Path(path_type=Path, exists=True, dir_okay=False)


@dataclass(frozen=True, slots=True)
class Searched:
    """What the searches gave: the run, and how long each of them took."""

    run: dict[str, list[str]]  # query id -> product ids, best first
    took_ms: dict[str, float]
    n_hits_asked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """All that is shown of an evaluation, and what it was made from."""

    queries: Sequence[JudgedQuery]
    qrels: Qrels
    searched: Searched
    evaluation: Evaluation
    slices: Sequence[Slice]
    comparison: Comparison | None
    judgments: str  # their fingerprint
    judged_products: Mapping[str, StoredProduct]  # those of the catalog
    system: Mapping[str, str]  # what answered


@click.command()
@click.option("--queries", required=True, type=_file, help="Queries, one JSON object a line.")
@click.option("--qrels", required=True, type=_file, help="CSV: query_id,product_id,gain.")
@click.option(
    "--report",
    type=WrittenFile(makes_folder=False),
    help="Also write a report for the browser (HTML).",
)
@click.option(
    "--compare",
    type=_file,
    metavar="EARLIER.json",
    help="What --json printed of an earlier run: show what changed since, and whether by chance.",
)
@click.option(
    "--slice",
    "fields",
    multiple=True,
    metavar="FIELD",
    help="Show the measures by this field or attribute of the relevant products too; repeatable.",
)
@click.option(
    "--worst",
    "n_worst",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    metavar="N",
    help="How many of the worst queries the report shows.",
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
    compare: Path | None,
    fields: tuple[str, ...],
    n_worst: int,
    relevant_gain: float,
    as_json: bool,
) -> None:
    """Measure the search against judged queries.

    nDCG takes 2^gain - 1 with a log2 discount; products without a judgment count as 0. A query
    that names a product does not get that product back. Each measure comes with its 95 % interval
    over queries, and by slices: kind of query, category, gender and price band of what is relevant.

    Ctrl-C stops it with exit code 130; then nothing is printed and no report is written.
    """
    from shopsearch.cli import evaluated
    from shopsearch.evaluation.comparison import read_earlier
    from shopsearch.evaluation.queries import read_qrels, read_queries

    asked, judgments = read_queries(queries), read_qrels(qrels)
    earlier = read_earlier(compare) if compare else None
    with options.services() as services:
        measured = _measure(
            services,
            asked,
            judgments,
            earlier=earlier,
            fields=fields,
            relevant_gain=relevant_gain,
        )
        if report is not None:
            _write_report(report, services, measured, name=queries.stem, n_worst=n_worst)
            click.echo(f"report: {report}", err=True)
    if as_json:
        evaluated.print_json(measured)
    else:
        evaluated.show(measured)


def _measure(
    services: Services,
    queries: Sequence[JudgedQuery],
    qrels: Qrels,
    *,
    earlier: EarlierRun | None,
    fields: Sequence[str],
    relevant_gain: float,
) -> Measured:
    from shopsearch.evaluation import comparison
    from shopsearch.evaluation.measures import evaluate as judge
    from shopsearch.evaluation.slices import slices

    searched = _search(services, queries)
    evaluation = judge(searched.run, qrels, relevant_gain=relevant_gain)
    mark = comparison.fingerprint(qrels)
    stored = services.store.find(list(dict.fromkeys(chain.from_iterable(qrels.values()))))
    products = {product_id: each.product for product_id, each in stored.items()}
    return Measured(
        queries=queries,
        qrels=qrels,
        searched=searched,
        evaluation=evaluation,
        slices=slices(evaluation, queries=queries, qrels=qrels, products=products, fields=fields),
        comparison=comparison.compare(evaluation, earlier, judgments=mark) if earlier else None,
        judgments=mark,
        judged_products=stored,
        system=_system(services),
    )


def _search(services: Services, queries: Sequence[JudgedQuery]) -> Searched:
    """Ask every query. The first is asked twice: loading the model is no part of its time."""
    from shopsearch.cli import progress

    depth = max(1, min(DEPTH, services.store.count()))
    run: dict[str, list[str]] = {}
    took_ms: dict[str, float] = {}
    try:
        services.search.search(queries[0].as_query(k=depth))
        with progress.steps("searching") as step:
            for done, query in enumerate(queries, start=1):
                page = services.search.search(query.as_query(k=depth))
                run[query.query_id] = [hit.product.product_id for hit in page.hits]
                took_ms[query.query_id] = page.took_ms
                step(done, len(queries), "")
    except KeyboardInterrupt:
        click.echo(f"\n{len(run)} of {len(queries)} queries were asked: no figures", err=True)
        raise
    return Searched(run, took_ms, depth)


def _write_report(
    path: Path, services: Services, measured: Measured, *, name: str, n_worst: int
) -> None:
    from shopsearch.cli.evaluated_pictures import Thumbnails
    from shopsearch.evaluation.curves import Latency
    from shopsearch.evaluation.report import Report, write_report
    from shopsearch.evaluation.worst import Sources

    shown = _shown_products(services, measured, n_worst)
    sources = Sources(
        queries=measured.queries,
        run=measured.searched.run,
        qrels=measured.qrels,
        products={product_id: stored.product for product_id, stored in shown.items()},
        pictures=Thumbnails(services.pictures, shown),
    )
    report = Report(
        evaluation=measured.evaluation,
        sources=sources,
        run_name=name,
        facts=measured.system,
        slices=measured.slices,
        comparison=measured.comparison,
        latency=Latency.of(measured.searched.took_ms),
        n_hits_asked=measured.searched.n_hits_asked,
        n_worst=n_worst,
    )
    write_report(path, report)


def _shown_products(
    services: Services, measured: Measured, n_worst: int
) -> dict[str, StoredProduct]:
    """The judged products, those that the worst queries found, and those that queries name."""
    from shopsearch.evaluation.worst import worst_ids

    worst = worst_ids(measured.evaluation, measured.qrels, n_worst)
    found = (measured.searched.run[query_id][:10] for query_id in worst)
    named = (query.product_id for query in measured.queries if query.product_id)
    more = services.store.find(list({*chain.from_iterable(found), *named}))
    return {**measured.judged_products, **more}


def _system(services: Services) -> dict[str, str]:
    """What answered: the figures are worth little without it."""
    manifest = services.live.get().manifest
    weights = hashlib.sha256(json.dumps(services.ranker.as_json()).encode()).hexdigest()
    return {
        "encoder": manifest.encoder_id,
        "fusion": manifest.fusion_id,
        "index": f"{manifest.index_kind}, generation {manifest.generation_id}",
        "ranker": f"{services.settings.ranker or 'shipped'}, {weights[:8]}",
        "products": str(manifest.count),
    }
