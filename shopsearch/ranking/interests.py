"""What a visitor did becomes a few interests, each a vector with a weight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Interest:
    """Products that are alike, among those that a visitor had to do with."""

    vector: NDArray[np.float32]  # (D,) unit
    members: tuple[int, ...]  # their places among the products given, the weightiest first
    weight: float  # of all members together


def decayed(ages_days: NDArray[np.float64], half_life_days: float) -> NDArray[np.float64]:
    """(N,) 0..1: how much what happened so long ago still counts; half of it after a half-life."""
    return np.power(0.5, np.maximum(ages_days, 0.0) / half_life_days)


def interests_of(
    rows: NDArray[np.float32],
    weights: NDArray[np.float64],
    *,
    centre: NDArray[np.float32],
    threshold: float,
    at_most: int,
) -> list[Interest]:
    """The interests behind N products, (N, D) unit rows with weights (N,) above 0, the weightiest
    first.

    Agglomerative clustering by centroids: the two groups whose weighted means are most alike become
    one, as long as their cosine is `threshold` or more. Several interests for a person instead of
    one mean, and their weights from what was done and when: PinnerSage (Pal and others, KDD 2020).
    Cosines are taken after the `centre` of the catalog (D,) is taken off, since encoders press all
    their vectors into a cone (Mu and Viswanath, All-but-the-top, ICLR 2018), so that a threshold
    means much the same for each of them. The lightest groups beyond `at_most` are left out.
    """
    groups = [[n] for n in range(len(rows))]
    sums = (rows - centre).astype(np.float64) * weights[:, None]  # (G, D)
    while len(groups) > 1:
        means = _units(sums)
        alike = means @ means.T  # (G, G)
        np.fill_diagonal(alike, -np.inf)
        a, b = divmod(int(alike.argmax()), len(groups))
        if alike[a, b] < threshold:
            break
        a, b = min(a, b), max(a, b)
        groups[a] += groups.pop(b)
        sums[a] += sums[b]
        sums = np.delete(sums, b, axis=0)
    made = [_interest(rows, weights, group) for group in groups]
    return sorted(made, key=lambda one: -one.weight)[:at_most]


def _interest(
    rows: NDArray[np.float32], weights: NDArray[np.float64], group: list[int]
) -> Interest:
    of = weights[group]
    mean = _units((of @ rows[group])[None, :])[0]
    in_order = sorted(group, key=lambda n: -weights[n])
    return Interest(mean.astype(np.float32), tuple(in_order), float(of.sum()))


def _units(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    units: NDArray[np.float64] = rows / np.maximum(lengths, 1e-9)
    return units
