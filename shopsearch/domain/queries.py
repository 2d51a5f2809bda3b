"""What a shopper asks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from shopsearch.domain.filters import EVERYTHING, ProductFilter


class Sort(StrEnum):
    """The order of a page of hits; ties are broken by relevance, then by key."""

    RELEVANCE = "relevance"
    PRICE_ASC = "price_asc"
    PRICE_DESC = "price_desc"
    NEWEST = "newest"
    POPULARITY = "popularity"


NEGATIVE_WEIGHT = 0.5  # gamma / beta of Rocchio (1971): how far what is not wanted pushes away
MAX_WISHES = 10  # beside the main one


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a picture, in parts of its upright width and height: (0, 0, 1, 1) is all of it.

    What reaches beyond the picture does not count.
    """

    x: float  # of the left edge, from the left
    y: float  # of the upper edge, from the top
    width: float
    height: float

    @property
    def shows_something(self) -> bool:
        """Whether it has a size, and begins within the picture."""
        begins = min(self.x, self.y) >= 0.0 and max(self.x, self.y) < 1.0
        return begins and 0.0 < min(self.width, self.height) <= max(self.width, self.height) <= 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One more wish of a query: words, a picture or a product, one of them."""

    text: str = ""
    image: bytes | None = None  # an encoded picture as it came
    product_id: str | None = None  # it is not among the hits, wanted or not
    weight: float = 1.0  # -1..1 but 0: above 0 more like this, below 0 less; the main wish has 1

    @property
    def is_excluded(self) -> bool:
        """Whether products that hold these words come last, and are not only pushed away."""
        return bool(self.text) and self.weight <= -NEGATIVE_WEIGHT


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A search: words, a picture, a product of the catalog, or a mix of them."""

    text: str = ""
    image: bytes | None = None  # an encoded picture as it came: JPEG, PNG, WebP, ...
    crop: Region | None = None  # the part of the picture to search by; None: all of it
    product_id: str | None = None  # "like this one"; it is never among its own hits
    text_weight: float = 0.5  # 0..1; counts where there are words and a picture or product
    negatives: tuple[str, ...] = ()  # words for what it must not be like, see `wishes`
    also: tuple[Wanted, ...] = ()  # further wishes, with weights
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
    facet_query: str = ""  # only values that contain it are counted, in whatever case
    cutoff: bool = False  # whether only what is relevant shall be found and counted
    collapse: bool = False  # whether variants and copies of a product shall be one hit
    diversity: float = 0.0  # 0..1: how much hits shall differ; 1 looks at nothing else

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked for but the filter: then the page lists what matches it."""
        asks_for_more = any(wanted.weight > 0.0 for wanted in self.also)
        return not (self.text.strip() or self.image or self.product_id or asks_for_more)

    def by_words_alone(self) -> Query:
        """The same without its pictures and products."""
        also = tuple(wanted for wanted in self.also if wanted.text)
        return replace(
            self, image=None, crop=None, product_id=None, also=also, text_weight=1.0, diversity=0.0
        )

    @property
    def wishes(self) -> tuple[Wanted, ...]:
        """All further wishes; `negatives` are words with a weight of -`NEGATIVE_WEIGHT`."""
        return (*self.also, *(Wanted(text=t, weight=-NEGATIVE_WEIGHT) for t in self.negatives))
