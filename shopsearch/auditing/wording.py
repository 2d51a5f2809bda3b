"""Texts as they are compared: without markup, case and punctuation."""

from __future__ import annotations

import re
from collections import Counter

from shopsearch.domain import Product
from shopsearch.plain_text import clean

_WORD = re.compile(r"[^\W_]+")


def plain(text: str) -> str:
    """Words without markup, in lower case, one space between them; "" where there are none."""
    return " ".join(_WORD.findall(clean(text).casefold()))


def plain_text(product: Product) -> str:
    """Title and description, plain."""
    return f"{plain(product.title)} {plain(product.description)}".strip()


def likeness(one: str, other: str) -> float:
    """The share of their words that two plain texts have in common (Jaccard, with repeats)."""
    if one == other:
        return 1.0
    words, others = Counter(one.split()), Counter(other.split())
    together = (words | others).total()
    return (words & others).total() / together if together else 1.0
