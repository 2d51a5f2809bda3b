"""`cheaper than this`, beside a product: bounds of the price by that of the product."""

from __future__ import annotations

import re
from dataclasses import replace

from shopsearch.domain import Between, Price
from shopsearch.understanding.words import Span

_CHEAPER = r"cheaper|less expensive|lower priced|more affordable"
_DEARER = r"dearer|pricier|costlier|more expensive|less affordable"
_COMPARED = re.compile(
    r"(?<![\w-])(?:(?:(?:a (?:bit|little)|much|something|somewhat|slightly|any|but|and|ones?)\s+)*)"
    rf"(?:(?P<cheaper>{_CHEAPER})|(?P<dearer>{_DEARER}))"
    r"(?:\s+than\s+(?:this|that|it|these|those)(?:\s+one)?|\s+ones?)?(?![\w-])"
    r"(?!\s+than\b)",
    re.IGNORECASE,
)


def compared_prices(text: str, price: Price) -> list[tuple[Span, Between]]:
    """Where a text asks for another price than one, and what it asks; by a minor unit at least."""
    return [
        (Span(*match.span()), _beyond(price, is_cheaper=bool(match["cheaper"])))
        for match in _COMPARED.finditer(text)
    ]


def _beyond(price: Price, *, is_cheaper: bool) -> Between:
    step = -1 if is_cheaper else 1
    bound = float(replace(price, amount_minor=price.amount_minor + step).amount)
    return Between("price", high=bound) if is_cheaper else Between("price", low=bound)
