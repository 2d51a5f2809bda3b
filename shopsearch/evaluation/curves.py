"""Precision and recall by how far down a shopper looks, and how long searches take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shopsearch.evaluation.measures import Evaluation, Qrels, Run
from shopsearch.evaluation.uncertainty import Interval, mean_intervals

DEPTH = 50  # ranks shown


@dataclass(frozen=True, slots=True)
class Curve:
    """The mean of a measure at k = 1, 2, ... with its intervals."""

    means: tuple[float, ...]
    intervals: tuple[Interval, ...]


def precision_and_recall(
    evaluation: Evaluation, run: Run, qrels: Qrels, *, depth: int = DEPTH
) -> tuple[Curve, Curve]:
    """P@k and recall@k for k from 1 to `depth`, as `measures` defines them."""
    found, n_relevant = _found(evaluation, run, qrels, depth)  # (N, K) counts, (N,)
    precision = found / np.arange(1, depth + 1)
    recall = found / np.maximum(n_relevant, 1)[:, None]
    return _curve(precision), _curve(recall)


def _found(
    evaluation: Evaluation, run: Run, qrels: Qrels, depth: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many relevant products stand among the first k of each query, and how many there are."""
    hits = np.zeros((len(evaluation.per_query), depth), dtype=np.int64)
    n_relevant = np.zeros(len(hits), dtype=np.int64)
    for row, query_id in enumerate(evaluation.per_query):
        gains = qrels[query_id]
        relevant = {p for p, gain in gains.items() if gain >= evaluation.relevant_gain}
        n_relevant[row] = len(relevant)
        first = run[query_id][:depth]
        hits[row, : len(first)] = [product_id in relevant for product_id in first]
    return hits.cumsum(axis=1), n_relevant


def _curve(values: NDArray[np.float64]) -> Curve:
    return Curve(tuple(values.mean(axis=0).tolist()), tuple(mean_intervals(values)))


@dataclass(frozen=True, slots=True)
class Latency:
    """How long the searches of a run took, in milliseconds."""

    p50: float
    p95: float
    p99: float
    values_ms: tuple[float, ...]

    @classmethod
    def of(cls, took_ms: Mapping[str, float] | Sequence[float]) -> Latency:
        """From the time of each search, of which there must be one at least."""
        values = tuple(took_ms.values() if isinstance(took_ms, Mapping) else took_ms)
        p50, p95, p99 = (float(each) for each in np.percentile(values, [50, 95, 99]))
        return cls(p50, p95, p99, values)

    def as_json(self) -> dict[str, float]:
        """`{"p50", "p95", "p99"}`."""
        return {name: round(getattr(self, name), 3) for name in ("p50", "p95", "p99")}
