"""The values that a catalog has, by the words that people call them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from shopsearch.domain import CATEGORY_SEPARATOR, PartKind
from shopsearch.index import VectorIndex
from shopsearch.languages import ENGLISH, Language
from shopsearch.understanding.sizes import CatalogSizes
from shopsearch.understanding.words import (
    FUNCTION_WORDS,
    MAX_PHRASE_WORDS,
    phrase_of,
    words_of,
)

MAX_VALUES = 50_000  # of each field, the most frequent
FIELDS = {
    PartKind.BRAND: "brand",
    PartKind.COLOR: "color",
    PartKind.GENDER: "gender",
    PartKind.MATERIAL: "material",
    PartKind.CATEGORY: "product_type",
}
PEOPLE = frozenset(
    ("women", "men", "lady", "gent", "girl", "boy", "kid", "children", "baby", "unisex")
)
_SEVERAL = re.compile(r"[,;|/+&]|\band\b")
_ENDS_IN_ITS_KIND = frozenset((PartKind.COLOR, PartKind.MATERIAL, PartKind.CATEGORY))


class Closeness(IntEnum):
    """How a phrase names a value."""

    ENDING = 0  # `blue` for `navy blue`
    ONE_OF_SEVERAL = 1  # `cotton` for `cotton|polyester`
    WHOLE = 2


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a phrase may mean: the values of one field that it names."""

    kind: PartKind
    field: str
    values: tuple[str, ...]  # case-folded, as the index has them
    n_products: int  # that have them; a product with two of them counts twice
    closeness: Closeness = Closeness.WHOLE  # of the value that is named best


@dataclass(frozen=True, slots=True)
class CatalogValues:
    """What the products of one index generation have, by folded phrases."""

    meanings: Mapping[str, Sequence[Meaning]] = field(default_factory=dict)
    sizes: CatalogSizes = field(default_factory=lambda: CatalogSizes({}))
    currencies: frozenset[str] = frozenset()  # case-folded; none where no product has a price

    @classmethod
    def of(cls, index: VectorIndex, language: Language = ENGLISH) -> CatalogValues:
        """Reads all values of the fields that are looked for: some tenths of a second at most."""
        meanings: dict[str, list[Meaning]] = {}
        for kind, name in FIELDS.items():
            counts = index.fields.counts(name, limit=MAX_VALUES)
            found = dict(zip(counts.words, counts.counts.tolist(), strict=True))
            for phrase, meaning in _meanings(kind, found, language):
                meanings.setdefault(phrase, []).append(meaning)
        return cls(
            meanings=meanings,
            sizes=CatalogSizes.of(index.fields.counts("size", limit=MAX_VALUES).words),
            currencies=frozenset(index.fields.counts("currency", limit=MAX_VALUES).words),
        )


def _meanings(
    kind: PartKind, found: Mapping[str, int], language: Language
) -> Iterator[tuple[str, Meaning]]:
    """Phrases and what each means in one field, from the values and how many products have them."""
    named: dict[str, dict[str, Closeness]] = {}
    for value in found:
        for phrase, closeness in _phrases(kind, value, language):
            by_value = named.setdefault(phrase, {})
            by_value[value] = max(closeness, by_value.get(value, closeness))
    for phrase, by_value in named.items():
        is_value = kind is PartKind.CATEGORY or max(by_value.values()) > Closeness.ENDING
        if is_value and _is_name(phrase, language):
            values = _chosen(kind, by_value)
            n_products = sum(found[value] for value in values)
            yield (
                phrase,
                Meaning(
                    kind=_kind(kind, phrase),
                    field=FIELDS[kind],
                    values=values,
                    n_products=n_products,
                    closeness=max(by_value.values()),
                ),
            )


def _kind(kind: PartKind, phrase: str) -> PartKind:
    """Many shops tell by a category whom a product is for."""
    return PartKind.GENDER if phrase in PEOPLE else kind


def _phrases(kind: PartKind, value: str, language: Language) -> Iterator[tuple[str, Closeness]]:
    name = value.rpartition(CATEGORY_SEPARATOR)[2] if kind is PartKind.CATEGORY else value
    whole = _phrase(name, language)
    yield whole, Closeness.WHOLE
    if kind is PartKind.BRAND:
        yield whole.replace(" ", ""), Closeness.WHOLE  # `tp link` and `tplink`
        return
    for part in _SEVERAL.split(name):
        phrase = _phrase(part, language)
        if phrase != whole:
            yield phrase, Closeness.ONE_OF_SEVERAL
        if kind in _ENDS_IN_ITS_KIND and " " in phrase:
            yield phrase.rpartition(" ")[2], Closeness.ENDING


def _chosen(kind: PartKind, by_value: Mapping[str, Closeness]) -> tuple[str, ...]:
    """All values of a colour or material. Of categories, `Shoes` and `Running Shoes` for shoes, and
    `Clothing, Shoes & Jewelry` only where there is none of its own.

    A category counts for all below it, so those below another one are left out.
    """
    if kind is not PartKind.CATEGORY:
        return tuple(by_value)
    several = Closeness.ONE_OF_SEVERAL if Closeness.WHOLE in by_value.values() else None
    named = {value for value, closeness in by_value.items() if closeness != several}
    return tuple(value for value in by_value if value in named and not _is_below(value, named))


def _is_below(category: str, others: set[str]) -> bool:
    levels = category.split(CATEGORY_SEPARATOR)
    return any(CATEGORY_SEPARATOR.join(levels[:n]) in others for n in range(1, len(levels)))


def _phrase(text: str, language: Language) -> str:
    return phrase_of(words_of(text, language))


def _is_name(phrase: str, language: Language) -> bool:
    """Whether it can be told from other words: no single letter or number, no function word."""
    words = phrase.split()
    if not 0 < len(words) <= MAX_PHRASE_WORDS or len(phrase) < 2:
        return False
    small = FUNCTION_WORDS if language is ENGLISH else language.function_words
    return any(not word.isdigit() and word not in small for word in words)
