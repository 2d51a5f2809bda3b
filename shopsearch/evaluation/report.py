"""The report of an evaluation: one HTML file that needs nothing beside it, and runs no script.

Titles and queries come from outside: the templates escape everything, and keep it in its own
reading direction. A policy in the page forbids whatever is not in the file.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from shopsearch.errors import EvaluationError
from shopsearch.evaluation import figures, plots
from shopsearch.evaluation.comparison import MAIN, Comparison
from shopsearch.evaluation.curves import Latency, precision_and_recall
from shopsearch.evaluation.figures import Dot
from shopsearch.evaluation.measures import MEASURES, Evaluation
from shopsearch.evaluation.slices import MIN_QUERIES, Slice
from shopsearch.evaluation.uncertainty import N_RESAMPLES
from shopsearch.evaluation.worst import N_WORST, Sources, worst

_HEADLINE = ("ndcg@10", "recall@10", "mrr@10")
_NAMES = {"ndcg@10": "nDCG@10", "mrr@10": "MRR@10", "p@10": "P@10", "map": "MAP"}
_BOUNDS = (0.01, 0.02, 0.04, 0.1, 0.2, 0.4, 1.0)  # of the axis of differences
_MOST_DRAWN = 16  # slices of a field in its figure; all are in its table


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a report is made of. `facts` stand under the heading, such as the encoder."""

    evaluation: Evaluation
    sources: Sources
    run_name: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    slices: Sequence[Slice] = ()
    comparison: Comparison | None = None
    latency: Latency | None = None
    n_hits_asked: int = 0  # of each search whose time was taken
    n_worst: int = N_WORST


def write_report(path: Path, report: Report) -> None:
    """Write the report to `path`, at once or not at all. Raises `EvaluationError`."""
    write_page(path, _page(report))


def write_page(path: Path, page: str) -> None:
    """Write a whole page to `path`, at once or not at all. Raises `EvaluationError`."""
    check_place(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        beside.write_text(page, encoding="utf-8", errors="replace")
        beside.replace(path)
    except OSError as error:
        raise EvaluationError(_refused(path, error.strerror)) from error
    finally:
        beside.unlink(missing_ok=True)


def check_place(path: Path) -> None:
    """Raises `EvaluationError` where no report can be; to ask before the searches are made.

    A report takes the place of what is there: of a file, but never of a device or a folder.
    """
    if path.exists() and not path.is_file():
        problem = "it is no regular file, and would be replaced"
    elif not path.parent.is_dir():
        problem = "its folder does not exist"
    else:
        return
    raise EvaluationError(_refused(path, problem))


def _refused(path: Path, problem: str | None) -> str:
    return (
        f"the report cannot be written to {str(path)!r} ({problem}); "
        "name a file in a folder that exists and can be written to"
    )


def page_style() -> dict[str, str]:
    """`style`, that of all reports, and `style_hash`, by which a page's policy lets it through."""
    style = resources.files("shopsearch.evaluation").joinpath("report.css").read_text("utf-8")
    return {"style": Markup(style), "style_hash": policy_hash(style)}  # noqa: S704  # our own file


def policy_hash(inline: str) -> str:
    """What a page's policy calls a style or script by, to let it through."""
    return base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()


def page_templates(package: str) -> Environment:
    """The folder `templates` of a package, read as all reports are: everything is escaped."""
    return Environment(
        loader=PackageLoader(package, "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _page(report: Report) -> str:
    evaluation = report.evaluation
    page: str = (
        _templates()
        .get_template("report.html")
        .render(
            report=report,
            evaluation=evaluation,
            title=f"Search quality: {report.run_name}" if report.run_name else "Search quality",
            **page_style(),
            headline=_HEADLINE,
            remarks=_remarks(evaluation),
            figures=_figures(report),
            slice_fields=_slice_fields(report),
            worst=worst(evaluation, report.sources, report.n_worst),
            asked={query.query_id: query for query in report.sources.queries},
            main=MAIN,
            min_queries=MIN_QUERIES,
            n_resamples=N_RESAMPLES,
        )
    )
    return page


def _templates() -> Environment:
    environment = page_templates("shopsearch.evaluation")
    environment.filters["measure"] = lambda name: _NAMES.get(name, name)
    environment.filters["number"] = lambda value, places=3: f"{value:.{places}f}"
    environment.filters["change"] = _change
    environment.filters["p"] = lambda value: f"{value:.4f}" if value >= 0.0001 else "< 0.0001"
    environment.filters["gain"] = lambda value: f"{value:g}"
    environment.globals["count"] = _count
    return environment


def _figures(report: Report) -> dict[str, Markup]:
    evaluation, sources = report.evaluation, report.sources
    values = [row[MAIN] for row in evaluation.per_query.values()]
    precision, recall = precision_and_recall(evaluation, sources.run, sources.qrels)
    drawn = {
        "measures": figures.dots(
            "measures",
            [_dot(name, evaluation.means[name], evaluation.intervals[name]) for name in MEASURES],
            title="All measures with their 95 % intervals",
        ),
        "spread": figures.histogram(
            "spread", values, title="How many queries have which nDCG@10", axis="nDCG@10 of a query"
        ),
        "curves": plots.curves(
            "curves", precision, recall, title="Precision and recall of the first k products"
        ),
    }
    if report.latency is not None:
        drawn["latency"] = plots.latency("latency", report.latency, title="How long searches took")
    if report.comparison is not None:
        drawn["changes"] = _changes(report.comparison)
    return drawn


def _changes(comparison: Comparison) -> Markup:
    """The differences with their intervals; those that leave out 0 are marked."""
    differences = comparison.differences
    widest = max(abs(bound) for each in differences.values() for bound in each.interval.as_json())
    bound = next(each for each in _BOUNDS if widest <= each)
    rows = []
    for name, each in differences.items():
        look = "below" if each.interval.high < 0 else "above" if each.interval.low > 0 else ""
        rows.append(Dot(_NAMES.get(name, name), each.change, each.interval, look))
    title = "What changed since the earlier run, with 95 % intervals"
    return figures.dots("changes", rows, title=title, reference=0.0, bounds=(-bound, bound))


def _slice_fields(report: Report) -> list[dict[str, Any]]:
    """Field by field: its slices, and a figure of the first of them."""
    fields = []
    for number, (name, group) in enumerate(groupby(report.slices, key=lambda each: each.field)):
        members = list(group)
        figure = figures.dots(
            f"slices-{number}",
            [_slice_dot(each) for each in members[:_MOST_DRAWN]],
            title=f"nDCG@10 by {name}; the line is the mean of all queries",
            reference=report.evaluation.means[MAIN],
        )
        hidden = len(members) - _MOST_DRAWN
        fields.append({"name": name, "slices": members, "figure": figure, "n_hidden": hidden})
    return fields


def _slice_dot(each: Slice) -> Dot:
    look = "below" if MAIN in each.below else "above" if MAIN in each.above else ""
    few = each.n_queries < MIN_QUERIES
    return Dot(
        each.value, each.means[MAIN], each.intervals[MAIN], "few" if few else look, each.n_queries
    )


def _dot(name: str, mean: float, interval: Any) -> Dot:
    return Dot(_NAMES.get(name, name), mean, interval)


def _remarks(evaluation: Evaluation) -> list[str]:
    bound = f"{evaluation.relevant_gain:g}"
    remarks: Iterable[tuple[int, str]] = (
        (len(evaluation.unjudged), "without a judgment: left out"),
        (len(evaluation.unknown), "with judgments, but not among the queries: left out"),
        (
            evaluation.n_without_relevant,
            f"without any product of gain {bound} or more: 0 in all measures but nDCG",
        ),
    )
    return [f"{_count(n, 'query', 'queries')} {what}" for n, what in remarks if n]


def _change(value: float, places: int = 4) -> str:
    return f"{value:+.{places}f}".replace("-", "\N{MINUS SIGN}")


def _count(n: int, one: str, many: str) -> str:
    return f"{n:,} {one if n == 1 else many}"
