"""Text from outside -> plain words: HTML, entities, control and format characters."""

from __future__ import annotations

import re
import unicodedata

from selectolax.lexbor import LexborHTMLParser

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
_SPACES = re.compile(r"\s+")


def clean(text: str) -> str:
    """Words without HTML: entities decoded, blocks apart, NFC, single spaces."""
    text = text[:_MAX_HTML_CHARS]
    for _ in range(2):  # some exports escape their HTML once more
        if not _MARKUP.search(text):
            break
        text = _without_html(text)
    return plain(text)


def _without_html(text: str) -> str:
    spaced = _BLOCK_TAG.sub(" <", text)  # blocks stand apart, what is inline does not
    body = LexborHTMLParser(f"<body>{spaced}").body
    if body is None:
        return ""
    for node in body.css(_DROPPED):
        node.decompose()
    return body.text(deep=True, separator="")


def plain(text: str) -> str:
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
