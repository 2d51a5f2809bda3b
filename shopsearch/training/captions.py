"""The words that a picture is taught by: not only its title, but whatever a shopper might type."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from shopsearch.domain import CATEGORY_SEPARATOR, Product

TITLE, KIND, COLOUR_AND_KIND, FULL, PATH, DESCRIPTION = range(6)
N_CAPTIONS = 6

_MAX_DESCRIPTION_WORDS = 40
_NOTHING = frozenset({"", "na", "n/a", "none", "null"})


@dataclass(frozen=True, slots=True)
class Captions:
    """What can be said of one picture, `N_CAPTIONS` ways; `kind` is the leaf of its category."""

    texts: tuple[str, ...]  # in the order of the constants above
    kind: str  # "" where the catalog does not tell


def captions_of(product: Product) -> Captions:
    """The captions of a product; what it does not tell is replaced by its title."""
    title = _plain(product.title)
    levels = [_plain(level) for level in product.product_type.split(CATEGORY_SEPARATOR)]
    kind = _kind(levels, product.brand)
    colour = _plain(product.color or _attribute(product.attributes, "colour", "color"))
    use = _plain(_attribute(product.attributes, "usage"))
    about = " ".join(_plain(product.description).split()[:_MAX_DESCRIPTION_WORDS])
    told = (
        title,
        kind,
        _joined(colour, kind or title),
        _joined(colour, use, kind, f"for {product.gender}" if product.gender else "").lower(),
        ", ".join(level for level in levels[:4] if level),
        f"{title}. {about}" if about else "",
    )
    fallback = title or kind
    return Captions(tuple(text or fallback for text in told), kind)


def _kind(levels: list[str], brand: str) -> str:
    """The last level of the category that is not just "brand + category"."""
    brand = brand.casefold().strip()
    if len(levels) > 1 and brand and brand in levels[-1].casefold():
        return levels[-2]
    return levels[-1]


def _attribute(attributes: Mapping[str, str], *endings: str) -> str:
    for name, text in attributes.items():
        if name.casefold().endswith(endings):
            return text
    return ""


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def _plain(text: str) -> str:
    words = re.sub(r"<[^>]*>", " ", text).split()
    plain = " ".join(words)
    return "" if plain.casefold() in _NOTHING else plain
