"""The insights as one HTML file that needs nothing beside it, and runs no script.

It wears the style of the evaluation's report. What people typed is shown: everything is escaped.
"""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup

from shopsearch.domain import SearchKind
from shopsearch.evaluation.plots import latency
from shopsearch.evaluation.report import page_style, page_templates, write_page
from shopsearch.insights import plots
from shopsearch.insights.summary import Insights

NONE = "\N{EN DASH}"
_UNBROKEN = "\N{NARROW NO-BREAK SPACE}"
_KIND_NAMES = {
    SearchKind.WORDS: "by words",
    SearchKind.PICTURE: "by a picture",
    SearchKind.PRODUCT: "like a product",
    SearchKind.BOTH: "by several of these",
    SearchKind.LIST: "by filter alone",
}


def write_report(path: Path, insights: Insights) -> None:
    """Write the report to `path`, at once or not at all. Raises `EvaluationError`."""
    template = _templates().get_template("insights.html")
    page = template.render(
        insights=insights, figures=_figures(insights), kind_names=_KIND_NAMES, **page_style()
    )
    write_page(path, page)


def _figures(insights: Insights) -> dict[str, Markup]:
    """None of what nothing is logged of; click-through by rank where anything was clicked."""
    figures = {"ranks": Markup("")}
    if insights.days:
        figures["days"] = plots.days("days", insights.days, title="Searches by day")
    if any(one.n_clicks for one in insights.ranks):
        title = "Share of the products shown at each rank that were clicked"
        figures["ranks"] = plots.ranks("ranks", insights.ranks, title=title)
    if insights.latency is not None:
        title = "How long searches took"
        figures["latency"] = latency("latency", insights.latency, title=title)
    return figures


def _templates() -> Environment:
    environment = page_templates("shopsearch.insights")
    environment.filters["whole"] = lambda value: f"{value:,}"
    environment.filters["number"] = lambda value, places: (
        NONE if value is None else f"{value:,.{places}f}"
    )
    environment.filters["share"] = lambda value: share(value).replace(" ", _UNBROKEN)
    return environment


def share(value: float | None) -> str:
    """A share in percent, for people."""
    return NONE if value is None else f"{100 * value:.1f} %"
