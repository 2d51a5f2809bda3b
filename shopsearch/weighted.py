"""`VALUE^WEIGHT`: how a wish and its weight are written in one text."""

from __future__ import annotations

import re

from shopsearch.errors import QueryError

_WEIGHT = re.compile(r"[+-]?(?:[0-9]{1,3}(?:\.[0-9]{1,9})?|\.[0-9]{1,9})")
_SHOWN_CHARS = 80


def read_weighted(text: str) -> tuple[str, float]:
    """The value and its weight, 1 where none is written. Raises `QueryError`."""
    value, caret, written = text.rpartition("^")
    if not caret:
        return text, 1.0
    weight = float(written) if _WEIGHT.fullmatch(written) else 0.0
    if not 0.0 < abs(weight) <= 1.0:
        raise QueryError(
            f"the weight {written[:_SHOWN_CHARS]!r} of {value[:_SHOWN_CHARS]!r} must be a number "
            "from -1 to 1, and not 0; a value that holds a ^ itself ends with ^1"
        )
    return value, weight


def written_weighted(value: str, weight: float) -> str:
    """What `read_weighted` reads as this value and weight."""
    return value if weight == 1.0 and "^" not in value else f"{value}^{weight:.9f}".rstrip("0.")
