"""Words that point at what is shown: `the second one`, `the last two`, `the red one`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from shopsearch.domain import Product
from shopsearch.plain_text import clean
from shopsearch.ranking.words import folded_words

_ORDINALS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"]
_ORDINALS += ["ninth", "tenth", "eleventh", "twelfth"]
_NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
_ORDINAL = "|".join(_ORDINALS)
_NUMBER = "|".join(_NUMBERS)
_ONES = r"(?:\s+(?:ones?|products?|items?|results?|hits?|pictures?))?"
_THE = r"(?:(?:the|that|this|those|these)\s+)?(?:very\s+)?"
_AT = re.compile(
    rf"{_THE}(?:(?P<ordinal>{_ORDINAL})|(?P<digits>[0-9]{{1,3}})\s?(?:st|nd|rd|th)"
    rf"|(?:number|no\.?|nr\.?|product|item|result|#)\s*(?:(?P<number>[0-9]{{1,3}})"
    rf"|(?P<word>{_NUMBER})))"
    r"(?:\s+(?:one|product|item|result|hit|picture))?",
    re.IGNORECASE,
)
_END = re.compile(
    rf"{_THE}(?P<end>first|last)(?:\s+(?:(?P<count>[0-9]{{1,2}})"
    rf"|(?P<counted>{_NUMBER}(?<!one))))?{_ONES}",
    re.IGNORECASE,
)
_DESCRIBED = re.compile(
    r"(?:the|that|this)\s+(?P<what>.+?)(?:\s+(?P<ones>one|product|item)"
    r"|\s+(?:from|by|made by)\s+(?P<maker>.+))?",
    re.IGNORECASE,
)
_BY = re.compile(
    r"(?:the|that)\s+(?:one|product)\s+(?:from|by|in|with|made of)\s+(?P<what>.+)", re.I
)
_EXTREME = re.compile(
    r"(?:the\s+)?(?:(?P<low>cheapest|least expensive)|(?P<high>most expensive|dearest|priciest))"
    rf"{_ONES}(?:\s+of (?:them|these|those))?",
    re.IGNORECASE,
)
_NAMELESS = re.compile(r"(?:this|that|it|these|those|them)(?:\s+ones?)?", re.IGNORECASE)
_SPLIT = re.compile(r"\s*(?:,|\band\b|\bor\b|&)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Pointed:
    """What of the shown some words point at; where nothing, `why` says so in a sentence."""

    products: tuple[Product, ...] = ()
    why: str = ""


def pointed(text: str, shown: Sequence[Product | None]) -> Pointed | None:
    """What some words point at; None where they do not point."""
    text = " ".join(text.split()).strip(" .!?")
    found: list[Product] = []
    for piece in filter(None, _SPLIT.split(text)):
        one = _one(piece, shown)
        if one is None:
            return None
        if one.why:
            return one
        found += one.products
    return Pointed(tuple({one.product_id: one for one in found}.values())) if found else None


def is_place(text: str) -> bool:
    """Whether words name a place among what is shown, whatever is shown there."""
    pieces = list(filter(None, _SPLIT.split(" ".join(text.split()))))
    return bool(pieces) and all(_AT.fullmatch(one) or _END.fullmatch(one) for one in pieces)


def described(text: str, shown: Sequence[Product | None]) -> Pointed | None:
    """The one of the shown that `the red one` describes; None where the words do not."""
    match = _BY.fullmatch(text) or _DESCRIBED.fullmatch(text)
    if match is None:
        return None
    told = " ".join(filter(None, (match["what"], match.groupdict().get("maker"))))
    words = set(folded_words(told))
    if not words:
        return None
    fitting = [one for one in shown if one is not None and words <= _words_of(one)]
    if len(fitting) == 1:
        return Pointed((fitting[0],))
    if not fitting:
        return Pointed(why=f"Nothing that is shown is “{told}”.")
    return Pointed(why=f"{len(fitting)} of the products shown are “{told}”: say which one.")


def _one(piece: str, shown: Sequence[Product | None]) -> Pointed | None:
    if match := _AT.fullmatch(piece):
        return _at([_place(match)], piece, shown)
    if match := _END.fullmatch(piece):
        return _at(_places(match, len(shown)), piece, shown)
    if match := _EXTREME.fullmatch(piece):
        return _extreme(shown, is_low=match["low"] is not None)
    if _NAMELESS.fullmatch(piece):
        return Pointed(why=f"Say which one “{piece}” is: “the second one”, for instance.")
    return None


def _at(places: Sequence[int], said: str, shown: Sequence[Product | None]) -> Pointed:
    if not shown:
        return Pointed(why=f"Nothing is shown that “{said}” could be.")
    if not all(0 <= place < len(shown) for place in places):
        n = len(shown)
        there = "only 1 product is" if n == 1 else f"only {n} products are"
        return Pointed(why=f"There is no “{said}”: {there} shown.")
    found = [shown[place] for place in places]
    if any(one is None for one in found):
        return Pointed(why=f"“{said}” is not in the shop any more.")
    return Pointed(tuple(one for one in found if one is not None))


def _place(match: re.Match[str]) -> int:
    if match["ordinal"]:
        return _ORDINALS.index(match["ordinal"].lower())
    if match["word"]:
        return _NUMBERS.index(match["word"].lower())
    return int(match["digits"] or match["number"]) - 1


def _places(match: re.Match[str], n_shown: int) -> list[int]:
    n = int(match["count"] or 0) or 1
    if match["counted"]:
        n = _NUMBERS.index(match["counted"].lower()) + 1
    return list(range(n)) if match["end"].lower() == "first" else list(range(n_shown - n, n_shown))


def _extreme(shown: Sequence[Product | None], *, is_low: bool) -> Pointed:
    priced = [one for one in shown if one is not None and one.price is not None]
    if not priced:
        return Pointed(why="Nothing that is shown has a price.")
    currencies = {one.price.currency for one in priced if one.price}
    if len(currencies) > 1:
        return Pointed(
            why="What is shown has prices in several currencies: say which one by its place."
        )
    by_price = sorted(priced, key=lambda one: one.price.amount_minor if one.price else 0)
    return Pointed((by_price[0] if is_low else by_price[-1],))


def _words_of(product: Product) -> set[str]:
    told = (product.title, product.brand, product.color, product.material, product.product_type)
    return set(folded_words(clean(" ".join(told))))
