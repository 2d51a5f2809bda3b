"""Where the search is unfair: the measures of groups of queries beside those of all.

A slice is marked as below (above) in a measure when its whole interval lies below (above) the mean
of all queries. By luck alone one slice in twenty is outside: a mark says where to look, and is no
proof. Slices of fewer than `MIN_QUERIES` queries are shown, but never marked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shopsearch.domain import Product
from shopsearch.evaluation import groups
from shopsearch.evaluation.measures import MEASURES, Evaluation, Qrels, matrix
from shopsearch.evaluation.queries import JudgedQuery
from shopsearch.evaluation.uncertainty import Interval, mean_intervals

MIN_QUERIES = 5  # the interval of fewer is too narrow to be believed


@dataclass(frozen=True, slots=True)
class Slice:
    """The measures of the queries that share a value of a field."""

    field: str
    value: str
    query_ids: tuple[str, ...]
    means: dict[str, float]
    intervals: dict[str, Interval]
    below: tuple[str, ...] = ()  # measures in which it lies wholly below the mean of all
    above: tuple[str, ...] = ()

    @property
    def n_queries(self) -> int:
        """How many queries it holds."""
        return len(self.query_ids)

    def as_json(self) -> dict[str, Any]:
        """`{"field", "value", "n", "metrics", "intervals", "below", "above"}`."""
        return {
            "field": self.field,
            "value": self.value,
            "n": self.n_queries,
            "metrics": self.means,
            "intervals": {name: each.as_json() for name, each in self.intervals.items()},
            "below": list(self.below),
            "above": list(self.above),
        }


def slices(
    evaluation: Evaluation,
    *,
    queries: Iterable[JudgedQuery],
    qrels: Qrels,
    products: Mapping[str, Product],
    fields: Sequence[str] = (),
) -> list[Slice]:
    """The slices of a run, field by field; `fields` are asked for beside the usual ones.

    `products` holds the judged products that are in the catalog, by id. Raises `EvaluationError`
    for a field that no relevant product has.
    """
    judged = [query for query in queries if query.query_id in evaluation.per_query]
    relevant = _relevant(evaluation, qrels, products)
    return [
        _slice(evaluation, field, value, query_ids)
        for field, by_value in _grouped(judged, relevant, fields)
        for value, query_ids in by_value.items()
    ]


def _grouped(
    judged: Sequence[JudgedQuery], relevant: groups.Relevant, fields: Sequence[str]
) -> Iterator[tuple[str, groups.Groups]]:
    yield "kind", groups.by_kind(judged)
    yield "slice", groups.by_label(judged)
    yield "category", groups.by_category(relevant)
    yield "gender", groups.by_field(relevant, "gender")
    yield "price", groups.by_price(relevant)
    for field in dict.fromkeys(fields):
        if field not in ("category", "product_type", "gender", "price"):
            yield field, groups.by_asked_field(relevant, field)


def _relevant(
    evaluation: Evaluation, qrels: Qrels, products: Mapping[str, Product]
) -> groups.Relevant:
    return {
        query_id: [
            products[product_id]
            for product_id, gain in qrels[query_id].items()
            if gain >= evaluation.relevant_gain and product_id in products
        ]
        for query_id in evaluation.per_query
    }


def _slice(evaluation: Evaluation, field: str, value: str, query_ids: Sequence[str]) -> Slice:
    values = matrix(evaluation.per_query, query_ids)  # (n, M)
    intervals = dict(zip(MEASURES, mean_intervals(values), strict=True))
    marked = intervals if len(query_ids) >= MIN_QUERIES else {}
    overall = evaluation.means
    return Slice(
        field=field,
        value=value,
        query_ids=tuple(query_ids),
        means=dict(zip(MEASURES, values.mean(axis=0).tolist(), strict=True)),
        intervals=intervals,
        below=tuple(name for name, each in marked.items() if each.high < overall[name]),
        above=tuple(name for name, each in marked.items() if each.low > overall[name]),
    )
