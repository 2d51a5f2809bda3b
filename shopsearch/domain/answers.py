"""What a search answers: hits, why they are hits, and facets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from shopsearch.domain.embeddings import Modality
from shopsearch.domain.filters import ProductFilter
from shopsearch.domain.products import Product
from shopsearch.domain.signals import SignalEffect
from shopsearch.domain.understood import UnderstoodPart


class RuleAction(StrEnum):
    """What a merchandising rule did to a hit."""

    PIN = "pin"
    BOOST = "boost"
    BURY = "bury"


@dataclass(frozen=True, slots=True)
class RuleEffect:
    """That a merchandising rule touched a hit."""

    rule: str  # its name
    action: RuleAction
    by: float  # the position of a pin, else the factor


@dataclass(frozen=True, slots=True)
class ModalityPart:
    """What one modality of a product gives to its cosine. None: not known."""

    share: float | None  # the Shapley value; those of all modalities sum to the cosine
    alone: float | None  # the cosine that the product would have with this modality alone

    @property
    def is_known(self) -> bool:
        """Whether the embedding of this modality is still kept."""
        return self.alone is not None


@dataclass(frozen=True, slots=True)
class Similarity:
    """The cosine of one embedding of a query and one of a product, before any fusion."""

    asked: Modality  # of the query
    found: Modality  # of the product
    cosine: float


@dataclass(frozen=True, slots=True)
class FeaturePart:
    """What a feature of the ranking gives to a score."""

    name: str
    value: float  # 0..1
    weight: float
    part: float  # of the score; may be negative


@dataclass(frozen=True, slots=True)
class ScoreParts:
    """The score of a hit as a sum: of the cosine, of features, and of what moves whole groups."""

    cosine: float
    features: tuple[FeaturePart, ...] = ()  # those with a weight
    # above 0 for the phrases in quotes, the whole title, a model number, the brand that is asked
    # for, the very picture or variant: where others, which they come before, are none of that
    exact: float = 0.0
    rules: float = 0.0  # what merchandising rules that boost or bury changed
    signals: float = 0.0  # what business signals changed
    unwanted: float = 0.0  # below 0 where it holds words that are not wanted, and so comes last
    understood: float = 0.0  # what the preferences that the query was understood to tell added

    @property
    def total(self) -> float:
        """The score."""
        features = sum(feature.part for feature in self.features)
        moved = self.rules + self.signals + self.understood + self.unwanted
        return self.cosine + features + self.exact + moved


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Why a product was found for a query, and in this place."""

    cosine: float  # of the vectors of query and product, as the index has it
    modalities: Mapping[Modality, ModalityPart]  # those that the product has
    similarities: tuple[Similarity, ...]  # where both sides exist and are known
    score: ScoreParts
    matched: Mapping[str, tuple[str, ...]]  # field of the product -> wanted words in it, folded
    passed: Mapping[str, tuple[str, ...] | float] = field(default_factory=dict)  # filtered field ->
    # what the product has there


@dataclass(frozen=True, slots=True)
class Hit:
    """A product found for a query.

    `score` is in [-1, 1], higher is better, and never rises with the rank of a search by relevance
    but around hits that a rule has moved, and where the query asks for diversity above 0: the
    cosine, or, where the query has words, its weighted mean with the features of the ranking.
    """

    product: Product
    score: float
    rank: int  # 1 is best
    image_hash: str | None = None  # content hash of the main picture, to show it by
    why: Why | None = None  # where the query asks to explain, and asks for more than a filter
    rules: tuple[RuleEffect, ...] = ()  # those that touched it, where the query asks to explain
    n_variants: int = 0  # further variants that it stands for, where the query asks to collapse
    signals: tuple[SignalEffect, ...] = ()  # those that weighed it, where it asks to explain
    preferred: tuple[UnderstoodPart, ...] = ()  # what it was raised for, where asked to explain


@dataclass(frozen=True, slots=True)
class FacetValue:
    """A value to choose, and how many products have it."""

    value: str  # as a product spells it; of a category, its path from the top
    count: int
    chosen: bool = False  # whether the query's filter names it
    children: tuple[FacetValue, ...] = ()  # of a category, the levels below it that are listed


@dataclass(frozen=True, slots=True)
class PriceBand:
    """The prices within two bounds, both included, in major units; None leaves a side open."""

    currency: str  # ISO 4217
    low: float | None
    high: float | None
    count: int
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class PriceBin:
    """How many products cost so much, both bounds included, in major units."""

    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class PriceHistogram:
    """All prices of one currency, in bins that ascend, share no price and leave none out."""

    currency: str  # ISO 4217
    bins: tuple[PriceBin, ...]  # at least one; the outer bounds are the least and greatest price


@dataclass(frozen=True, slots=True)
class Facet:
    """The values of one field among all products that pass the filters of the other fields.

    What the query's filter says about the field itself does not count, so that the values beside
    a chosen one stay in sight.
    """

    name: str  # as the query asked
    field: str  # under which it is filtered
    values: tuple[FacetValue, ...]  # the most frequent first, and those that the filter names
    n_values: int  # how many there are, the unlisted included
    n_missing: int  # how many products have none
    bands: tuple[PriceBand, ...] = ()  # of the price alone: each currency's, ascending
    histograms: tuple[PriceHistogram, ...] = ()  # of the price alone: one for each currency


Lack = Literal["vectors"]  # out of reach: the answer is by words alone


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of the answer to a query."""

    hits: tuple[Hit, ...]
    total: int  # how many hits all pages have together
    took_ms: float
    generation: str  # the index generation that answered
    facets: tuple[Facet, ...] = ()  # in the order in which the query asked for them
    # what every hit passes: the query's own filter, and what was read out of its words
    where: ProductFilter = field(default_factory=ProductFilter)
    did_you_mean: str | None = None  # the words that were searched for instead of those typed
    # words, folded, and phrases in quotes, that no product has together with the others
    relaxed: tuple[str, ...] = ()
    stages_ms: Mapping[str, float] = field(default_factory=dict)  # how long each stage took
    understood: tuple[UnderstoodPart, ...] = ()  # what the words of the query were taken for
    degraded: tuple[Lack, ...] = ()  # what could not be asked, so that the answer is a poorer one
