"""Bounds of a price in the words of a query: `under 50`, `between 20 and 50 euros`, `₹500 or less`.

A number alone is no price: it needs a word that bounds it, and must not be an amount of something
else (`under 5 inch`), an age (`women over 50`) or a part of a name (`air max 90`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from shopsearch.catalog.prices import amount_of, currencies_of
from shopsearch.errors import ProductRejected
from shopsearch.understanding.words import FUNCTION_WORDS, Span

MAX_CHARS = 1000  # of a text; what comes after them is not looked at

_CODES = "usd|eur|gbp|inr|jpy|cny|cad|aud|nzd|chf|sek|nok|dkk|pln|czk|brl|mxn|sgd|hkd|krw|rub|kr"
_SIGNS = r"us\$|ca?\$|au?\$|nz\$|hk\$|s\$|r\$|\$|€|£|¥|₹|₩|₽|₺|₴|₫|฿|rs\.?"
_SPOKEN = {  # singular -> the sign that it stands for
    **dict.fromkeys(("dollar", "buck"), "$"),
    **dict.fromkeys(("pound", "quid"), "£"),
    "euro": "€",
    "rupee": "RS",
    "yen": "JPY",
}
_CENTS = r"(?:[.,][0-9]{1,2})?(?![0-9])"
_NUMBER = rf"[0-9]{{1,3}}(?:[,.' ][0-9]{{3}})+{_CENTS}|[0-9]{{1,9}}{_CENTS}"

_UPPER = (
    r"under|below|less than|cheaper than|lower than|(?:no|not) (?:more|over|above|higher) than"
    r"|not (?:over|above)|at most|max(?:imum)?\.?(?: of)?|up ?to|within|budget(?: of)?|[<≤]=?"
)
_LOWER = (
    r"over|above|more than|at least|min(?:imum)?\.?(?: of)?|(?:greater|higher) than"
    r"|(?:no|not) less than|not (?:under|below)|starting (?:at|from)|from|[>≥]=?"
)
_OR_LESS = r"(?:or|and) (?:less|under|below|cheaper|lower)|max(?:imum)?"
_OR_MORE = r"(?:or|and) (?:more|over|above|up|higher)|min(?:imum)?|\+"
_NEEDS_CURRENCY = frozenset(("within", "from", "+"))
_IN_NAMES = frozenset(("max", "maximum", "min", "minimum"))  # `air max 90`, `pro max 256`
_LEAD = r"(?:(?:for|priced?|prices|costing|costs?|that costs?|at|is|budget)\s+)*"
_TIED = r"(?![\w%\"'\u2032\u2033\u00b0]|[-/.,:][\w])"  # what a number must not run into
_UNITS = frozenset(
    [
        *("inch", "inches", "in", "ft", "foot", "feet", "yd", "yard", "yards", "mm", "cm", "cms"),
        *("m", "meter", "meters", "metre", "metres", "km", "mile", "miles", "g", "gm", "gms"),
        *("gram", "grams", "kg", "kgs", "kilo", "kilos", "mg", "oz", "ounce", "ounces", "lb"),
        *("lbs", "pound", "pounds", "ml", "l", "ltr", "liter", "liters", "litre", "litres", "mb"),
        *("gb", "tb", "w", "watt", "watts", "v", "volt", "volts", "amp", "amps", "hz", "khz"),
        *("mhz", "ghz", "mah", "rpm", "psi", "db", "dpi", "mp", "lm", "lumen", "lumens", "cc"),
        *("kw", "bar", "mph", "degree", "degrees", "percent", "year", "years", "yr", "yrs"),
        *("month", "months", "week", "weeks", "day", "days", "hour", "hours", "hr", "hrs"),
        *("minute", "minutes", "mins", "second", "seconds", "sec", "page", "pages", "piece"),
        *("pieces", "pcs", "pc", "pack", "packs", "count", "ct", "pair", "pairs", "people"),
        *("person", "persons", "players", "player", "seater", "seat", "seats", "calories"),
        *("ply", "tier", "layer", "layers", "star", "stars", "reviews", "x", "iu", "carat"),
        *("carats", "karat", "kt", "thread", "cup", "cups", "size", "sizes", "and"),
    ]
)
_MEASURES = frozenset(  # before a bound: what is bounded is no price
    [
        *("size", "sizes", "age", "ages", "aged", "weight", "height", "width", "length", "depth"),
        *("diameter", "spf", "upf", "uv", "rating", "rated", "volume", "capacity", "year"),
        *("model", "no", "number", "version", "air", "pro", "iphone", "galaxy", "discount"),
    ]
)
_CHILDREN = frozenset(
    ("kid", "kids", "child", "children", "toddler", "toddlers", "baby", "babies", "age", "ages")
)
_ADULTS = frozenset(
    ("women", "woman", "men", "man", "adults", "adult", "seniors", "people", "those", "everyone")
)
_LAST_WORD = re.compile(r"([^\W\d_]+)(?:['\u2019]s)?[\s:]*$")
_NEXT_WORD = re.compile(r"[\s-]*([^\W\d_]+)")
_POINTED = re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+")


@dataclass(frozen=True, slots=True)
class PriceWords:
    """Bounds of a price, in major units, inclusive, and where the text tells them."""

    span: Span
    low: float | None
    high: float | None
    currencies: frozenset[str]  # ISO 4217 codes, one of which is meant; none: the text tells none
    may_be_name: bool = False  # whether the same words may be a part of a product's name


def prices_in(text: str, own: Iterable[str] = ()) -> list[PriceWords]:
    """The bounds that any text tells; `own` are the currencies of the catalog."""
    text = text[:MAX_CHARS]
    known = frozenset(code.upper() for code in own)
    found: list[PriceWords] = []
    for pattern in _patterns(known):
        for match in pattern.finditer(text):
            price = _read(text, match, known)
            if price and not any(price.span.meets(other.span) for other in found):
                found.append(price)
    return sorted(found, key=lambda one: one.span.start)


@lru_cache(maxsize=64)
def _patterns(own: frozenset[str]) -> tuple[re.Pattern[str], ...]:
    """Ranges, then bounds before a number, then bounds after it."""
    codes = "|".join([_CODES, *map(str.lower, sorted(own))])
    first, second = _money("1", codes), _money("2", codes)
    begins = rf"(?<![\w$€£₹.-]){_LEAD}"
    return tuple(
        re.compile(pattern, re.IGNORECASE)
        for pattern in (
            rf"{begins}(?:(?P<between>between|from)\s+)?{first}\s*(?P<joint>[-\u2013\u2014]|to|and)"
            rf"\s*{second}{_TIED}",
            rf"{begins}(?:(?P<upper>{_UPPER})|(?P<lower>{_LOWER}))\s*{first}{_TIED}",
            rf"{begins}{first}\s*(?:(?P<less>{_OR_LESS})|(?P<more>{_OR_MORE}))(?!\w)",
        )
    )


def _money(n: str, codes: str) -> str:
    spoken = "|".join(f"{word}s?" for word in _SPOKEN)
    before = rf"(?:(?P<before{n}>{_SIGNS}|(?:{codes})(?![^\W\d_]))\s?)?"
    after = rf"(?:\s?(?P<after{n}>{_SIGNS}|(?:{codes}|{spoken})(?!\w)))?"
    return rf"{before}(?P<number{n}>{_NUMBER})(?:\s?(?P<k{n}>k)(?!\w))?{after}"


def _read(text: str, match: re.Match[str], own: frozenset[str]) -> PriceWords | None:
    """What a pattern has found, unless the words around it speak of something else."""
    told = match.groupdict()
    signs = [told.get(name) for name in ("before1", "after1", "before2", "after2")]
    currencies = _currencies([sign for sign in signs if sign], own)
    if currencies is None or not _is_price(text, match, has_currency=bool(currencies)):
        return None
    bounds = _bounds(told)
    may_be_name = not currencies and _bound_of(told) in _IN_NAMES
    return bounds and PriceWords(Span(*match.span()), *bounds, currencies, may_be_name)


def _currencies(signs: Iterable[str], own: frozenset[str]) -> frozenset[str] | None:
    """The codes that all signs may stand for; None where they are no currency here.

    Pounds are a weight, too: an amount of money only where the catalog has it.
    """
    meant: frozenset[str] = frozenset()
    for sign in signs:
        spoken = _SPOKEN.get(sign.lower().removesuffix("s"))
        codes = currencies_of(spoken or sign)
        if sign.lower().startswith("pound") and not codes & own:
            return None
        meant = codes & meant if meant else codes
        if not meant:
            return None
    return meant


def _bounds(told: dict[str, str | None]) -> tuple[float | None, float | None] | None:
    first = _amount(told, "1")
    if first is None:
        return None
    if told.get("number2"):
        second = _amount(told, "2")
        return None if second is None else (min(first, second), max(first, second))
    return (None, first) if told.get("upper") or told.get("less") else (first, None)


def _amount(told: dict[str, str | None], n: str) -> float | None:
    number = (told[f"number{n}"] or "").replace(" ", "")
    if _POINTED.fullmatch(number):
        number = number.replace(".", "")
    try:
        return float(amount_of(number)) * (1000.0 if told[f"k{n}"] else 1.0)
    except ProductRejected:
        return None


def _is_price(text: str, match: re.Match[str], *, has_currency: bool) -> bool:
    if has_currency:
        return True
    told = match.groupdict()
    bound = _bound_of(told)
    if bound in _NEEDS_CURRENCY or (told.get("number2") and not told.get("between")):
        return False
    if told.get("joint") == "and" and told.get("between", "").lower() != "between":
        return False
    if _is_of_something_else(text[: match.start()], match[0], is_lower=bool(told.get("lower"))):
        return False
    opens = not text[: match.start()].strip() and bool(told.get("upper") or told.get("less"))
    return _ends_clause(text[match.end() :], opens=opens)


def _bound_of(told: dict[str, str | None]) -> str:
    said = next((told[n] for n in ("upper", "lower", "less", "more") if told.get(n)), "") or ""
    return said.lower().removesuffix(" of").removesuffix(".")


def _is_of_something_else(before: str, said: str, *, is_lower: bool) -> bool:
    """Whether the words before a bound make an age or a measure of it."""
    last = _LAST_WORD.search(before)
    word = last[1].lower() if last else ""
    is_told = re.match(r"(?:price|cost|budget)", said, re.IGNORECASE) is not None
    if is_told:
        return False
    if word in _MEASURES or word in _CHILDREN:
        return True
    return is_lower and (word in _ADULTS or said.lower().startswith("for "))


def _ends_clause(after: str, *, opens: bool) -> bool:
    """Whether no word follows that the number would count; at the start of a text (`under 50
    dresses`), any word may but a unit.
    """
    following = _NEXT_WORD.match(after)
    if following is None:
        return not re.match(r"\s*[0-9]", after)
    word = following[1].lower()
    if word in _UNITS:
        return False
    return opens or word in FUNCTION_WORDS
