"""Where the things in a picture may be: boxes that a shopper may want to search by.

The picture is looked at in small cells. What can be reached from its border without crossing an
edge is ground (Wei et al. 2012, "Geodesic Saliency Using Background Priors"); what lies further
than some height is a thing, at several heights, as things in front of others are. No model is
asked: `benchmarks/regions.py` compares this with others.

Letters: h and w are the cells of a picture.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shopsearch.domain import Region

MAX_PROPOSALS = 6
CELLS = 64  # along the longest side
_GRAINS = 4  # of a cell, along either side
_GRAIN_WEIGHT = 2.0  # of its spread in lightness, beside colours
_HEIGHTS = (0.12, 0.2, 0.32, 0.48, 0.68)  # of the highest cell
_LEAST_SHARE, _MOST_SHARE = 0.006, 0.92  # of the picture
_MOST_OVERLAP = 0.5  # of two proposals, intersection over union
_MOST_WITHIN = 0.9  # of a proposal, within a better one that is less than three times as large
_MUCH_LARGER = 3.0
_RING = 0.12  # of a box's sides: what is looked at around it
_MOST_ROUNDS = 160

Cells = NDArray[np.float32]  # (h, w, C)
Map = NDArray[np.float32]  # (h, w)
Mask = NDArray[np.bool_]  # (h, w)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A region that may hold one thing. `score` is in 0..1; higher is likelier."""

    region: Region
    score: float


def propose(picture: Image.Image, limit: int = MAX_PROPOSALS) -> tuple[Proposal, ...]:
    """Regions of an upright RGB picture, best first; none where all of it is alike.

    No two of them overlap by more than half.
    """
    return propose_in(cells_of(picture), limit)


def propose_in(cells: Cells, limit: int = MAX_PROPOSALS) -> tuple[Proposal, ...]:
    """The same of a picture that is given as cells with C values each."""
    return propose_on(depths(cells), limit)


def propose_on(depth: Map, limit: int = MAX_PROPOSALS) -> tuple[Proposal, ...]:
    """The same of a map of how much each cell stands out."""
    scored = [(_score(depth, box), box) for box in dict.fromkeys(_boxes(depth))]
    scored.sort(key=lambda one: -one[0])
    kept: list[tuple[float, _Box]] = []
    for score, box in scored:
        if len(kept) < limit and not any(_tells_the_same(box, other) for _, other in kept):
            kept.append((score, box))
    return tuple(Proposal(box.region(depth.shape), score) for score, box in kept)


def cells_of(picture: Image.Image) -> Cells:
    """(h, w, 4) mean colours, lightness from 0 to 100, and how grainy each cell is."""
    scale = CELLS / max(picture.size)
    width, height = (max(2, round(side * scale)) for side in picture.size)
    fine = picture.resize((width * _GRAINS, height * _GRAINS), Image.Resampling.BOX)
    lab = _lab(np.asarray(fine, dtype=np.float32) / 255.0)
    grains = lab.reshape(height, _GRAINS, width, _GRAINS, 3)
    grain = _GRAIN_WEIGHT * grains[..., 0].std(axis=(1, 3))
    return np.dstack([grains.mean(axis=(1, 3)), grain]).astype(np.float32)


def depths(cells: Cells) -> Map:
    """How far each cell is from the border, by the cheapest way of steps between neighbours.

    A step costs as much as two cells differ, less what neighbours on the border differ anyway:
    gradients and noise of the ground are free.
    """
    down = np.linalg.norm(np.diff(cells, axis=0), axis=2)  # (h - 1, w)
    across = np.linalg.norm(np.diff(cells, axis=1), axis=2)  # (h, w - 1)
    usual = _usual_step(down, across)
    down, across = np.maximum(down - usual, 0.0), np.maximum(across - usual, 0.0)
    depth = _border_costs(cells, usual)
    for _ in range(_MOST_ROUNDS):
        before = depth.copy()
        np.minimum(depth[1:], depth[:-1] + down, out=depth[1:])
        np.minimum(depth[:-1], depth[1:] + down, out=depth[:-1])
        np.minimum(depth[:, 1:], depth[:, :-1] + across, out=depth[:, 1:])
        np.minimum(depth[:, :-1], depth[:, 1:] + across, out=depth[:, :-1])
        if np.array_equal(depth, before):
            break
    return depth


def _usual_step(down: Map, across: Map) -> float:
    border = np.concatenate([across[0], across[-1], down[:, 0], down[:, -1]])
    usual: float = np.quantile(border, 0.8) * 1.25 + 0.5
    return float(usual)


def _border_costs(cells: Cells, usual: float) -> Map:
    """A cell of the border is free, unless it stands out of the others: a thing may reach it."""
    height, width = cells.shape[:2]
    edge = np.zeros((height, width), dtype=bool)
    edge[[0, -1], :] = True
    edge[:, [0, -1]] = True
    border = cells[edge]  # (n, C)
    apart = np.linalg.norm(border[:, None] - border[None], axis=2)  # (n, n)
    nearest = np.sort(apart, axis=1)[:, len(border) // 4]
    costs = np.full((height, width), np.inf, dtype=np.float32)
    costs[edge] = np.maximum(nearest - 2 * usual - 6.0, 0.0)
    return costs


@dataclass(frozen=True, slots=True)
class _Box:
    """Cells from `top` to before `bottom`, and from `left` to before `right`."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def area(self) -> int:
        return max(0, self.bottom - self.top) * max(0, self.right - self.left)

    def both(self, other: _Box) -> int:
        """The cells of both."""
        return _Box(
            max(self.top, other.top),
            max(self.left, other.left),
            min(self.bottom, other.bottom),
            min(self.right, other.right),
        ).area

    def overlap(self, other: _Box) -> float:
        """Intersection over union."""
        both = self.both(other)
        return both / (self.area + other.area - both)

    def region(self, shape: tuple[int, ...]) -> Region:
        height, width = shape[:2]
        return Region(
            round(self.left / width, 4),
            round(self.top / height, 4),
            round((self.right - self.left) / width, 4),
            round((self.bottom - self.top) / height, 4),
        )


def _tells_the_same(box: _Box, better: _Box) -> bool:
    """Whether a box adds nothing to a better one: it is about the same, or a part of that thing."""
    is_part = box.both(better) > _MOST_WITHIN * box.area
    return box.overlap(better) > _MOST_OVERLAP or (
        is_part and better.area < _MUCH_LARGER * box.area
    )


def _boxes(depth: Map) -> Iterator[_Box]:
    """The boxes of what is deeper than each height and hangs together."""
    deepest = float(np.quantile(depth, 0.995))
    if deepest <= 0.0:
        return
    least, most = _LEAST_SHARE * depth.size, _MOST_SHARE * depth.size
    for height in _HEIGHTS:
        labels = _labelled(depth > height * deepest)
        for label in np.unique(labels[labels >= 0]):
            rows, columns = np.nonzero(labels == label)
            box = _Box(*map(int, (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)))
            if least <= box.area <= most and min(box.bottom - box.top, box.right - box.left) > 2:
                yield box


def _labelled(mask: Mask) -> NDArray[np.int64]:
    """A number for each part of the mask that hangs together; -1 elsewhere."""
    labels = np.where(mask, np.arange(mask.size).reshape(mask.shape), -1)
    while True:
        before = labels.copy()
        for axis in (0, 1):
            for step in (1, -1):
                _spread(labels, mask, axis, step)
        if np.array_equal(labels, before):
            return labels


def _spread(labels: NDArray[np.int64], mask: Mask, axis: int, step: int) -> None:
    """Carry the higher number over to the next row or column, all the way down in one go."""
    moved, there = (labels, mask) if axis == 0 else (labels.T, mask.T)
    moved, there = moved[::step], there[::step]
    for row in range(1, len(moved)):
        reached = there[row] & there[row - 1]
        moved[row] = np.where(reached, np.maximum(moved[row], moved[row - 1]), moved[row])


def _score(depth: Map, box: _Box) -> float:
    """How much deeper a box is than what is around it; a larger one counts a little more."""
    height, width = depth.shape
    rim_y = max(1, round((box.bottom - box.top) * _RING))
    rim_x = max(1, round((box.right - box.left) * _RING))
    outer = _Box(
        max(0, box.top - rim_y),
        max(0, box.left - rim_x),
        min(height, box.bottom + rim_y),
        min(width, box.right + rim_x),
    )
    total = float(depth[box.top : box.bottom, box.left : box.right].sum())
    around = float(depth[outer.top : outer.bottom, outer.left : outer.right].sum()) - total
    inside = total / box.area
    ring = around / max(1, outer.area - box.area)
    contrast = max(0.0, inside - ring) / (float(depth.max()) + 1e-6)
    return min(1.0, 2.0 * contrast * math.pow(box.area / depth.size, 0.25))


def _lab(rgb: NDArray[np.float32]) -> Cells:
    """CIE L*a*b* of sRGB with white D65 (IEC 61966-2-1, CIE 15)."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = linear @ _TO_XYZ.T
    bent = np.where(xyz > _SMALL, np.cbrt(xyz), xyz * (841 / 108) + 4 / 29)
    x, y, z = bent[..., 0], bent[..., 1], bent[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1).astype(np.float32)


_SMALL = (6 / 29) ** 3
_TO_XYZ = np.array(
    [
        [0.4123908 / 0.9504559, 0.3575843 / 0.9504559, 0.1804808 / 0.9504559],
        [0.2126390, 0.7151687, 0.0721923],
        [0.0193308 / 1.0890578, 0.1191948 / 1.0890578, 0.9505322 / 1.0890578],
    ]
)
