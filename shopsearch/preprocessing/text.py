"""The words of a product or of a query, as an encoder should see them.

Text encoders read a bounded number of tokens (MiniLM 256) and weigh the beginning most, so a
composed text says what the product is first, and tells its story last.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from shopsearch.domain import CATEGORY_SEPARATOR, Product
from shopsearch.plain_text import clean, plain

TEXT_VERSION = "2"  # grows when the same product comes to other words

MAX_TEXT_CHARS = 1_500  # some 300 to 400 tokens: more than any encoder here reads
MAX_QUERY_CHARS = 1_000
_MAX_TITLE_CHARS = 300
_MAX_ATTRIBUTES = 12
_MAX_ATTRIBUTE_CHARS = 80

_REFERENCE = re.compile(
    r"(?:^|[_.])(?:id|sku|code|ean|upc|mpn|asin|group|url|link|split)s?$"
    r"|^(?:shipping|tax)(?:[_.]|$)"
)
_BETWEEN_VALUES = re.compile(r"\s*\|\s*")
_WORD = re.compile(r"\w+")
_YES, _NO = (
    {"yes", "true", "y"},
    {"no", "false", "n", "none", "n/a", "na", "-", "--", "null", "nan"},
)
_SENTENCE_END = (".", "!", "?", "…", ":", ";")


def compose(product: Product) -> str:
    """One text from title, brand, category, attributes and description, the weightiest first.

    The same product gives the same text, whatever the order of its attributes. "" if it has none.
    """
    title = clean(product.title)[:_MAX_TITLE_CHARS]
    brand = clean(product.brand)
    category = clean(product.product_type.replace(CATEGORY_SEPARATOR, ", "))
    parts = [title, "" if brand.casefold() in title.casefold() else brand, category]
    said = _word_by_word(" ".join((title, brand, category)).casefold())
    parts.extend(_attributes(product, said))
    parts.append(clean(product.description))
    return _sentences(filter(None, parts))[:MAX_TEXT_CHARS].rstrip()


def clean_query(text: str) -> str:
    """A shopper's words: NFC, no control characters, single spaces, at most 1,000 characters."""
    return plain(text[: 4 * MAX_QUERY_CHARS])[:MAX_QUERY_CHARS].rstrip()


def _attributes(product: Product, said: str) -> Iterator[str]:
    """Sentences for what is not `said` yet, looks first."""
    named = {
        "color": product.color,
        "material": product.material,
        "size": product.size,
        "gender": product.gender,
    }
    others = ((name, product.attributes[name]) for name in sorted(product.attributes))
    sentences = (
        _attribute(name, _listed(clean(value)), said) for name, value in (*named.items(), *others)
    )
    return islice(filter(None, sentences), _MAX_ATTRIBUTES)


def _listed(value: str) -> str:
    """Several values as a list, as many as there is room for."""
    listed = ""
    for each in filter(None, _BETWEEN_VALUES.split(value)):
        longer = f"{listed}, {each}" if listed else each
        if listed and len(longer) > _MAX_ATTRIBUTE_CHARS:
            break
        listed = longer
    return listed


def _word_by_word(text: str) -> str:
    """Parted and enclosed by spaces, so that "m" is not in "summer"."""
    return f" {' '.join(_WORD.findall(text))} "


def _attribute(name: str, words: str, said: str) -> str:
    """Such as `pattern: striped`; "" for what tells neither looks nor use."""
    value = words.casefold()
    if not words or value in _NO or _REFERENCE.search(name):
        return ""
    if _word_by_word(value) in said:
        return ""
    name = plain(name.replace("_", " ").replace(".", " "))
    if value in _YES:
        return name
    if len(words) > _MAX_ATTRIBUTE_CHARS or value.startswith(("http://", "https://", "{", "[")):
        return ""
    return f"{name}: {words}" if any(map(str.isalpha, words)) else ""


def _sentences(parts: Iterator[str]) -> str:
    return " ".join(part if part.endswith(_SENTENCE_END) else f"{part}." for part in parts)
