"""Texts that tell little: no title, a bare one, no description, boilerplate, shouting, markup."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum

from shopsearch.auditing.findings import Section, columns_of
from shopsearch.auditing.snapshot import CatalogSnapshot
from shopsearch.auditing.wording import plain
from shopsearch.domain import Product

MIN_TITLE_WORDS = 3
BOILERPLATE_PRODUCTS = 5  # different products (no variants) that share one description
SHOUTED = 0.8  # of at least `MIN_LETTERS` letters, in capitals
MIN_LETTERS = 12
_SHOWN_CHARS = 160

NAME = "texts"

_TAG = re.compile(
    r"</?(?:a|b|br|div|em|font|h[1-6]|hr|i|img|li|ol|p|script|span|strong|style|table|tbody|td|th"
    r"|tr|u|ul)\b[^<>]*>",
    re.IGNORECASE,
)
_ENTITY = re.compile(r"&(?:amp|nbsp|lt|gt|quot|apos|#\d{1,7}|#x[\da-f]{1,6});", re.IGNORECASE)


class TextFault(StrEnum):
    """What is wrong with a text, the gravest first."""

    NO_TITLE = "no title"
    SHORT_TITLE = "short title"
    NO_DESCRIPTION = "no description"
    SAME_AS_TITLE = "description is the title"
    BOILERPLATE = "boilerplate"
    SHOUTING = "shouting"
    MARKUP = "markup"


@dataclass(frozen=True, slots=True)
class ThinText:
    """A product with such a text; `faults` in order of their weight."""

    product_id: str
    faults: tuple[TextFault, ...]
    title: str
    description: str  # its beginning
    n_sharing: int  # products that have this description; 0 without one

    @property
    def product_ids(self) -> tuple[str, ...]:
        """See `Finding.product_ids`."""
        return (self.product_id,)


def thin_texts(snapshot: CatalogSnapshot) -> Section:
    """Every product whose text has a fault, those with the most of them first."""
    descriptions = [plain(product.description) for product in snapshot.products]
    sharing = Counter(descriptions)
    apart = Counter(text for text, _ in {*zip(descriptions, snapshot.groups.tolist(), strict=True)})
    found = []
    for product, description in zip(snapshot.products, descriptions, strict=True):
        if faults := tuple(_faults(product, description, apart[description])):
            shown = product.description[:_SHOWN_CHARS]
            n = sharing[description] if description else 0
            found.append(ThinText(product.product_id, faults, product.title, shown, n))
    weight = {fault: number for number, fault in enumerate(TextFault)}
    found.sort(key=lambda one: (-len(one.faults), [weight[fault] for fault in one.faults]))
    return Section(
        name=NAME,
        title="Thin and untidy texts",
        n_checked=len(snapshot),
        findings=found,
        columns=columns_of(ThinText),
        counts={str(fault): sum(fault in one.faults for one in found) for fault in TextFault},
    )


def _faults(product: Product, description: str, n_apart: int) -> list[TextFault]:
    title = plain(product.title)
    checks = {
        TextFault.NO_TITLE: not title,
        TextFault.SHORT_TITLE: 0 < len(title.split()) < MIN_TITLE_WORDS,
        TextFault.NO_DESCRIPTION: not description,
        TextFault.SAME_AS_TITLE: bool(title) and description == title,
        TextFault.BOILERPLATE: bool(description)
        and description != title
        and n_apart >= BOILERPLATE_PRODUCTS,
        TextFault.SHOUTING: is_shouted(product.title) or is_shouted(product.description),
        TextFault.MARKUP: has_markup(product.title) or has_markup(product.description),
    }
    return [fault for fault, is_there in checks.items() if is_there]


def is_shouted(text: str) -> bool:
    """Whether nearly all letters are capitals; abbreviations alone are too short to count."""
    cased = [letter for letter in text if letter.isupper() or letter.islower()]
    return len(cased) >= MIN_LETTERS and sum(map(str.isupper, cased)) >= SHOUTED * len(cased)


def has_markup(text: str) -> bool:
    """Whether tags or entities of HTML are left in it."""
    return bool(_TAG.search(text) or _ENTITY.search(text))
