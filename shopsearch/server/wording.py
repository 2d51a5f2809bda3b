"""How values read on a page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from shopsearch.domain import (
    CATEGORY_SEPARATOR,
    AnyOf,
    Between,
    Condition,
    Exists,
    PartKind,
    Price,
    PriceBand,
    Product,
    Sort,
    UnderstoodPart,
    minor_digits,
)
from shopsearch.plain_text import clean

_SIGNS = {
    "USD": "$",
    "EUR": "€",
    "GBP": "£",
    "JPY": "¥",
    "CNY": "CN¥",
    "INR": "₹",
    "KRW": "₩",
    "AUD": "A$",
    "CAD": "CA$",
}
_SIZE_WORD = re.compile(r"^(?:sizes?|sz)\b[\s:]*|[\s-]+sizes?$", re.IGNORECASE)
ORDERS = {
    Sort.RELEVANCE: "Best match",
    Sort.NEWEST: "Newest",
    Sort.POPULARITY: "Most popular",
    Sort.PRICE_ASC: "Price, low to high",
    Sort.PRICE_DESC: "Price, high to low",
}
_AVAILABLE = {"in_stock", "instock", "available", "preorder", "backorder"}
_FIELD_LABELS = {
    "product_type": "Category",
    "gtin": "GTIN",
    "item_group_id": "Group",
    "gender": "For",
}
_SHOWN_FIELDS = ("color", "size", "material", "gender", "gtin")


@dataclass(frozen=True, slots=True)
class Level:
    """One step of a category path."""

    name: str
    path: str  # from the top down to here


def price_text(price: Price) -> str:
    """An amount as a price tag has it: `$1,299.00`, or `1,299.00 CHF`."""
    amount = f"{price.amount:,.{minor_digits(price.currency)}f}"
    sign = _SIGNS.get(price.currency)
    return f"{sign}{amount}" if sign else f"{amount} {price.currency}"


def title_text(product: Product) -> str:
    """The title, or what stands for it where a product is all picture."""
    return clean(product.title) or f"Product {product.product_id}"


def field_label(name: str) -> str:
    """The name of a field or an attribute, for people."""
    words = name.replace("_", " ").replace(".", " ").strip()
    return _FIELD_LABELS.get(name) or words[:1].upper() + words[1:]


def availability_text(product: Product) -> str:
    """`in_stock` and its like, for people."""
    return field_label(product.availability.casefold())


def is_available(product: Product) -> bool:
    """Whether the shop says that it can be had."""
    return product.availability.casefold().replace(" ", "_") in _AVAILABLE


def category_levels(product: Product) -> tuple[Level, ...]:
    """The category path of a product, from the top."""
    if not product.product_type:
        return ()
    names = product.product_type.split(CATEGORY_SEPARATOR)
    return tuple(
        Level(name, CATEGORY_SEPARATOR.join(names[: n + 1])) for n, name in enumerate(names)
    )


def details(product: Product) -> tuple[tuple[str, str], ...]:
    """Label and value of everything worth a row of the table, the usual fields first."""
    fields = [(name, getattr(product, name)) for name in _SHOWN_FIELDS]
    rows = [(field_label(name), clean(value)) for name, value in fields]
    rows += [(field_label(name), clean(value)) for name, value in product.attributes.items()]
    return tuple((label, value) for label, value in rows if value)


def description_text(product: Product) -> str:
    """The description as words alone; feeds carry HTML of any origin."""
    return clean(product.description)


def count_text(number: int, one: str, many: str) -> str:
    """`1 product`, `1,600 products`."""
    return f"{number:,} {one if number == 1 else many}"


def range_text(low: float | None, high: float | None) -> str:
    """`from 5`, `up to 20`, `5 to 20`."""
    if low is None:
        return f"up to {high:,g}"
    return f"from {low:,g}" if high is None else f"{low:,g} to {high:,g}"


def condition_text(condition: Condition) -> str:
    """What a condition asks of its field: `not red, blue`, `from 40`, `given`, `not given`."""
    match condition:
        case AnyOf():
            values = ", ".join(condition.values)
            return f"not {values}" if condition.negate else values
        case Between():
            return range_text(condition.low, condition.high)
        case Exists():
            return "given" if condition.present else "not given"


def part_text(part: UnderstoodPart) -> str:
    """What some words were taken for: the bounds of a price, or the words themselves."""
    if isinstance(part.wish, Between):
        bounds = range_text(part.wish.low, part.wish.high)
        return f"{bounds} {part.currency.upper()}".strip()
    return _SIZE_WORD.sub("", part.text) if part.kind is PartKind.SIZE else part.text


def part_effect(part: UnderstoodPart) -> str:
    """What an understood part does to the results."""
    if not part.applied:
        return f"No product is left with “{part.text}”, so it is not filtered by"
    if part.is_filter:
        return f"Only products with “{part.text}” are shown"
    return f"Products with “{part.text}” come first, others stay"


def level_name(path: str) -> str:
    """The last name of a category's path."""
    return path.rpartition(CATEGORY_SEPARATOR)[2]


def value_text(field: str, value: str) -> str:
    """A value of a facet, for people."""
    return field_label(value.casefold()) if field == "availability" else clean(value) or value


def band_text(band: PriceBand) -> str:
    """A price band: `up to $19.99`, `$20 to $49.99`, `from $50`."""
    low, high = (
        None if bound is None else _amount_text(bound, band.currency)
        for bound in (band.low, band.high)
    )
    if low is None:
        return f"any price in {band.currency}" if high is None else f"up to {high}"
    return f"from {low}" if high is None else f"{low} to {high}"


def _amount_text(amount: float, currency: str) -> str:
    """A round amount without decimal places."""
    digits = 0 if amount == round(amount) else minor_digits(currency)
    sign = _SIGNS.get(currency)
    return f"{sign}{amount:,.{digits}f}" if sign else f"{amount:,.{digits}f} {currency}"


def wish_text(what: str, weight: float) -> str:
    """A further wish: `also blue`, `also blue (0.5)`, `less leather (0.5)`."""
    much = "" if abs(weight) == 1.0 else f" ({abs(weight):g})"
    return f"{'also' if weight > 0.0 else 'less'} {what}{much}"


def search_heading(
    text: str, *, pictured: bool, like: str | None, wished: Sequence[str] = ()
) -> str:
    """What the results of a search answer; `like` is what the product is called, and further
    wishes are told where there is nothing else.
    """
    parts = [f"“{text}”"] if text else []
    if pictured:
        parts.append("your picture")
    if like is not None:
        parts.append(f"more like {like}")
    heading = " and ".join(parts or wished) or "All products"
    return heading[0].upper() + heading[1:]
