"""Prices in a turn: bounds that are told, and bounds that follow from what is shown.

"Cheaper" is below the median of the shown prices; "a bit cheaper" below their upper quartile,
"much cheaper" below the lower one; "cheaper than the second one" below that price. "More expensive"
is the mirror of it. "Around 30" is within a fifth of it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from statistics import median, quantiles

from shopsearch.catalog.prices import currencies_of
from shopsearch.domain import Price, Product
from shopsearch.understanding.prices import prices_in
from shopsearch.understanding.words import Span

AROUND = 0.2  # of an amount, to both sides
_SIGN = r"(?:us\$|[$€£₹¥]|rs\.?\s?)"
_NUMBER = r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]{1,2})?|[0-9]{1,9}(?:\.[0-9]{1,2})?"
_SPOKEN = r"(?:dollars?|bucks?|euros?|rupees?|quid|usd|eur|gbp|inr)"


def _money(n: int) -> str:
    return rf"(?P<sign{n}>{_SIGN})?\s?(?P<n{n}>{_NUMBER})(?:\s?(?P<code{n}>{_SPOKEN}|[€$£](?!\d)))?"


_ONE, _TWO = _money(1), _money(2)
_AROUND = re.compile(
    rf"(?<!\w)(?:(?:for|at|costing|priced)\s+)?(?:around|about|roughly|approximately|approx\.?|"
    rf"near(?:ly)?|close to|some|~)\s*{_ONE}(?![\w%]|[.,][0-9]|\s*(?:inch|cm|mm|ml|kg|oz|l|g)\b)",
    re.IGNORECASE,
)
_RANGE = re.compile(
    rf"(?<![\w.])(?:from\s+|between\s+)?{_ONE}\s*(?:-|\N{{EN DASH}}|to|and)\s*{_TWO}(?![\w%])",
    re.IGNORECASE,
)
_UNDOABLE = re.compile(
    r"\b(?:nothing|none|not (?:anything|any)|no(?:t)? ones?|don'?t show (?:me )?(?:anything|any))"
    r"\s+(?:that (?:is|costs?) |which (?:is|costs?) |costing |priced )?"
    r"(?P<side>over|above|more than|dearer than|under|below|less than|cheaper than)\b",
    re.IGNORECASE,
)
_AND_AFTER = re.compile(  # what `and` goes on with is no part of the amount before it
    r"(?<=[0-9])\s+and\s+(?!(?:less|under|below|cheaper|lower|more|over|above|up|higher)\b|\W?[0-9])",
    re.IGNORECASE,
)
_BUDGET = re.compile(r"\b(?:(?:my|our|the) )?budget (?:is|of)\s+(?=\W?[0-9])", re.IGNORECASE)
_MUCH = (
    r"(?:(?P<some>a (?:little )?(?:bit|little|tad|touch)|slightly|somewhat)\s+"
    r"|(?P<lots>much much|much|a lot|lots|way|far|a good deal|considerably|significantly)\s+"
    r"|(?:even|still|any|something|anything|ones? that (?:is|are)|rather|some)\s+)*"
)
_CHEAPER = (
    r"cheaper|less (?:expensive|pricey|costly|dear)|more affordable|lower[ -]pric(?:ed|es?)"
    r"|at a lower price|for less(?: money)?|lower the price|(?:not|nothing) (?:so|too|as"
    r"|that|very) "
    r"(?:expensive|pricey|dear|costly)|(?:it'?s |they'?re |that'?s |these are |this is )?too "
    r"(?:expensive|pricey|dear|costly)|too much money|cheap(?! looking)|affordable|inexpensive"
    r"|budget(?![- ]?\d)"
)
_DEARER = (
    r"(?:more expensive|less (?:cheap|affordable)|pricier|dearer|costlier|more costly"
    r"|higher[ -]pric(?:ed|es?)|at a higher price|(?:not|nothing) (?:so|too|as|that|very) cheap"
    r"|(?:it'?s |they'?re |that'?s |these are |this is )?too cheap)"
)
_RELATIVE = re.compile(
    rf"(?<![\w-])(?<!most )(?<!least )(?:(?:something|anything|any|some|ones?)\s+)?{_MUCH}"
    rf"(?:(?P<cheaper>{_CHEAPER})|(?P<dearer>{_DEARER}))(?![\w-])"
    r"(?:\s+(?:ones?|options?|things?|stuff|please)(?!\w))?"
    r"(?:\s+than\s+(?P<than>[^,;.!?]+?)(?=\s+(?:and|but)\s|[,;.!?]|$))?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """A price that is told, and where."""

    span: Span
    low: float | None
    high: float | None
    currency: str = ""  # ISO 4217, where one is told and the catalog has several


@dataclass(frozen=True, slots=True)
class Compared:
    """A price that is asked for by what is shown, and where."""

    span: Span
    said: str
    is_cheaper: bool
    much: int  # -1: a bit, 0, 1: a lot
    than: str = ""


def told_bounds(text: str, own: Iterable[str]) -> tuple[str, list[Bounds]]:
    """The prices that a text tells, and the text with each in words that are read.

    `own` are the currencies of the catalog.
    """
    text = _BUDGET.sub("under ", _AND_AFTER.sub(", ", text))
    text = _UNDOABLE.sub(lambda one: _OTHER_SIDE[one["side"].lower()], text)
    known = frozenset(code.upper() for code in own)
    found: list[Bounds] = []
    for match in _AROUND.finditer(text):
        amount = _amount(match["n1"])
        low, high = round(amount * (1 - AROUND), 2), round(amount * (1 + AROUND), 2)
        currency = _currency([match["sign1"], match["code1"]], known)
        found.append(Bounds(Span(*match.span()), low, high, currency))
    for price in prices_in(text, own):
        meant = {code for code in price.currencies if code in known}
        currency = next(iter(meant)) if len(meant) == 1 and len(known) > 1 else ""
        found.append(Bounds(price.span, price.low, price.high, currency))
    for match in _RANGE.finditer(text):
        if text[: match.start()].strip() == "" or re.match(r"from|between", match[0], re.I):
            first, second = sorted((_amount(match["n1"]), _amount(match["n2"])))
            currency = _currency([match[f"{w}{n}"] for w in ("sign", "code") for n in "12"], known)
            found.append(Bounds(Span(*match.span()), first, second, currency))
    return text, _first_of_each(found)


def comparisons(text: str) -> list[Compared]:
    """Where a text asks for a price by what is shown."""
    return [
        Compared(
            Span(*match.span()),
            match[0].strip(),
            is_cheaper=match["cheaper"] is not None,
            much=1 if match["lots"] else -1 if match["some"] else 0,
            than=(match["than"] or "").strip(),
        )
        for match in _RELATIVE.finditer(text)
    ]


def shown_prices(shown: Iterable[Product | None]) -> list[Price]:
    """The prices of what is shown, of the currency that most of it has; ascending."""
    prices = [one.price for one in shown if one is not None and one.price is not None]
    if not prices:
        return []
    currency, _ = Counter(price.currency for price in prices).most_common(1)[0]
    return sorted(price for price in prices if price.currency == currency)


def landmark(prices: Sequence[Price], compared: Compared) -> Price:
    """The price that the wanted ones shall be below, or above: see the head of this module."""
    amounts = [price.amount_minor for price in prices]
    quarter = compared.much * (-1 if compared.is_cheaper else 1)
    if quarter == 0 or len(amounts) < 2:
        middle = median(amounts)
    else:
        middle = quantiles(amounts, n=4, method="inclusive")[1 + quarter]
    return replace(prices[0], amount_minor=int(middle))


def beyond(price: Price, *, is_cheaper: bool) -> float:
    """The nearest price below or above one."""
    step = -1 if is_cheaper else 1
    return float(replace(price, amount_minor=max(0, price.amount_minor + step)).amount)


def price_words(low: float | None, high: float | None, currency: str = "") -> str:
    """`up to 29.99 USD`, `from 20`, `20 to 40`."""
    if low is None or high is None:
        words = (
            f"from {number_words(low or 0.0)}" if high is None else f"up to {number_words(high)}"
        )
    else:
        words = f"{number_words(low)} to {number_words(high)}"
    return f"{words} {currency.upper()}".strip()


def number_words(amount: float) -> str:
    """`29.99`, `1,200`."""
    return f"{amount:,.2f}".removesuffix(".00")


_OTHER_SIDE = {
    **dict.fromkeys(("over", "above", "more than", "dearer than"), "at most"),
    **dict.fromkeys(("under", "below", "less than", "cheaper than"), "at least"),
}


def _amount(text: str) -> float:
    return float(Decimal(text.replace(",", "")))


def _currency(signs: Iterable[str | None], known: frozenset[str]) -> str:
    """The one of the catalog that is meant, where it has several."""
    if len(known) < 2:
        return ""
    meant = [currencies_of(sign.strip()) & known for sign in signs if sign]
    return next((next(iter(one)) for one in meant if len(one) == 1), "")


def _first_of_each(found: Iterable[Bounds]) -> list[Bounds]:
    kept: list[Bounds] = []
    for one in found:
        if not any(one.span.meets(other.span) for other in kept):
            kept.append(one)
    return sorted(kept, key=lambda one: one.span.start)
