"""Diversity: an order of hits that does not show the same thing again and again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def diversified(
    scores: NDArray[np.float64],
    vectors: NDArray[np.float32],
    diversity: float,
    n_fixed: int = 1,
) -> NDArray[np.int64]:
    """The order, as positions (N,), of N hits by maximal marginal relevance.

    Carbonell and Goldstein (The use of MMR, diversity-based reranking for reordering documents and
    producing summaries, SIGIR 1998): always next is the hit of highest

        (1 - diversity) * relevance - diversity * cosine to the most alike of those before it.

    `scores` (N,) never rise; scaled to 0..1 from the lowest to the highest, they are the relevance,
    so that a value means the same for every encoder. `vectors` (N, D) are unit rows, NaN where one
    is not known: that hit is like no other. The first `n_fixed` hits stay where they are. With a
    `diversity` of 0 all do; with 1 only the difference counts. Of equal hits the earlier is first.
    """
    n_fixed = min(max(n_fixed, 1), len(scores))
    if not diversity or len(scores) <= n_fixed + 1:
        return np.arange(len(scores))
    alike = diversity * _cosines(vectors)  # (N, N)
    relevance = (1.0 - diversity) * _scaled(scores)  # (N,)
    most_alike = alike[:n_fixed].max(axis=0)  # (N,) to any of those before
    relevance[:n_fixed] = -np.inf
    order = np.arange(len(scores))
    value = np.empty_like(relevance)
    for place in range(n_fixed, len(scores)):
        np.subtract(relevance, most_alike, out=value)
        best = int(value.argmax())
        order[place] = best
        relevance[best] = -np.inf
        np.maximum(most_alike, alike[best], out=most_alike)
    return order


def _cosines(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    known = np.nan_to_num(vectors)
    return (known @ known.T).astype(np.float64)


def _scaled(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high = float(scores.min()), float(scores.max())
    scaled: NDArray[np.float64] = (scores - low) / max(high - low, 1e-9)
    return scaled
