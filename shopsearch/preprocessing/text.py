"""The words of a product or of a query, as an encoder should see them.

Text encoders read a bounded number of tokens (MiniLM 256) and weigh the beginning most, so a
composed text says what the product is first, and tells its story last.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import islice

from selectolax.lexbor import LexborHTMLParser

from shopsearch.domain import CATEGORY_SEPARATOR, Product

TEXT_VERSION = "1"  # grows when the same product comes to other words

MAX_TEXT_CHARS = 1_500  # some 300 to 400 tokens: more than any encoder here reads
MAX_QUERY_CHARS = 1_000
_MAX_TITLE_CHARS = 300
_MAX_ATTRIBUTES = 12
_MAX_ATTRIBUTE_CHARS = 80
_MAX_HTML_CHARS = 50_000

_DROPPED = "script, style, template, noscript, iframe, object, head, title"
_BLOCK_TAG = re.compile(
    r"<(?=/?(?:address|article|aside|blockquote|br|button|caption|center|dd|details|div|dl|dt|"
    r"fieldset|figcaption|figure|footer|form|h[1-6]|header|hr|img|li|main|nav|ol|option|p|pre|"
    r"section|summary|table|tbody|td|tfoot|th|thead|tr|ul)\b)",
    re.IGNORECASE,
)
_MARKUP = re.compile(
    r"<[a-zA-Z/!][^<>]*>|&(?:[a-zA-Z][a-zA-Z0-9]{1,31}|#\d{1,7}|#[xX][\da-fA-F]{1,6});"
)
_REFERENCE = re.compile(r"(?:^|[_.])(?:id|sku|code|ean|upc|mpn|asin|group|url|link|split)s?$")
_WORD = re.compile(r"\w+")
_SPACES = re.compile(r"\s+")
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
    return _plain(text[: 4 * MAX_QUERY_CHARS])[:MAX_QUERY_CHARS].rstrip()


def clean(text: str) -> str:
    """Words without HTML: entities decoded, blocks apart, NFC, single spaces."""
    text = text[:_MAX_HTML_CHARS]
    for _ in range(2):  # some exports escape their HTML once more
        if not _MARKUP.search(text):
            break
        text = _without_html(text)
    return _plain(text)


def _without_html(text: str) -> str:
    spaced = _BLOCK_TAG.sub(" <", text)  # blocks stand apart, what is inline does not
    body = LexborHTMLParser(f"<body>{spaced}").body
    if body is None:
        return ""
    for node in body.css(_DROPPED):
        node.decompose()
    return body.text(deep=True, separator="")


def _plain(text: str) -> str:
    """NFC, no control or format characters but joiners, single spaces."""
    if not (text.isascii() and text.isprintable()):
        text = unicodedata.normalize("NFC", text).translate(_VISIBLE)
    return _SPACES.sub(" ", text).strip()


class _Visible(dict[int, str | None]):
    """What becomes of a character, for `str.translate`; found out when it is first met."""

    def __missing__(self, code: int) -> str | None:
        character = chr(code)
        invisible = unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn")
        if character.isspace():
            self[code] = " "
        elif invisible and character not in "\u200c\u200d":  # they make Indic letters, and emoji
            self[code] = None
        else:
            self[code] = character
        return self[code]


_VISIBLE = _Visible()


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
        _attribute(name, clean(value).replace("|", ", "), said)
        for name, value in (*named.items(), *others)
    )
    return islice(filter(None, sentences), _MAX_ATTRIBUTES)


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
    name = _plain(name.replace("_", " ").replace(".", " "))
    if value in _YES:
        return name
    if len(words) > _MAX_ATTRIBUTE_CHARS or value.startswith(("http://", "https://", "{", "[")):
        return ""
    return f"{name}: {words}" if any(map(str.isalpha, words)) else ""


def _sentences(parts: Iterator[str]) -> str:
    return " ".join(part if part.endswith(_SENTENCE_END) else f"{part}." for part in parts)
