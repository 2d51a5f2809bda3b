"""The colours that words name, as small discs beside them.

A shop's colours are words of its own ("Navy Blue", "black/white", "Dark Olive"). What they name is
looked up in a table of common colour words, part by part; a value with no such word gets no disc,
and the word itself always stands beside one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_PARTS = 4

_COLORS = {  # sRGB, as textiles and goods have them rather than as screens do
    "amber": "#ffb300",
    "apricot": "#f9b98a",
    "aqua": "#3fc1c9",
    "aubergine": "#46203f",
    "azure": "#3a8fd9",
    "beige": "#e1cda9",
    "black": "#1b1b1d",
    "blue": "#2a5fc1",
    "blush": "#eec3c0",
    "bordeaux": "#5e1224",
    "brass": "#b5913f",
    "bronze": "#9a6a38",
    "brown": "#74492b",
    "burgundy": "#6b1128",
    "camel": "#c19a6b",
    "champagne": "#efdcb9",
    "charcoal": "#3d4147",
    "chocolate": "#4e2d1c",
    "cobalt": "#1b46a8",
    "coffee": "#5a3d2b",
    "copper": "#b66a3c",
    "coral": "#fa7a66",
    "cream": "#f7eed6",
    "crimson": "#b0122e",
    "cyan": "#22b8cf",
    "denim": "#3f5f8a",
    "ecru": "#e8dfc8",
    "emerald": "#108a5b",
    "fuchsia": "#d6278f",
    "gold": "#d0a53c",
    "golden": "#d0a53c",
    "graphite": "#45484d",
    "gray": "#8d9096",
    "green": "#2f8a4b",
    "grey": "#8d9096",
    "indigo": "#36308f",
    "ivory": "#fbf6e6",
    "jade": "#2f9c7c",
    "khaki": "#a79b6c",
    "lavender": "#b9a6df",
    "lemon": "#fbe450",
    "lilac": "#c3a2d3",
    "lime": "#a6d336",
    "magenta": "#c9209a",
    "maroon": "#6d1a22",
    "mauve": "#a9809d",
    "mint": "#a8e0c4",
    "mustard": "#d5a021",
    "navy": "#1b2a55",
    "nude": "#e5c3a6",
    "ochre": "#c9822b",
    "olive": "#6f7138",
    "orange": "#ee7d22",
    "peach": "#fbc3a0",
    "pearl": "#ece8df",
    "petrol": "#14566a",
    "pink": "#f08ab0",
    "plum": "#6d2f5e",
    "purple": "#7a3fa0",
    "red": "#cb2830",
    "rose": "#dc7f92",
    "royal": "#2646b0",
    "ruby": "#98112f",
    "rust": "#a8492a",
    "salmon": "#f59682",
    "sand": "#d9c19b",
    "sapphire": "#1f48a3",
    "scarlet": "#cf1f25",
    "silver": "#c3c6cb",
    "sky": "#86c5ec",
    "slate": "#5d6a78",
    "tan": "#c8a070",
    "taupe": "#8d7d70",
    "teal": "#15807f",
    "terracotta": "#bf6042",
    "turquoise": "#30c0b7",
    "vermilion": "#d9402a",
    "violet": "#7643b5",
    "white": "#ffffff",
    "wine": "#64152d",
    "yellow": "#f8d231",
}
_TOGETHER = {  # where the last word alone would name another colour
    ("navy", "blue"): "navy",
    ("royal", "blue"): "royal",
    ("sky", "blue"): "sky",
    ("cobalt", "blue"): "cobalt",
    ("denim", "blue"): "denim",
    ("petrol", "blue"): "petrol",
    ("teal", "blue"): "teal",
    ("olive", "green"): "olive",
    ("mint", "green"): "mint",
    ("lime", "green"): "lime",
    ("emerald", "green"): "emerald",
    ("sage", "green"): "sage",
    ("charcoal", "grey"): "charcoal",
    ("charcoal", "gray"): "charcoal",
    ("slate", "grey"): "slate",
    ("slate", "gray"): "slate",
    ("rose", "gold"): "rose gold",
    ("off", "white"): "ivory",
    ("hot", "pink"): "hot pink",
    ("lemon", "yellow"): "lemon",
    ("mustard", "yellow"): "mustard",
    ("wine", "red"): "wine",
}
_MIXED = {"sage": "#9caf88", "rose gold": "#d4a08c", "hot pink": "#ee3f91"}
_SHADES = {  # what a word before a colour mixes it with, and how much
    "dark": ("#000000", 0.35),
    "deep": ("#000000", 0.25),
    "light": ("#ffffff", 0.45),
    "pale": ("#ffffff", 0.55),
    "pastel": ("#ffffff", 0.5),
}
_MANY = frozenset(("multi", "multicolor", "multicolour", "multicolored", "multicoloured"))
_MANY |= {"assorted", "rainbow"}
_RAINBOW = ("#cb2830", "#f8d231", "#2f8a4b", "#2a5fc1")
_PARTS = re.compile(r"[,;|/+&]|\s-\s|\b(?:and|with)\b")
_WORD = re.compile(r"[^\W\d_]+")
_RADIUS = 8.0


@dataclass(frozen=True, slots=True)
class Sector:
    """A part of a disc of radius 8 around (0, 0)."""

    path: str  # as SVG draws it
    fill: str  # `#rrggbb`


def swatch_of(value: str) -> tuple[Sector, ...]:
    """A sector for each colour that a value names, which make a disc; () where it names none."""
    fills = _fills(value)
    if len(fills) == 1:
        return (Sector("M0-8A8 8 0 0 1 0 8A8 8 0 0 1 0-8Z", fills[0]),)
    return tuple(Sector(_sector(place, len(fills)), fill) for place, fill in enumerate(fills))


def _fills(value: str) -> list[str]:
    folded = value.casefold()
    if _MANY & set(_WORD.findall(folded)):
        return list(_RAINBOW)
    named = (_fill(_WORD.findall(part)) for part in _PARTS.split(folded))
    return list(dict.fromkeys(fill for fill in named if fill))[:MAX_PARTS]


def _fill(words: list[str]) -> str | None:
    """The colour of one part: in `dark navy blue` the last known name, with the shade before it."""
    names = list(_named(words))
    if not names:
        return None
    place, name = names[-1]
    fill = _COLORS.get(name) or _MIXED[name]
    shade = _SHADES.get(words[place - 1]) if place else None
    return _mixed(fill, *shade) if shade else fill


def _named(words: list[str]) -> Iterator[tuple[int, str]]:
    """Places and names of the colours among words; two words that are one name are one."""
    place = 0
    while place < len(words):
        pair = _TOGETHER.get((words[place], words[place + 1])) if words[place + 1 :] else None
        if pair:
            yield place, pair
        elif words[place] in _COLORS:
            yield place, words[place]
        place += 2 if pair else 1


def _mixed(fill: str, other: str, part: float) -> str:
    pairs = zip(bytes.fromhex(fill[1:]), bytes.fromhex(other[1:]), strict=True)
    return "#" + bytes(round(one * (1 - part) + two * part) for one, two in pairs).hex()


def _sector(place: int, n: int) -> str:
    """The sectors go round from the top, halves from upper right to lower left."""
    turn = math.tau / n
    first = place * turn - math.pi / 2 + math.pi / 4
    begin, end = _at(first), _at(first + turn)
    return f"M0 0L{begin}A8 8 0 0 1 {end}Z"


def _at(angle: float) -> str:
    return f"{_RADIUS * math.cos(angle):.2f} {_RADIUS * math.sin(angle):.2f}"
