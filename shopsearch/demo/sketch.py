"""A small drawing board: shapes in a square of 100 x 100 units, shaded, on a soft ground.

Everything is drawn larger than it is kept and scaled down once, which smooths the edges.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from PIL import Image, ImageChops, ImageDraw, ImageFilter

UNITS = 100
BOARD_PX = 800
PICTURE_PX = 400

Rgb = tuple[int, int, int]
Point = tuple[float, float]
Box = tuple[float, float, float, float]

# Darkness from one edge of a shape to the other, 0 to 255.
ROUND = (70, 26, 0, 0, 14, 46, 96)
FOLDS = (36, 6, 22, 0, 18, 2, 26, 4, 44)
FROM_ABOVE = (0, 0, 12, 40, 84)
FLAT = (0, 0)
_SHADOW_ALPHA = 74
_GROUNDS: tuple[tuple[Rgb, Rgb], ...] = (
    ((243, 240, 235), (226, 221, 213)),
    ((238, 241, 244), (217, 223, 229)),
    ((241, 243, 238), (221, 226, 216)),
    ((245, 239, 238), (229, 219, 217)),
)


def px(value: float) -> int:
    """Units to pixels of the board."""
    return round(value * BOARD_PX / UNITS)


def smooth(points: Sequence[Point], steps: int = 10) -> list[Point]:
    """A closed curve through the points (uniform Catmull-Rom)."""
    curve = []
    n = len(points)
    for i in range(n):
        a, b, c, d = (points[(i + k) % n] for k in (-1, 0, 1, 2))
        for step in range(steps):
            t = step / steps
            curve.append((_between(a[0], b[0], c[0], d[0], t), _between(a[1], b[1], c[1], d[1], t)))
    return curve


def _between(a: float, b: float, c: float, d: float, t: float) -> float:
    linear, square, cube = c - a, 2 * a - 5 * b + 4 * c - d, 3 * (b - c) + d - a
    return b + 0.5 * t * (linear + t * (square + t * cube))


def mirrored(right: Sequence[Point]) -> list[Point]:
    """A shape that is the same left and right, from its right half, top to bottom."""
    return [*right, *((UNITS - x, y) for x, y in reversed(right))]


def polygon(points: Sequence[Point]) -> Image.Image:
    """The mask of a shape with straight edges."""
    mask = Image.new("L", (BOARD_PX, BOARD_PX))
    ImageDraw.Draw(mask).polygon([(px(x), px(y)) for x, y in points], fill=255)
    return mask


def blob(points: Sequence[Point]) -> Image.Image:
    """The mask of a shape with curved edges through the points."""
    return polygon(smooth(points))


def ellipse(box: Box) -> Image.Image:
    """The mask of an ellipse."""
    mask = Image.new("L", (BOARD_PX, BOARD_PX))
    ImageDraw.Draw(mask).ellipse([px(each) for each in box], fill=255)
    return mask


def rounded(box: Box, radius: float) -> Image.Image:
    """The mask of a rectangle with round corners."""
    mask = Image.new("L", (BOARD_PX, BOARD_PX))
    ImageDraw.Draw(mask).rounded_rectangle([px(each) for each in box], px(radius), fill=255)
    return mask


def line(points: Sequence[Point], width: float) -> Image.Image:
    """The mask of a line with round ends."""
    mask = Image.new("L", (BOARD_PX, BOARD_PX))
    pen = ImageDraw.Draw(mask)
    pen.line([(px(x), px(y)) for x, y in points], fill=255, width=px(width), joint="curve")
    radius = width / 2
    for x, y in (points[0], points[-1]):
        pen.ellipse([px(e) for e in (x - radius, y - radius, x + radius, y + radius)], fill=255)
    return mask


def arc(box: Box, start: float, end: float, width: float) -> Image.Image:
    """The mask of a part of an ellipse's outline; degrees run clockwise from three o'clock."""
    mask = Image.new("L", (BOARD_PX, BOARD_PX))
    ImageDraw.Draw(mask).arc([px(e) for e in box], start, end, fill=255, width=px(width))
    return mask


def both(first: Image.Image, second: Image.Image) -> Image.Image:
    """Where either mask is."""
    return ImageChops.lighter(first, second)


def inside(shape: Image.Image, bound: Image.Image) -> Image.Image:
    """Where both masks are."""
    return ImageChops.multiply(shape, bound)


def without(shape: Image.Image, hole: Image.Image) -> Image.Image:
    """Where the first mask is and the second is not."""
    return ImageChops.subtract(shape, hole)


class Sketch:
    """A picture in the making."""

    def __init__(self, ground: int = 0) -> None:
        self._board = _ground(ground % len(_GROUNDS)).copy()

    def shadow(self, box: Box) -> None:
        """A soft shadow on the ground, below what is drawn next."""
        self._lay((40, 36, 44), soft(box, _SHADOW_ALPHA))

    def paint(
        self,
        mask: Image.Image,
        fill: Image.Image | Rgb,
        shade: Sequence[int] = FLAT,
        *,
        upright: bool = False,
    ) -> None:
        """Fill a shape; `shade` runs from left to right, or, `upright`, from top to bottom."""
        self._lay(fill, mask)
        if any(shade):
            self._lay((24, 16, 34), _shaded(mask, shade, upright=upright))

    def tint(self, mask: Image.Image, colour: Rgb, strength: float) -> None:
        """Lay a see-through colour over a shape: seams, gloss."""
        self._lay(colour, mask.point([round(level * strength) for level in range(256)]))

    def _lay(self, fill: Image.Image | Rgb, mask: Image.Image) -> None:
        if box := mask.getbbox():  # pasting no more than the shape is several times quicker
            part = fill.crop(box) if isinstance(fill, Image.Image) else fill
            self._board.paste(part, box, mask.crop(box))

    def finished(self) -> Image.Image:
        """The picture in the size in which it is kept."""
        return self._board.reduce(BOARD_PX // PICTURE_PX)


def _shaded(mask: Image.Image, shade: Sequence[int], *, upright: bool) -> Image.Image:
    left, top, right, bottom = mask.getbbox() or (0, 0, 1, 1)
    size = (1, len(shade)) if upright else (len(shade), 1)
    gradient = Image.frombytes("L", size, bytes(shade))
    part = gradient.resize((right - left, bottom - top), Image.Resampling.BICUBIC)
    full = Image.new("L", mask.size)
    full.paste(ImageChops.multiply(part, mask.crop((left, top, right, bottom))), (left, top))
    return full


@lru_cache(maxsize=len(_GROUNDS))
def _ground(number: int) -> Image.Image:
    above, below = _GROUNDS[number]
    fade = Image.linear_gradient("L").resize((BOARD_PX, BOARD_PX))
    size = (BOARD_PX, BOARD_PX)
    return Image.composite(Image.new("RGB", size, below), Image.new("RGB", size, above), fade)


@lru_cache(maxsize=64)
def soft(box: Box, strength: int = 255) -> Image.Image:
    """The mask of an ellipse that fades at its edge."""
    scale = 4  # a blur hides the coarseness, and is quicker so
    small = Image.new("L", (BOARD_PX // scale, BOARD_PX // scale))
    ImageDraw.Draw(small).ellipse([px(each) / scale for each in box], fill=strength)
    blurred = small.filter(ImageFilter.GaussianBlur(px(1.6 if strength < 255 else 5) / scale))
    return blurred.resize((BOARD_PX, BOARD_PX), Image.Resampling.BICUBIC)
