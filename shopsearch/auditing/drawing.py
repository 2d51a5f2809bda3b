"""The map of a catalog as the report draws it: dots by cluster, and a picture of each cluster.

Dots are one path for each cluster, so that 10,000 of them stay light. All is placed here, so the
map is there without its script, which only tells of the product under the pointer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shopsearch.auditing.clusters import Cluster
from shopsearch.auditing.layout import CatalogMap

WIDTH, HEIGHT = 1000, 680
_MARGIN = 46
PICTURE = 48
_LABEL = 20  # height of the words under a picture
_CANDIDATES = 60  # products of a cluster that are tried for its picture
_LETTER = 7.6  # about the width of one, at the size of the labels
MOST_LETTERS = 18
_DOTS = ((300, 11), (1_000, 8), (4_000, 5.5), (10_000, 4))  # up to n products: width


@dataclass(frozen=True, slots=True)
class Pinned:
    """The picture of a cluster on the map; `x` and `y` are those of its middle."""

    cluster: int
    place: int  # of the product in the snapshot
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Drawing:
    """What the template needs of a map."""

    points: NDArray[np.int64]  # (S, 2) in the units of the drawing
    dots: Sequence[tuple[int, str]]  # cluster and the path of its products
    pins: Sequence[Pinned]
    dot_width: float


def drawn(catalog_map: CatalogMap, clusters: Sequence[Cluster]) -> Drawing:
    """The map in the units of the drawing."""
    room = np.array([WIDTH - 2 * _MARGIN, HEIGHT - 2 * _MARGIN])
    points = np.rint(_MARGIN + catalog_map.points * room).astype(np.int64)  # (S, 2)
    numbers = np.unique(catalog_map.clusters).tolist()
    dots = [(number, _path(points[catalog_map.clusters == number])) for number in numbers]
    return Drawing(points, dots, _pinned(catalog_map, clusters, points), _dot_width(len(points)))


def label(name: str) -> str:
    """As many words of a cluster's name as there is room for on the map."""
    words = name.split(", ")
    while len(words) > 1 and len(", ".join(words)) > MOST_LETTERS:
        words.pop()
    short = ", ".join(words)
    return short if len(short) <= MOST_LETTERS else f"{short[: MOST_LETTERS - 1]}…"


def _path(points: NDArray[np.int64]) -> str:
    return "".join(f"M{x} {y}h0" for x, y in points.tolist())


def _dot_width(n: int) -> float:
    return next((width for most, width in _DOTS if n <= most), _DOTS[-1][1])


def _pinned(
    catalog_map: CatalogMap, clusters: Sequence[Cluster], points: NDArray[np.int64]
) -> list[Pinned]:
    """A picture for each cluster that has room for it, the largest clusters first."""
    taken: list[tuple[float, float, float, float]] = []
    pins = []
    for number, cluster in enumerate(clusters):
        members = np.flatnonzero(catalog_map.clusters == number)
        if not len(members):
            continue
        middle = np.median(points[members], axis=0)
        far = np.linalg.norm(points[members] - middle, axis=1)
        for member in members[np.argsort(far, kind="stable")][:_CANDIDATES].tolist():
            x, y = points[member].tolist()
            box = _box(x, y, len(label(cluster.name)))
            if _is_inside(box) and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                pins.append(Pinned(number, int(catalog_map.places[member]), x, y))
                break
    return pins


def _box(x: float, y: float, n_letters: int) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a picture with its words."""
    half = max(PICTURE, n_letters * _LETTER) / 2
    return x - half, y - PICTURE / 2, x + half, y + PICTURE / 2 + _LABEL


def _is_inside(box: tuple[float, float, float, float]) -> bool:
    return box[0] >= 0 and box[1] >= 0 and box[2] <= WIDTH and box[3] <= HEIGHT


def _overlap(
    one: tuple[float, float, float, float], other: tuple[float, float, float, float]
) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
