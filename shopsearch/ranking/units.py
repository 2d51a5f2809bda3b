"""Units of measure: one spelling for `5"`, `5in` and `5 inches`, in queries and in products."""

from __future__ import annotations

import re
from collections.abc import Iterator

# by the spelling that all others are folded to; what people write glued to a number or beside it
_SPELLINGS = {
    "inch": ("inch", "inches"),
    "ft": ("ft", "foot", "feet"),
    "yd": ("yd", "yard", "yards"),
    "mm": ("mm", "millimeter", "millimeters", "millimetre", "millimetres"),
    "cm": ("cm", "cms", "centimeter", "centimeters", "centimetre", "centimetres"),
    "m": ("m", "meter", "meters", "metre", "metres"),
    "g": ("g", "gm", "gms", "gram", "grams"),
    "kg": ("kg", "kgs", "kilo", "kilos", "kilogram", "kilograms"),
    "oz": ("oz", "ounce", "ounces"),
    "lb": ("lb", "lbs", "pound", "pounds"),
    "ml": ("ml", "milliliter", "milliliters", "millilitre", "millilitres"),
    "l": ("l", "ltr", "liter", "liters", "litre", "litres"),
    "mb": ("mb", "megabyte", "megabytes"),
    "gb": ("gb", "gigabyte", "gigabytes"),
    "tb": ("tb", "terabyte", "terabytes"),
    "w": ("w", "watt", "watts"),
    "v": ("v", "volt", "volts"),
    "hz": ("hz", "hertz"),
    "mah": ("mah",),
}
_FOLDED = {spelling: unit for unit, all_ in _SPELLINGS.items() for spelling in all_}
_OFTEN = {"inch": ("in", "inch"), "ft": ("ft", "foot"), "l": ("l", "litre", "liter")}
_NUMBER = r"(?<![\w.])(\d+(?:[./]\d+)*)"
_SYMBOLS = (
    (re.compile(rf"{_NUMBER}\s?(?:\"|''|[\u2032]{{2}}|[\u2033\u201c\u201d])"), r"\1 inch "),
    # `6'` is feet; the apostrophe of `90's` belongs to a word
    (re.compile(rf"{_NUMBER}(?:'|\u2032|\u2019)(?![^\W\d])"), r"\1 ft "),
    # "in" is a word too: only where it touches the number, and never as in "3-in-1"
    (re.compile(rf"{_NUMBER}-?in(?![\w-])"), r"\1 inch"),
)
_WORDS = re.compile(rf"{_NUMBER}[\s-]?({'|'.join(sorted(_FOLDED, key=len, reverse=True))})(?![\w])")
_DIGIT = re.compile(r"\d")


def with_units_folded(text: str) -> str:
    """Lower-case text in which each number stands apart from its unit, and each unit is spelled
    one way: `1tb` is `1 tb`, `5"` is `5 inch`. Folding twice changes nothing more.
    """
    if _DIGIT.search(text) is None:
        return text
    for symbol, plain in _SYMBOLS:
        text = symbol.sub(plain, text)
    return _WORDS.sub(lambda found: f"{found[1]} {_FOLDED[found[2]]}", text)


def is_unit(word: str) -> bool:
    """Whether a word is a unit in its folded spelling."""
    return word in _SPELLINGS


def spellings(number: str, unit: str) -> Iterator[str]:
    """How products may write a measure, for a lexical index: `5 inch`, `5inch`, `5 in`, `5in`."""
    for spelling in _OFTEN.get(unit, _SPELLINGS[unit][:1]):
        yield f"{number} {spelling}"
        yield f"{number}{spelling}"
