"""What an attribute is here: where a product keeps it, how it is taken away, and its values.

A category counts as its full path ("Men > Tops > Tees"), as the feed has it: the last level alone
is ambiguous, and could not be merged back into a feed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from shopsearch.catalog.fields import FIELD_ALIASES, attribute_name, field_named
from shopsearch.domain import Product
from shopsearch.errors import EnrichmentError

DEFAULT_ATTRIBUTES = ("category", "color", "gender")

_FIELDS = frozenset({"product_type", "color", "gender", "material", "size", "brand"})
_NOT_PREDICTED = frozenset(FIELD_ALIASES) - _FIELDS


@dataclass(frozen=True, slots=True)
class Attribute:
    """A property of products whose missing values can be proposed."""

    name: str  # as it was asked for
    field: str  # the field of a product, or the column that became an attribute

    @classmethod
    def named(cls, name: str) -> Attribute:
        """The attribute that a merchandiser means. Raises `EnrichmentError`."""
        field = field_named(name) or attribute_name(name)
        if not field or field in _NOT_PREDICTED:
            raise EnrichmentError(
                f"{name!r} is nothing that can be predicted: ask for category, color, gender, "
                "material, size, brand, or a column of the feed"
            )
        return cls(name.strip(), field)

    def of(self, product: Product) -> str:
        """The value that a product has, spaces in order; "" where it has none."""
        if self.field in _FIELDS:
            value: str = getattr(product, self.field)
        else:
            value = product.attributes.get(self.field, "")
        return " ".join(value.split())

    def without(self, product: Product) -> Product:
        """The product as if its shop had not told the value, in this column or in a twin of it."""
        others = {
            name: value
            for name, value in product.attributes.items()
            if self.field not in (name, field_named(name))
        }
        bare = replace(product, attributes=others)
        if self.field in _FIELDS:
            hidden: dict[str, Any] = {self.field: ""}
            bare = replace(bare, **hidden)
        return bare


@dataclass(frozen=True, slots=True)
class Values:
    """The values of an attribute, one for all spellings that differ in case alone."""

    products: Mapping[str, int]  # value, in its most frequent spelling -> how many have it
    titles: Mapping[str, int]  # value -> how many different titles have it
    spelling: Mapping[str, str]  # case-folded -> value

    def canonical(self, value: str) -> str:
        """The one spelling of a value."""
        return self.spelling.get(value.casefold(), value)

    def learnable(self, min_titles: int, allowed: Sequence[str] = ()) -> tuple[str, ...]:
        """The values of at least so many titles, most products first; allowed ones where given."""
        wanted = {self.canonical(value) for value in allowed}
        return tuple(
            value
            for value in self.products
            if self.titles[value] >= min_titles and (not wanted or value in wanted)
        )


def count_values(told: Iterable[tuple[str, int]]) -> Values:
    """Count the values that products have, each with the number of its product's title."""
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    titles: dict[str, set[int]] = defaultdict(set)
    for value, title in told:
        spellings[value.casefold()][value] += 1
        titles[value.casefold()].add(title)
    spelling = {
        folded: min(counts, key=lambda value: (-counts[value], value))
        for folded, counts in spellings.items()
    }
    totals = {spelling[folded]: counts.total() for folded, counts in spellings.items()}
    return Values(
        products=dict(sorted(totals.items(), key=lambda pair: (-pair[1], pair[0]))),
        titles={spelling[folded]: len(numbers) for folded, numbers in titles.items()},
        spelling=spelling,
    )
