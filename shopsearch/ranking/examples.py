"""How liked and disliked examples become one query vector, or one score for each candidate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]  # unit rows

_NOTHING_LEFT = 1e-6


def average_vector(liked: Rows, disliked: Rows) -> NDArray[np.float32]:
    """The (D,) unit vector of L liked and M disliked examples, (L, D) and (M, D), one at least.

    avg(liked) + avg(liked) - avg(disliked), which is how Qdrant's strategy of this name defines it
    (Qdrant documentation, Explore: Recommendation API); without dislikes avg(liked), without likes
    -avg(disliked).
    """
    wanted = _mean(liked)
    vector = wanted
    if len(disliked):
        vector = 2.0 * wanted - _mean(disliked)
    length = float(np.linalg.norm(vector))
    if length > _NOTHING_LEFT:
        return np.asarray(vector / length, dtype=np.float32)
    first: NDArray[np.float32] = liked[0] if len(liked) else -disliked[0]
    return first  # the examples cancel each other out


def best_scores(rows: Rows, liked: Rows, disliked: Rows) -> NDArray[np.float64]:
    """(N,) the scores of N candidates: how like the best liked example each is, or how like the
    best disliked one.

    With p and n the highest cosines to a liked and a disliked example: p where p > n, else -n².
    Qdrant's strategy `best_score` (Qdrant documentation, Explore: Recommendation API). Where
    nothing is liked, a negative n keeps its sign (-n·|n|): what is least like the disliked is the
    highest then.
    """
    n = _best(rows, disliked)
    if not len(liked):
        return np.asarray(-n * np.abs(n))
    p = _best(rows, liked)
    return np.where(p > n, p, -(np.maximum(n, -1.0) ** 2))


def _best(rows: Rows, examples: Rows) -> NDArray[np.float64]:
    if not len(examples):
        return np.full(len(rows), -np.inf)
    best: NDArray[np.float64] = (rows @ examples.T).max(axis=1).astype(np.float64)
    return best


def _mean(rows: Rows) -> NDArray[np.float64]:
    if not len(rows):
        return np.zeros(rows.shape[1])
    mean: NDArray[np.float64] = rows.mean(axis=0, dtype=np.float64)
    return mean
