"""A turn taken apart: `cheaper and in blue, not leather` is three clauses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shopsearch.refining.cues import POLITE, TRAILING
from shopsearch.understanding.words import Span

MAX_CLAUSES = 30
_LINK = re.compile(
    r"\s*(?:(?P<stop>[,;!?]+|[.](?=\s|$))\s*(?:(?:and|but|or|then)\b)?|\b(?P<but>but|then|plus)\b"
    r"|(?P<or>\bor\b|\bnor\b|(?<=\S)/(?=\S))|(?P<and>\band\b|&))\s*",
    re.IGNORECASE,
)
_OR = re.compile(r"^\s*(?:(?:and|but|or|then)\s+)*(?:or|also)\s+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Clause:
    """One thing that is said."""

    text: str
    link: str = ""  # to the clause before: "", "and", "or", or "but"


def clauses_of(text: str, whole: Sequence[Span] = ()) -> list[Clause]:
    """The clauses of a text; what is `whole` is not taken apart."""
    links = [
        match
        for match in _LINK.finditer(text)
        if match[0].strip() and not any(Span(*match.span()).meets(span) for span in whole)
    ]
    found = list(_between(text, links))
    return [one for one in found if one.text][:MAX_CLAUSES]


def _between(text: str, links: Sequence[re.Match[str]]) -> Iterator[Clause]:
    at, link = 0, ""
    for match in links:
        yield _clause(text[at : match.start()], link)
        link = _link_of(match)
        at = match.end()
    yield _clause(text[at:], link)


def _clause(text: str, link: str) -> Clause:
    return Clause(_stripped(text), "or" if _OR.match(text) else link)


def _link_of(match: re.Match[str]) -> str:
    said = match[0].lower()
    if match["or"] or re.search(r"\bor\b", said):
        return "or"
    if match["and"] or re.search(r"\band\b", said):
        return "and"
    return "but" if match["but"] or "but" in said else ""


def _stripped(text: str) -> str:
    """Without what is said to be polite."""
    return TRAILING.sub("", POLITE.sub("", text.strip(" \t,;.!?"))).strip()
