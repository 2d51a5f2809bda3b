"""The words of a product, column by column, as a lexical index keeps them."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence

from shopsearch.domain import CATEGORY_SEPARATOR, Product

COLUMNS = ("title", "brand", "category", "attributes", "description")
WEIGHTS = (8.0, 8.0, 4.0, 4.0, 1.0)  # of the columns; the best of nine tried, see decision 10

MAX_TERMS = 64
MAX_TERM_CHARS = 100
_MAX_CHARS = 50_000
_TAG = re.compile(r"<[a-zA-Z/!][^<>]*>")
_JOINED = re.compile(r"\w+(?:[-./]\w+)+")
_UNSEEN = re.compile("[\x00\ud800-\udfff]")  # no database takes these


def columns_of(product: Product) -> dict[str, str]:
    """What is searched by words, by column; codes are also there without their hyphens."""
    attributes = (product.color, product.material, product.size, product.gender)
    columns = {
        "title": _with_joined_codes(product.title),
        "brand": product.brand,
        "category": product.product_type.replace(CATEGORY_SEPARATOR, " "),
        "attributes": " . ".join(
            filter(None, (*attributes, *product.attributes.values(), *_codes(product)))
        ),
        "description": _plain(product.description),
    }
    return {name: words[:_MAX_CHARS] for name, words in columns.items()}


def askable_terms(terms: Sequence[str]) -> list[str]:
    """The first `MAX_TERMS` different terms, as a database can take them."""
    found: Mapping[str, None] = dict.fromkeys(
        _UNSEEN.sub(" ", term)[:MAX_TERM_CHARS] for term in terms[: 4 * MAX_TERMS]
    )
    return [term for term in found if any(map(str.isalnum, term))][:MAX_TERMS]


def _plain(text: str) -> str:
    """Without tags; good enough for words, which need no layout."""
    if "<" in text or "&" in text:
        text = html.unescape(_TAG.sub(" ", text[:_MAX_CHARS]))
    return text


def _with_joined_codes(text: str) -> str:
    """`WH-1000XM4` is also `WH1000XM4`."""
    codes = [code for code in _JOINED.findall(text) if any(map(str.isdigit, code))]
    return " ".join((text, *(re.sub(r"[-./]", "", code) for code in codes)))


def _codes(product: Product) -> list[str]:
    """The numbers that a product is known by; a plain word for an id would only mislead."""
    codes = (product.product_id, product.gtin)
    return [
        _with_joined_codes(code) for code in codes if len(code) >= 4 and any(map(str.isdigit, code))
    ]
