"""The report of an evaluation: one HTML file that needs nothing beside it, and runs no script.

Titles and queries come from outside: everything is escaped, and kept in its own reading direction.
"""

from __future__ import annotations

import html
import os
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

from shopsearch.domain import AnyOf, Between, Condition
from shopsearch.errors import EvaluationError
from shopsearch.evaluation import figures
from shopsearch.evaluation.measures import Evaluation, Qrels, Run
from shopsearch.evaluation.queries import JudgedQuery

N_WORST = 20  # queries shown
_N_HITS = 10
_N_BEST = 5  # of the judged products, beside the hits
_HEADLINE = ("ndcg@10", "recall@10", "mrr@10")
_NAMES = {"ndcg@10": "nDCG@10", "mrr@10": "MRR@10", "p@10": "P@10", "map": "MAP"}
_NO_TITLES: Mapping[str, str] = {}


def write_report(
    path: Path,
    evaluation: Evaluation,
    *,
    queries: Sequence[JudgedQuery],
    run: Run,
    qrels: Qrels,
    run_name: str = "",
    titles: Mapping[str, str] = _NO_TITLES,
    facts: Mapping[str, str] = _NO_TITLES,
) -> None:
    """Write the report to `path`, at once or not at all. Raises `EvaluationError`.

    `titles` are those of products by id, as far as known; `facts` stand under the heading, such as
    the encoder and the index generation.
    """
    page = _page(evaluation, _Sources(queries, run, qrels, titles), run_name, facts)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        beside.write_text(page, encoding="utf-8", errors="replace")
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise EvaluationError(
            f"the report cannot be written to {str(path)!r} ({error.strerror}); "
            "name a file in a folder that exists and can be written to"
        ) from error


class _Sources:
    """What the numbers were made from, to show single queries."""

    def __init__(
        self, queries: Sequence[JudgedQuery], run: Run, qrels: Qrels, titles: Mapping[str, str]
    ) -> None:
        self.queries = {query.query_id: query for query in queries}
        self.run = run
        self.qrels = qrels
        self.titles = titles


def _page(
    evaluation: Evaluation, sources: _Sources, run_name: str, facts: Mapping[str, str]
) -> str:
    style = resources.files("shopsearch.evaluation").joinpath("report.css").read_text("utf-8")
    values = [row["ndcg@10"] for row in evaluation.per_query.values()]
    title = f"Search quality: {run_name}" if run_name else "Search quality"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{_text(title)}</title>
<style>
{style}</style>
</head>
<body>
<main>
<h1>{_bidi(title)}</h1>
<p class="soft">Over {_count(evaluation.n_queries, "judged query", "judged queries")}.</p>
{_facts(facts)}
{_headline(evaluation)}
{_remarks(evaluation)}
<h2>All measures</h2>
<div class="panel">{_measures(evaluation)}</div>
<h2>How the queries spread</h2>
<div class="panel">{figures.histogram(values, "nDCG@10 of a query")}</div>
<h2>Where the search does worst</h2>
{_worst(evaluation, sources)}
<footer>
<p>nDCG takes 2<sup>gain</sup> &minus; 1 with a log2 discount, against the best order of all judged
products. The other measures call a product relevant from a gain of {evaluation.relevant_gain:g}.
Products without a judgment count as 0. Whiskers and intervals: where the mean lies in 95 of 100
samples of as many queries (bootstrap).</p>
</footer>
</main>
</body>
</html>
"""


def _facts(facts: Mapping[str, str]) -> str:
    if not facts:
        return ""
    pairs = (
        f"<div><dt>{_text(name)}</dt><dd>{_bidi(value)}</dd></div>" for name, value in facts.items()
    )
    return f'<dl class="facts">{"".join(pairs)}</dl>'


def _headline(evaluation: Evaluation) -> str:
    cards = (
        f'<div><dt>{_name(measure)}</dt><dd class="value">{evaluation.means[measure]:.3f}</dd>'
        f'<dd class="between">{_between(evaluation, measure)}</dd></div>'
        for measure in _HEADLINE
    )
    return f'<dl class="headline">{"".join(cards)}</dl>'


def _remarks(evaluation: Evaluation) -> str:
    bound = f"{evaluation.relevant_gain:g}"
    remarks = [
        (len(evaluation.unjudged), "without a judgment: left out"),
        (len(evaluation.unknown), "with judgments, but not among the queries: left out"),
        (
            evaluation.n_without_relevant,
            f"without any product of gain {bound} or more: 0 in all measures but nDCG",
        ),
    ]
    lines = [f"<li>{_count(n, 'query', 'queries')} {_text(what)}</li>" for n, what in remarks if n]
    return f'<ul class="remarks">{"".join(lines)}</ul>' if lines else ""


def _measures(evaluation: Evaluation) -> str:
    rows = (
        f'<tr><th scope="row">{_name(measure)}</th><td class="number">{mean:.4f}</td>'
        f'<td class="number">{_between(evaluation, measure)}</td>'
        f'<td class="wide">{figures.meter(mean, evaluation.intervals[measure])}</td></tr>'
        for measure, mean in evaluation.means.items()
    )
    return (
        '<table><thead><tr><th scope="col">Measure</th><th scope="col" class="number">Mean</th>'
        '<th scope="col" class="number">95 % interval</th><th scope="col">0 to 1</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _worst(evaluation: Evaluation, sources: _Sources) -> str:
    """The queries with the lowest nDCG, the ones with most to gain first among equals."""
    per_query = evaluation.per_query
    order = sorted(
        per_query, key=lambda q: (per_query[q]["ndcg@10"], -sum(sources.qrels[q].values()))
    )
    worst = [q for q in order if per_query[q]["ndcg@10"] < 1.0][:N_WORST]
    if not worst:
        return "<p>Every query is answered perfectly.</p>"
    return "".join(_query(q, evaluation, sources) for q in worst)


def _query(query_id: str, evaluation: Evaluation, sources: _Sources) -> str:
    row = evaluation.per_query[query_id]
    figures_of_it = " · ".join(f"{_name(m)} {row[m]:.2f}" for m in _HEADLINE)
    return (
        f'<section class="query"><h3>{_asked(sources.queries.get(query_id))} '
        f"<code>{_bidi(query_id)}</code></h3>"
        f'<p class="soft">{figures_of_it}</p><div class="columns">'
        f"{_hits(query_id, evaluation.relevant_gain, sources)}"
        f"{_best(query_id, evaluation.relevant_gain, sources)}</div></section>"
    )


def _asked(query: JudgedQuery | None) -> str:
    """A query in words."""
    if query is None:
        return ""
    parts = [_bidi(query.text)] if query.text else []
    if query.image is not None:
        parts.append(f"the picture {_bidi(query.image.name)}")
    if query.product_id is not None:
        parts.append(f"like product {_bidi(query.product_id)}")
    asked = " + ".join(parts)
    asked += "".join(f" &minus; {_bidi(words)}" for words in query.negatives)
    if query.where:
        asked += f" where {_bidi(', '.join(map(_condition, query.where.conditions)))}"
    return asked


def _condition(condition: Condition) -> str:
    if isinstance(condition, AnyOf):
        return f"{condition.field} is {' or '.join(condition.values)}"
    if isinstance(condition, Between):
        low = "" if condition.low is None else f"{condition.low:g} <= "
        high = "" if condition.high is None else f" <= {condition.high:g}"
        return f"{low}{condition.field}{high}"
    return f"{condition.field} is {'set' if condition.present else 'not set'}"


def _hits(query_id: str, relevant_gain: float, sources: _Sources) -> str:
    gains = sources.qrels[query_id]
    hits = sources.run[query_id][:_N_HITS]
    rows = (
        f'<tr><td class="rank">{rank}</td><td>{_product(product_id, sources.titles)}</td>'
        f'<td class="mark">{_badge(gains.get(product_id), relevant_gain)}</td></tr>'
        for rank, product_id in enumerate(hits, start=1)
    )
    body = "".join(rows) or "<tr><td>nothing</td></tr>"
    return f"<table><caption>Found</caption><tbody>{body}</tbody></table>"


def _best(query_id: str, relevant_gain: float, sources: _Sources) -> str:
    """The judged products of the highest gains, and where the run has them."""
    gains = sources.qrels[query_id]
    ranks = {product_id: n for n, product_id in enumerate(sources.run[query_id], start=1)}
    best = sorted((p for p in gains if gains[p] > 0), key=lambda p: -gains[p])[:_N_BEST]
    rows = (
        f'<tr><td class="rank">{f"at {ranks[p]}" if p in ranks else "missed"}</td>'
        f"<td>{_product(p, sources.titles)}</td>"
        f'<td class="mark">{_badge(gains[p], relevant_gain)}</td></tr>'
        for p in best
    )
    body = "".join(rows) or "<tr><td>nothing was judged to fit</td></tr>"
    return f"<table><caption>Judged best, and its rank</caption><tbody>{body}</tbody></table>"


def _product(product_id: str, titles: Mapping[str, str]) -> str:
    title = titles.get(product_id)
    return (
        f"{_bidi(title)} <code>{_bidi(product_id)}</code>"
        if title
        else f"<code>{_bidi(product_id)}</code>"
    )


def _badge(gain: float | None, relevant_gain: float) -> str:
    if gain is None:
        return '<span class="badge">unjudged</span>'
    look = "good" if gain >= relevant_gain else "some" if gain > 0 else "bad"
    return f'<span class="badge {look}">gain {gain:g}</span>'


def _between(evaluation: Evaluation, measure: str) -> str:
    interval = evaluation.intervals[measure]
    return f"{interval.low:.3f} to {interval.high:.3f}"


def _name(measure: str) -> str:
    return _NAMES.get(measure, measure)


def _count(n: int, one: str, many: str) -> str:
    return f"{n:,} {one if n == 1 else many}"


def _text(value: str) -> str:
    return html.escape(value)


def _bidi(value: str) -> str:
    return f"<bdi>{html.escape(value)}</bdi>"
