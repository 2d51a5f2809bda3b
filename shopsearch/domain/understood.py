"""What of the words of a query was understood as a wish for something that products have."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shopsearch.domain.filters import AnyOf, Between, ProductFilter


class PartKind(StrEnum):
    """What a part of the words is about."""

    PRICE = "price"
    SIZE = "size"
    BRAND = "brand"
    COLOR = "color"
    CATEGORY = "category"
    GENDER = "gender"
    MATERIAL = "material"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderstoodPart:
    """Some words of a query, and what they were taken for.

    A filter is a condition that every hit fulfils; anything else is a preference, which raises what
    fulfils it and hides nothing.
    """

    kind: PartKind
    text: str  # the words as typed
    wish: AnyOf | Between  # of a field by its canonical name
    currency: str = ""  # of a price where the catalog has several, case-folded: then it counts too
    is_filter: bool = False
    applied: bool = True  # False for a filter that would leave nothing: it hides nothing then

    @property
    def where(self) -> ProductFilter:
        """What fulfils it."""
        currency = (AnyOf("currency", (self.currency,)),) if self.currency else ()
        return ProductFilter((self.wish, *currency))
