"""Colours and patterns of the drawn shop."""

from __future__ import annotations

import math
from functools import lru_cache

from PIL import Image, ImageDraw

from shopsearch.demo.sketch import BOARD_PX, UNITS, Rgb, px

_WHITE: Rgb = (255, 252, 247)
_CREAM: Rgb = (247, 232, 208)

COLOURS: dict[str, Rgb] = {
    "red": (206, 38, 44),
    "orange": (240, 126, 24),
    "yellow": (247, 200, 36),
    "green": (46, 138, 74),
    "blue": (36, 92, 190),
    "purple": (122, 62, 158),
    "pink": (240, 128, 168),
    "brown": (124, 78, 46),
    "black": (42, 42, 48),
    "white": (250, 249, 246),
}
_ACCENTS: dict[str, Rgb] = {"white": (140, 152, 168), "brown": _CREAM}

PATTERNS = ("plain", "striped", "dotted", "checked", "zigzag", "floral")


def accent(colour: str) -> Rgb:
    """The second colour of a pattern."""
    return _ACCENTS.get(colour, _WHITE)


def darker(colour: Rgb, by: float = 0.3) -> Rgb:
    """The colour in the shade."""
    red, green, blue = (round(part * (1 - by)) for part in colour)
    return red, green, blue


@lru_cache(maxsize=len(COLOURS) * len(PATTERNS))
def cloth(colour: str, pattern: str) -> Image.Image:
    """A board full of the pattern."""
    base, second = COLOURS[colour], accent(colour)
    board = Image.new("RGB", (BOARD_PX, BOARD_PX), base)
    pen = ImageDraw.Draw(board)
    match pattern:
        case "striped":
            _stripes(pen, second)
        case "dotted":
            _dots(pen, second)
        case "checked" if colour == "white":  # it must stay white in the main
            _checks(board, second, base, strength=66)
        case "checked":
            _checks(board, base, second, strength=150)
        case "zigzag":
            _zigzag(pen, second)
        case "floral":
            _flowers(pen, second)
    return board


def _stripes(pen: ImageDraw.ImageDraw, colour: Rgb) -> None:
    for top in range(2, UNITS, 10):
        pen.rectangle((0, px(top), BOARD_PX, px(top + 4.2)), fill=colour)


def _dots(pen: ImageDraw.ImageDraw, colour: Rgb) -> None:
    for row, y in enumerate(range(3, UNITS, 7)):
        for x in range(3 + 4 * (row % 2), UNITS + 8, 8):
            _dot(pen, x, y, 1.9, colour)


def _dot(pen: ImageDraw.ImageDraw, x: float, y: float, radius: float, colour: Rgb) -> None:
    corners = (x - radius, y - radius, x + radius, y + radius)
    pen.ellipse([px(each) for each in corners], fill=colour)


def _checks(board: Image.Image, base: Rgb, second: Rgb, *, strength: int) -> None:
    """Gingham: bands of half strength, of full strength where they cross."""
    size = (BOARD_PX, BOARD_PX)
    across, down = Image.new("L", size, 255), Image.new("L", size, 255)
    for start in range(0, UNITS, 10):
        ImageDraw.Draw(across).rectangle((0, px(start), BOARD_PX, px(start + 5) - 1), fill=120)
        ImageDraw.Draw(down).rectangle((px(start), 0, px(start + 5) - 1, BOARD_PX), fill=120)
    board.paste(second, (0, 0, *board.size))
    for band in (across, down):
        board.paste(base, mask=band.point([strength] * 255 + [0]))


def _zigzag(pen: ImageDraw.ImageDraw, colour: Rgb) -> None:
    for top in range(-4, UNITS + 8, 10):
        points = [
            (px(x), px(top + (5 if n % 2 else 0))) for n, x in enumerate(range(-5, UNITS + 10, 5))
        ]
        pen.line(points, fill=colour, width=px(2.6), joint="curve")


def _flowers(pen: ImageDraw.ImageDraw, colour: Rgb) -> None:
    for row, y in enumerate(range(5, UNITS + 8, 11)):
        for x in range(5 + 7 * (row % 2), UNITS + 12, 14):
            for petal in range(5):
                angle = math.radians(90 + 72 * petal)
                _dot(pen, x + 2.2 * math.cos(angle), y - 2.2 * math.sin(angle), 1.7, colour)
            _dot(pen, x, y, 1.3, (238, 178, 40) if colour == _WHITE else (92, 104, 120))
