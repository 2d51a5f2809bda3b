"""Which regions of a picture may show a product: what stands out from the border of the picture.

Photos of products, and screenshots of several, mostly have a calm background that reaches the
border. So each pixel is held against two models of it: a few colours of the border, and a plane
through them, for light that falls off to one side. What is far from both is something; each
connected piece of it is a region. A background that is as busy as the products defeats this, and
then there are few proposals or none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from shopsearch.domain import Region

MAX_PROPOSALS = 6
SIDE_PX = 96  # what is looked at; finer detail costs time and adds noise
BORDER = 0.04  # of a side
N_COLOURS = 6
CHROMA = 1.6  # a difference in colour counts more than one in light, which shadows make
LEAST_AREA = 0.008  # of the picture
FAINT = 0.1  # how much a light product stands out
MARGIN = 0.015  # of a side, around what stands out
MAX_OVERLAP = 0.55  # intersection over union of two proposals
WHOLE = 0.9  # a region of so much of the picture is the picture

Grid = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A region, and how much it stands out, 0 to 1."""

    region: Region
    score: float


def propose(picture: Image.Image) -> tuple[Proposal, ...]:
    """At most `MAX_PROPOSALS` regions of an upright RGB picture, the best first.

    No two overlap by more than `MAX_OVERLAP`, and none is the whole picture. Several pieces that
    together may be one thing, such as a pair of shoes, are proposed together too.
    """
    small = picture.convert("RGB")
    small.thumbnail((SIDE_PX, SIDE_PX), Image.Resampling.BOX)
    standing_out = _standing_out(small.filter(ImageFilter.MedianFilter(3)))  # (H, W)
    clear = standing_out > _threshold(standing_out)
    found = [
        _proposal(box, standing_out, mask)
        for mask in (clear, _grown(clear), standing_out > FAINT)
        for boxes in [_boxes(mask)]
        for box in [*boxes, *_together(boxes)]
    ]
    kept: list[Proposal] = []
    for one in sorted(found, key=lambda one: -one.score):
        is_whole = one.region.width * one.region.height > WHOLE
        if not is_whole and all(
            _overlap(one.region, other.region) <= MAX_OVERLAP for other in kept
        ):
            kept.append(one)
    return tuple(kept[:MAX_PROPOSALS])


def _standing_out(small: Image.Image) -> Grid:
    """(H, W), 0 to 1: how far each pixel is from what the border is like."""
    pixels = np.asarray(small.convert("YCbCr"), np.float64) * (1.0, CHROMA, CHROMA)  # (H, W, 3)
    height, width, _ = pixels.shape
    edge = max(1, round(BORDER * max(height, width)))
    on_border = np.ones((height, width), np.bool_)
    on_border[edge:-edge, edge:-edge] = False
    border = pixels[on_border]  # (B, 3)
    distance = np.minimum(
        np.linalg.norm(pixels - _plane(pixels, on_border), axis=2), _to_colours(pixels, border)
    )
    calm = distance[on_border]
    noise = np.median(calm) + 4.0 * np.median(np.abs(calm - np.median(calm)))
    above = np.clip(distance - noise, 0.0, None)
    return np.asarray(above / max(float(np.quantile(above, 0.99)), 24.0)).clip(0.0, 1.0)


def _plane(pixels: Grid, on_border: Mask) -> Grid:
    """(H, W, 3) the colour of each place by the plane that fits the border best (least squares)."""
    height, width, _ = pixels.shape
    ys, xs = np.mgrid[0:height, 0:width]
    places = np.stack([np.ones_like(xs), xs / width, ys / height], axis=-1).astype(np.float64)
    factors, *_ = np.linalg.lstsq(places[on_border], pixels[on_border], rcond=None)  # (3, 3)
    return np.asarray(places @ factors)


def _to_colours(pixels: Grid, border: Grid) -> Grid:
    """(H, W) the distance to the nearest of the colours that make up much of the border."""
    strip = Image.fromarray(np.clip(border / (1.0, CHROMA, CHROMA), 0, 255).astype(np.uint8)[None])
    codes = np.asarray(strip.quantize(N_COLOURS, method=Image.Quantize.MEDIANCUT))[0]  # (B,)
    counts = np.bincount(codes)
    much = [code for code, n in enumerate(counts) if n > 0.06 * len(codes)]
    colours = np.array([border[codes == code].mean(axis=0) for code in much])  # (C, 3)
    return np.asarray(np.linalg.norm(pixels[:, :, None] - colours, axis=3).min(axis=2))


def _threshold(standing_out: Grid) -> float:
    """Otsu's: the bound that leaves the least variance on its two sides (IEEE SMC 9, 1979)."""
    counts, edges = np.histogram(standing_out, bins=64, range=(0.0, 1.0))
    middles = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * middles)
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = sums / below - (sums[-1] - sums) / above
    between = np.nan_to_num(below * above * apart**2)
    return min(max(float(edges[int(np.argmax(between)) + 1]), 0.12), 0.5)


def _grown(mask: Mask) -> Mask:
    """The mask and what is near it: the parts of one thing may lie apart."""
    picture = Image.fromarray(mask.astype(np.uint8) * 255).filter(ImageFilter.MaxFilter(5))
    return np.asarray(picture) > 0


def _boxes(mask: Mask) -> list[tuple[int, int, int, int]]:
    """left, top, right, bottom of each connected piece that is large enough."""
    height, width = mask.shape
    waiting = mask.copy()
    boxes = []
    for start in zip(*np.nonzero(mask), strict=True):
        if not waiting[start]:
            continue
        ys, xs = _piece(waiting, (int(start[0]), int(start[1])))
        if len(ys) >= LEAST_AREA * height * width:
            boxes.append((min(xs), min(ys), max(xs) + 1, max(ys) + 1))
    return boxes


def _piece(waiting: Mask, start: tuple[int, int]) -> tuple[list[int], list[int]]:
    """Rows and columns of what hangs together with a place, which does not wait from now on."""
    height, width = waiting.shape
    ys, xs, ahead = [], [], [start]
    waiting[start] = False
    while ahead:
        y, x = ahead.pop()
        ys.append(y)
        xs.append(x)
        for row in range(max(0, y - 1), min(height, y + 2)):
            for column in range(max(0, x - 1), min(width, x + 2)):
                if waiting[row, column]:
                    waiting[row, column] = False
                    ahead.append((row, column))
    return ys, xs


def _together(boxes: Sequence[tuple[int, int, int, int]]) -> list[tuple[int, int, int, int]]:
    """Boxes around two pieces that lie beside each other, and around all."""
    pairs = [
        _around(one, other)
        for at, one in enumerate(boxes)
        for other in boxes[at + 1 :]
        if _gap(one, other) < 0.06 * SIDE_PX
    ]
    everything = [] if len(boxes) < 2 else [_around(*boxes)]
    return [*pairs, *everything]


def _around(*boxes: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def _gap(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> int:
    across = max(other[0] - one[2], one[0] - other[2], 0)
    down = max(other[1] - one[3], one[1] - other[3], 0)
    return max(across, down)


def _proposal(box: tuple[int, int, int, int], standing_out: Grid, mask: Mask) -> Proposal:
    """The box with a margin; it counts by how filled, how clear, and how large it is."""
    height, width = mask.shape
    left, top, right, bottom = box
    inside = mask[top:bottom, left:right]
    clear = float(standing_out[top:bottom, left:right][inside].mean())
    filled = float(inside.mean())
    area = (right - left) * (bottom - top) / (height * width)
    x0, y0 = max(0.0, left / width - MARGIN), max(0.0, top / height - MARGIN)
    x1, y1 = min(1.0, right / width + MARGIN), min(1.0, bottom / height + MARGIN)
    region = Region(round(x0, 4), round(y0, 4), round(x1 - x0, 4), round(y1 - y0, 4))
    return Proposal(region, round(min(1.0, clear * filled**0.5 * area**0.25), 4))


def _overlap(one: Region, other: Region) -> float:
    """Intersection over union."""
    across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    both = max(0.0, across) * max(0.0, down)
    return both / (one.width * one.height + other.width * other.height - both)
