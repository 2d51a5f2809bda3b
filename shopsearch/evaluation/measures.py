"""How good a run is, by what people judged.

Gains are real numbers. nDCG reads them as they are; the binary measures call a product relevant
when its gain is `relevant_gain` or more. Unjudged products count as 0 everywhere.

    ndcg@10       DCG@10 of the run over DCG@10 of the best order of all judged products;
                  DCG@k = sum over ranks i <= k of (2^gain - 1) / log2(i + 1)   (Burges et al. 2005)
    recall@k      relevant products among the first k, over all relevant ones
    mrr@10        1 / rank of the first relevant product, 0 when it is not among the first 10
    p@10          relevant products among the first 10, over 10, however short the run is
    map           the mean of the precision at each relevant product, 0 for those not in the run

The binary measures are computed by ir_measures, that is by trec_eval. As there, a query counts as
soon as it has a judgment: one without any relevant product counts 0 in every measure it leaves
undefined, and `n_without_relevant` says how many did. Queries without judgments are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shopsearch.errors import EvaluationError
from shopsearch.evaluation.uncertainty import Interval, mean_intervals

_BINARY = {  # ours -> the name in ir_measures
    "recall@1": "R@1",
    "recall@5": "R@5",
    "recall@10": "R@10",
    "recall@50": "R@50",
    "mrr@10": "RR@10",
    "p@10": "P@10",
    "map": "AP",
}
MEASURES = ("ndcg@10", *_BINARY)

Run = Mapping[str, Sequence[str]]  # query id -> product ids, best first
Qrels = Mapping[str, Mapping[str, float]]  # query id -> product id -> gain


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The measures of a run: as means, and query by query."""

    means: dict[str, float]
    intervals: dict[str, Interval]
    per_query: dict[str, dict[str, float]]  # query id -> measure -> value; judged queries only
    relevant_gain: float
    n_without_relevant: int  # queries of `per_query` with no product of `relevant_gain` or more
    unjudged: tuple[str, ...] = ()  # query ids of the run that have no judgment
    unknown: tuple[str, ...] = ()  # query ids of the judgments that were not run

    @property
    def n_queries(self) -> int:
        """How many queries the means are over."""
        return len(self.per_query)

    def as_json(self) -> dict[str, Any]:
        """The means and the counts flat, beside them the intervals and the bound of relevance."""
        return {
            **self.means,
            "n_queries": self.n_queries,
            "n_without_relevant": self.n_without_relevant,
            "n_unjudged": len(self.unjudged),
            "n_unknown": len(self.unknown),
            "relevant_gain": self.relevant_gain,
            "intervals": {name: each.as_json() for name, each in self.intervals.items()},
        }


def evaluate(run: Run, qrels: Qrels, *, relevant_gain: float = 1.0) -> Evaluation:
    """Judge a run. A query that found nothing stands in the run with an empty sequence.

    Raises `EvaluationError` when no query of the run has a judgment, and `ValueError` when a query
    holds a product twice.
    """
    if not relevant_gain > 0.0:
        raise EvaluationError(
            f"the gain from which a product is relevant is {relevant_gain}, but must be above 0: "
            "products without a judgment count as 0"
        )
    judged = {query_id: hits for query_id, hits in run.items() if qrels.get(query_id)}
    if not judged:
        raise EvaluationError(_nothing_in_common(run, qrels))
    _check_repetitions(judged)
    per_query = _binary_measures(judged, qrels, relevant_gain)
    for query_id, hits in judged.items():
        per_query[query_id]["ndcg@10"] = ndcg(hits, qrels[query_id], 10)
    ordered = {q: {name: per_query[q][name] for name in MEASURES} for q in judged}
    values = matrix(ordered, judged)
    return Evaluation(
        means=dict(zip(MEASURES, values.mean(axis=0).tolist(), strict=True)),
        intervals=dict(zip(MEASURES, mean_intervals(values), strict=True)),
        per_query=ordered,
        relevant_gain=relevant_gain,
        n_without_relevant=sum(max(qrels[q].values()) < relevant_gain for q in judged),
        unjudged=tuple(query_id for query_id in run if query_id not in judged),
        unknown=tuple(query_id for query_id in qrels if query_id not in run),
    )


def matrix(
    per_query: Mapping[str, Mapping[str, float]],
    query_ids: Iterable[str],
    measures: Sequence[str] = MEASURES,
) -> NDArray[np.float64]:
    """The values of queries as rows, of measures as columns: (N, M)."""
    return np.array([[per_query[q][name] for name in measures] for q in query_ids])


def ndcg(hits: Sequence[str], gains: Mapping[str, float], k: int) -> float:
    """nDCG@k of one ranking; 0 where nothing has a gain."""
    ideal = _dcg(sorted(gains.values(), reverse=True)[:k])
    return _dcg([gains.get(product_id, 0.0) for product_id in hits[:k]]) / ideal if ideal else 0.0


def _dcg(gains: Sequence[float]) -> float:
    ranks = np.arange(1, len(gains) + 1)
    return float(np.sum(np.expm1(np.array(gains) * np.log(2.0)) / np.log2(ranks + 1)))


def _binary_measures(run: Run, qrels: Qrels, relevant_gain: float) -> dict[str, dict[str, float]]:
    """Query id -> measure -> value, by ir_measures. Scores fall by rank, so that none tie.

    It is given numbers for ids: trec_eval, in C, cuts an id at its first null character, and
    crashes at one that is not valid Unicode.
    """
    import ir_measures

    names = {ir_measures.parse_measure(theirs): ours for ours, theirs in _BINARY.items()}
    query_ids = list(run)
    relevance: dict[str, dict[str, int]] = {}
    scores: dict[str, dict[str, float]] = {}
    for number, query_id in enumerate(query_ids):
        gains, hits = qrels[query_id], run[query_id]
        products = dict.fromkeys((*gains, *hits))
        places = {product: str(place) for place, product in enumerate(products)}
        relevance[str(number)] = {
            places[p]: int(gain >= relevant_gain) for p, gain in gains.items()
        }
        scores[str(number)] = {places[p]: float(-rank) for rank, p in enumerate(hits)}
    values: dict[str, dict[str, float]] = {query_id: {} for query_id in query_ids}
    for metric in ir_measures.iter_calc(list(names), relevance, scores):
        values[query_ids[int(metric.query_id)]][names[metric.measure]] = float(metric.value)
    return values


def _check_repetitions(run: Run) -> None:
    for query_id, hits in run.items():
        if len(set(hits)) < len(hits):
            raise ValueError(f"the run of query {query_id!r} holds a product twice")


def _nothing_in_common(run: Run, qrels: Qrels) -> str:
    asked, judged = next(iter(run), "none"), next(iter(qrels), "none")
    return (
        f"none of the {len(run)} queries has a judgment: the queries hold ids such as {asked!r}, "
        f"the judgments such as {judged!r}; check that both files belong together"
    )
