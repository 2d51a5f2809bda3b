"""What a shopper asks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from shopsearch.domain.filters import EVERYTHING, ProductFilter


class Sort(StrEnum):
    """The order of a page of hits; ties are broken by relevance, then by key."""

    RELEVANCE = "relevance"
    PRICE_ASC = "price_asc"
    PRICE_DESC = "price_desc"
    NEWEST = "newest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A search: words, a picture, a product of the catalog, or a mix of them."""

    text: str = ""
    image: bytes | None = None  # an encoded picture as it came: JPEG, PNG, WebP, ...
    product_id: str | None = None  # "like this one"; it is never among its own hits
    text_weight: float = 0.5  # 0..1; counts where there are words and a picture or product
    negatives: tuple[str, ...] = ()  # words for what it must not be like
    where: ProductFilter = EVERYTHING
    sort: Sort = Sort.RELEVANCE
    k: int = 24
    offset: int = 0
    explain: bool = False  # whether each hit shall say why it is one; costs time
    as_typed: bool = False  # whether words that the catalog does not have stay as they are
    understand: bool = True  # whether colours, prices and the like are looked for in the words
    literal: tuple[str, ...] = ()  # parts of the words that shall be no more than words
    facets: tuple[str, ...] = ()  # fields whose values shall be counted over all that matches
    facet_limit: int = 20  # at most so many values of each, the most frequent

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked for but the filter: then the page lists what matches it."""
        return not (self.text.strip() or self.image or self.product_id)
