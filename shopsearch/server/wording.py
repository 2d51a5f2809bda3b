"""How values read on a page, in the language of the visitor."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from babel import Locale
from babel.numbers import format_currency, format_decimal, get_currency_symbol

from shopsearch.domain import (
    CATEGORY_SEPARATOR,
    AnyOf,
    Between,
    Condition,
    Exists,
    Hit,
    PartKind,
    Price,
    PriceBand,
    Product,
    RuleAction,
    Sort,
    UnderstoodPart,
    minor_digits,
)
from shopsearch.plain_text import clean
from shopsearch.server.locales import gettext, lazy_gettext, locale, ngettext
from shopsearch.server.offers import SALE_DATES, SALE_PRICE, sale_price

_SIZE_WORD = re.compile(r"^(?:sizes?|sz)\b[\s:]*|[\s-]+sizes?$", re.IGNORECASE)
ORDERS = {
    Sort.RELEVANCE: lazy_gettext("Best match"),
    Sort.NEWEST: lazy_gettext("Newest"),
    Sort.POPULARITY: lazy_gettext("Most popular"),
    Sort.PRICE_ASC: lazy_gettext("Price, low to high"),
    Sort.PRICE_DESC: lazy_gettext("Price, high to low"),
}
_AT_HAND = {"in_stock", "instock", "available"}
_AVAILABLE = _AT_HAND | {"preorder", "backorder"}
_FIELD_LABELS: dict[str, object] = {
    "availability": lazy_gettext("Availability"),
    "brand": lazy_gettext("Brand"),
    "category": lazy_gettext("Category"),
    "color": lazy_gettext("Color"),
    "currency": lazy_gettext("Currency"),
    "gender": lazy_gettext("For"),
    "gtin": lazy_gettext("GTIN"),
    "item_group_id": lazy_gettext("Group"),
    "material": lazy_gettext("Material"),
    "price": lazy_gettext("Price"),
    "product_type": lazy_gettext("Category"),
    "size": lazy_gettext("Size"),
}
_AVAILABILITIES: dict[str, object] = {
    "available": lazy_gettext("Available"),
    "backorder": lazy_gettext("Backorder"),
    "in stock": lazy_gettext("In stock"),
    "out of stock": lazy_gettext("Out of stock"),
    "preorder": lazy_gettext("Preorder"),
}
_HTML = re.compile(r"<|&#?\w+;")
_OF_OFFERS = (SALE_PRICE, SALE_DATES)  # the price itself says it, and while the sale lasts alone
_SHOWN_FIELDS = ("color", "size", "material", "gender", "gtin")


@dataclass(frozen=True, slots=True)
class Level:
    """One step of a category path."""

    name: str
    path: str  # from the top down to here


def price_text(price: Price) -> str:
    """An amount as a price tag has it: `$1,299.00`, or `CHF\N{NO-BREAK SPACE}1,299.00`."""
    return _amount_text(price.amount, price.currency, minor_digits(price.currency))


def number_text(number: float) -> str:
    """A number as people of the visitor's language write it: `1,600`, `2.5`."""
    return _number_text(number, locale())


def title_text(product: Product) -> str:
    """The title, or what stands for it where a product is all picture."""
    return clean(product.title) or gettext("Product %(name)s", name=product.product_id)


def field_label(name: str) -> str:
    """The name of a field or an attribute, for people."""
    words = name.replace("_", " ").replace(".", " ").strip()
    known = _FIELD_LABELS.get(name)
    return words[:1].upper() + words[1:] if known is None else str(known)


def availability_text(product: Product) -> str:
    """`in_stock` and its like, for people."""
    return value_text("availability", product.availability)


def is_available(product: Product) -> bool:
    """Whether the shop says that it can be had."""
    return product.availability.casefold().replace(" ", "_") in _AVAILABLE


def badge_texts(hit: Hit) -> tuple[tuple[str, str], ...]:
    """Kind and words of what sets a hit apart at a glance: that it cannot be had at once, that it
    costs less for a while, and, where the search explains itself, that a rule put it there.
    """
    product, said = hit.product, []
    if product.availability and not _is_at_hand(product):
        said.append(("out" if not is_available(product) else "later", availability_text(product)))
    if sale_price(product):
        said.append(("sale", gettext("Sale")))
    if any(effect.action is RuleAction.PIN for effect in hit.rules):
        said.append(("pinned", gettext("Picked by the shop")))
    return tuple(said)


def _is_at_hand(product: Product) -> bool:
    return product.availability.casefold().replace(" ", "_") in _AT_HAND


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
    rows = [(field_label(name), _listed(value)) for name, value in fields]
    rest = {name: value for name, value in product.attributes.items() if name not in _OF_OFFERS}
    rows += [(field_label(name), _listed(value)) for name, value in rest.items()]
    return tuple((label, value) for label, value in rows if value)


def description_text(product: Product) -> str:
    """The description as words alone; feeds carry HTML of any origin. What is none keeps its lines,
    as lists are written in them.
    """
    if _HTML.search(product.description):
        return clean(product.description)
    return "\n".join(filter(None, map(clean, product.description.splitlines())))


def _listed(value: str) -> str:
    """Several values in one field as people list them."""
    return ", ".join(filter(None, (part.strip() for part in clean(value).split("|"))))


def products_text(number: int) -> str:
    """`1 product`, `1,600 products`."""
    return ngettext("%(count)s product", "%(count)s products", number, count=number_text(number))


def shown_text(shown: int, total: int) -> str:
    """How much of a list that goes on is there: `48 of 300 products shown`."""
    return ngettext(
        "%(shown)s of %(count)s product shown",
        "%(shown)s of %(count)s products shown",
        total,
        shown=number_text(shown),
        count=number_text(total),
    )


def see_all_text(number: int) -> str:
    """Where a link leads that shows everything."""
    return ngettext(
        "See %(count)s product", "See all %(count)s products", number, count=number_text(number)
    )


def variants_text(number: int) -> str:
    """`+1 variant`, `+4 variants`."""
    return ngettext("+%(count)s variant", "+%(count)s variants", number, count=number_text(number))


def range_text(low: float | None, high: float | None) -> str:
    """`from 5`, `up to 20`, `5 to 20`."""
    return _between(*(None if bound is None else number_text(bound) for bound in (low, high)))


def condition_text(condition: Condition) -> str:
    """What a condition asks of its field: `not red, blue`, `from 40`, `given`, `not given`."""
    match condition:
        case AnyOf():
            values = ", ".join(condition.values)
            return gettext("not %(words)s", words=values) if condition.negate else values
        case Between():
            return range_text(condition.low, condition.high)
        case Exists():
            return gettext("given") if condition.present else gettext("not given")


def part_text(part: UnderstoodPart) -> str:
    """What some words were taken for: the bounds of a price, or the words themselves."""
    if isinstance(part.wish, Between):
        bounds = range_text(part.wish.low, part.wish.high)
        return f"{bounds} {part.currency.upper()}".strip()
    return _SIZE_WORD.sub("", part.text) if part.kind is PartKind.SIZE else part.text


def part_effect(part: UnderstoodPart) -> str:
    """What an understood part does to the results."""
    if not part.applied:
        return gettext(
            "No product is left with “%(words)s”, so it is not filtered by", words=part.text
        )
    if part.is_filter:
        return gettext("Only products with “%(words)s” are shown", words=part.text)
    return gettext("Products with “%(words)s” come first, others stay", words=part.text)


def level_name(path: str) -> str:
    """The last name of a category's path."""
    return path.rpartition(CATEGORY_SEPARATOR)[2]


def value_text(field: str, value: str) -> str:
    """A value of a facet, for people."""
    if field != "availability":
        return clean(value) or value
    said = value.casefold().replace("_", " ")
    return str(_AVAILABILITIES.get(said) or field_label(said))


def band_text(band: PriceBand) -> str:
    """A price band: `up to $19.99`, `$20 to $49.99`, `from $50`."""
    if band.low is None and band.high is None:
        return gettext("any price in %(currency)s", currency=band.currency)
    return _between(
        *(
            None if bound is None else amount_text(bound, band.currency)
            for bound in (band.low, band.high)
        )
    )


def _between(low: str | None, high: str | None) -> str:
    if low is None:
        return gettext("up to %(high)s", high=high)
    if high is None:
        return gettext("from %(low)s", low=low)
    return gettext("%(low)s to %(high)s", low=low, high=high)


def amount_text(amount: float, currency: str) -> str:
    """An amount of money; a round one without decimal places: `$20`, `$19.99`."""
    digits = 0 if amount == round(amount) else minor_digits(currency)
    return _amount_text(amount, currency, digits)


@functools.lru_cache(maxsize=4096)  # a page has hundreds of counts, and most are the same
def _number_text(number: float, here: Locale) -> str:
    return format_decimal(number, locale=here)


def _amount_text(amount: Decimal | float, currency: str, digits: int) -> str:
    return _money_text(amount, currency, digits, locale())


@functools.lru_cache(maxsize=4096)
def _money_text(amount: Decimal | float, currency: str, digits: int, here: Locale) -> str:
    places = "." + "0" * digits if digits else ""
    pattern = here.currency_formats["standard"].pattern.replace("0.00", f"0{places}")
    if get_currency_symbol(currency, here)[-1].isalpha():  # CLDR: alphaNextToNumber
        pattern = pattern.replace("¤#", "¤\N{NO-BREAK SPACE}#")
    return format_currency(amount, currency, pattern, locale=here, currency_digits=False)


def wish_text(what: str, weight: float) -> str:
    """A further wish: `also blue`, `also blue (0.5)`, `less leather (0.5)`."""
    much = "" if abs(weight) == 1.0 else f" ({abs(weight):g})"
    if weight > 0.0:
        return gettext("also %(what)s%(much)s", what=what, much=much)
    return gettext("less %(what)s%(much)s", what=what, much=much)


def search_heading(
    text: str, *, pictured: bool, like: str | None, wished: Sequence[str] = ()
) -> str:
    """What the results of a search answer; `like` is what the product is called, and further
    wishes are told where there is nothing else.
    """
    parts = [gettext("“%(words)s”", words=text)] if text else []
    if pictured:
        parts.append(gettext("your picture"))
    if like is not None:
        parts.append(gettext("more like %(product)s", product=like))
    heading = gettext(" and ").join(parts or wished) or gettext("All products")
    return capital(heading)


def capital(text: str) -> str:
    """The text with a large first letter."""
    return text[:1].upper() + text[1:]
