"""What a product page tells machines: schema.org's Product and BreadcrumbList, as JSON-LD.

Only what is known is told. Whoever reads it wants whole addresses, which need the public address of
the shop (`SHOPSEARCH_PUBLIC_URL`): the Host header of a request says what its sender likes.

More:  https://schema.org/Product, https://developers.google.com/search/docs/appearance/
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from shopsearch.domain import Price, Product, values_of
from shopsearch.server.offers import price_now
from shopsearch.server.wording import Level, description_text, title_text

CONTEXT = "https://schema.org"
_AVAILABILITIES = {
    "available": "InStock",
    "backorder": "BackOrder",
    "discontinued": "Discontinued",
    "in stock": "InStock",
    "instock": "InStock",
    "limited availability": "LimitedAvailability",
    "out of stock": "OutOfStock",
    "outofstock": "OutOfStock",
    "preorder": "PreOrder",
    "sold out": "SoldOut",
}
_GTIN_DIGITS = (8, 12, 13, 14)
_ESCAPED = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&'"}

Document = Mapping[str, Any]


def product_document(
    product: Product, *, pictures: Sequence[str] = (), address: str | None = None
) -> Document:
    """A product as schema.org has it; `pictures` and `address` are whole addresses."""
    told = {
        "@context": CONTEXT,
        "@type": "Product",
        "name": title_text(product),
        "image": [*pictures],
        "description": description_text(product),
        "sku": product.product_id,
        "gtin": valid_gtin(product.gtin),
        "brand": {"@type": "Brand", "name": product.brand} if product.brand else None,
        "category": product.product_type,
        "color": _one_of(product.color),
        "material": _one_of(product.material),
        "size": _one_of(product.size),
        "inProductGroupWithID": product.item_group_id,
        "url": address,
        "offers": _offer(product, address),
    }
    return {name: value for name, value in told.items() if value}


def breadcrumb_document(trail: Sequence[tuple[str, str]]) -> Document:
    """The way to a product: names and whole addresses, from the top."""
    return {
        "@context": CONTEXT,
        "@type": "BreadcrumbList",
        "itemListElement": [
            {"@type": "ListItem", "position": n, "name": name, "item": address}
            for n, (name, address) in enumerate(trail, 1)
        ],
    }


def trail_of(
    levels: Sequence[Level], addresses: Sequence[str], title: str, address: str
) -> list[tuple[str, str]]:
    """The levels of a category with their addresses, and the product at the end."""
    above = [(level.name, one) for level, one in zip(levels, addresses, strict=True)]
    return [*above, (title, address)]


def script_json(document: Document) -> Markup:
    """JSON that may stand in a <script>: nothing in it ends the element, or begins a comment.

    All beyond ASCII is escaped too, so that no reader takes U+2028 for the end of a line.
    """
    # only strings hold these letters, and JSON reads their escapes as the letters themselves
    return Markup(json.dumps(document, allow_nan=False).translate(_ESCAPED))  # noqa: S704 - escaped


def price_number(price: Price) -> str:
    """An amount as machines read it: `19.99`, `1500`; never `1.5E+3`."""
    return format(price.amount, "f")


def availability_url(availability: str) -> str | None:
    """schema.org's word for an availability; None for one that it has no word for."""
    said = " ".join(availability.casefold().replace("_", " ").replace("-", " ").split())
    name = _AVAILABILITIES.get(said)
    return None if name is None else f"{CONTEXT}/{name}"


def valid_gtin(gtin: str) -> str | None:
    """The digits of a GTIN whose check digit holds (GS1 General Specifications, 7.9)."""
    digits = re.sub(r"[\s-]", "", gtin)
    if not (digits.isascii() and digits.isdigit() and len(digits) in _GTIN_DIGITS):
        return None
    weighed = sum(int(digit) * (3, 1)[n % 2] for n, digit in enumerate(digits[-2::-1]))
    return digits if (weighed + int(digits[-1])) % 10 == 0 else None


def _offer(product: Product, address: str | None) -> Document | None:
    price = price_now(product)
    if price is None:
        return None
    told = {
        "@type": "Offer",
        "price": price_number(price),
        "priceCurrency": price.currency,
        "priceSpecification": _struck(product),
        "availability": availability_url(product.availability),
        "url": address,
    }
    return {name: value for name, value in told.items() if value}


def _struck(product: Product) -> Document | None:
    """The usual price beside that of a sale, as Google's merchant listings have it."""
    usual = product.price
    if usual is None or usual == price_now(product):
        return None
    return {
        "@type": "UnitPriceSpecification",
        "priceType": f"{CONTEXT}/StrikethroughPrice",
        "price": price_number(usual),
        "priceCurrency": usual.currency,
    }


def _one_of(text: str) -> str | list[str]:
    values = values_of(text) if text else ()
    return list(values) if len(values) > 1 else text
