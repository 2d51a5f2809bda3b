"""A catalog on a plane: products that are alike lie near each other (UMAP, McInnes et al. 2018).

Letters: N products of the snapshot, S of them on the map, E the length of a vector.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from shopsearch.auditing.clusters import Cluster
from shopsearch.auditing.snapshot import SEED, Rows
from shopsearch.errors import AuditError

MOST_PLACED = 10_000  # products; of more a sample is drawn: the time grows faster than they do
MIN_PLACED = 15  # of fewer there is no map
_N_NEIGHBOURS = 15
_N_COMPONENTS = 50  # principal components that UMAP sees: its time grows with them


@dataclass(frozen=True, slots=True)
class CatalogMap:
    """Where S products lie. Both coordinates are from 0 to 1."""

    places: NDArray[np.int64]  # (S,) in the snapshot
    points: NDArray[np.float64]  # (S, 2)
    clusters: NDArray[np.int64]  # (S,) numbers of the audit's clusters


REMEDY = "the map needs umap-learn; run: pip install 'shopsearch[audit]'"


class MapWish(StrEnum):
    """Whether a map is wanted."""

    NO = "no"
    IF_POSSIBLE = "if possible"  # without umap-learn a remark says what to install
    YES = "yes"  # without umap-learn it is an error


def is_possible() -> bool:
    """Whether umap-learn is installed; it is not loaded, which takes seconds."""
    try:
        return find_spec("umap") is not None
    except ValueError:  # as where a test took it away
        return False


def check_layout() -> None:
    """Raise `AuditError` where umap-learn is not installed: before long work, not after it."""
    if not is_possible():
        raise AuditError(f"{REMEDY}, or leave the map out with --no-map")


def laid_out(vectors: Rows, clusters: Sequence[Cluster]) -> CatalogMap | None:
    """The map of (N, E) vectors and their clusters; None where there are too few products.

    The same catalog gives the same map. Raises `AuditError` where umap-learn is not installed.
    """
    check_layout()
    numbers = np.full(len(vectors), -1, dtype=np.int64)
    for number, cluster in enumerate(clusters):
        numbers[cluster.places] = number
    there = np.flatnonzero(numbers >= 0)
    if len(there) < MIN_PLACED:
        return None
    if len(there) > MOST_PLACED:
        chance = np.random.default_rng(SEED)
        there = np.sort(chance.choice(there, MOST_PLACED, replace=False))
    return CatalogMap(there, _scaled(_umap(_principal(vectors[there]))), numbers[there])


def _umap(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of numba and scikit-learn, about their own insides
        from umap import UMAP

        made = UMAP(
            n_neighbors=min(_N_NEIGHBOURS, len(rows) - 1),
            min_dist=0.25,
            metric="euclidean",  # of centred rows: a cosine would not be defined in their middle
            init="pca",
            random_state=SEED,
            n_jobs=1,  # with a seed it cannot use more
        ).fit_transform(rows)
    points: NDArray[np.float64] = np.asarray(made, dtype=np.float64)
    return np.nan_to_num(points)


def _principal(rows: Rows) -> NDArray[np.float32]:
    """(S, 50) of (S, E), centred: the directions in which the products differ most."""
    centred = rows - rows.mean(axis=0)
    values, directions = np.linalg.eigh(centred.T @ centred)  # ascending
    kept = directions[:, np.argsort(values)[::-1][: min(_N_COMPONENTS, len(rows))]]
    components: NDArray[np.float32] = (centred @ kept).astype(np.float32)
    return components


def _scaled(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each axis into 0 to 1, half by value and half by rank: else a far island leaves little room
    to all others.
    """
    low, high = points.min(axis=0), points.max(axis=0)  # (2,)
    values = (points - low) / np.maximum(high - low, 1e-9)
    ranks = points.argsort(axis=0).argsort(axis=0) / max(1, len(points) - 1)
    inside: NDArray[np.float64] = (values + ranks) / 2.0
    return inside
