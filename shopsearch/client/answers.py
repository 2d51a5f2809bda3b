"""What the API answers, as models. Keys are added over time: those not known here are kept, and
are in `model_extra`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Answer(BaseModel):
    """The base of all answers: frozen, and open to what a newer server says."""

    model_config = ConfigDict(extra="allow", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, told: Any) -> Any:
        """What is null is as if it was not told."""
        if not isinstance(told, dict):
            return told
        return {name: value for name, value in told.items() if value is not None}


class Described(Answer):
    """What a product may be shown with; None for what was not asked for with `fields`."""

    product_id: str
    title: str | None = None
    price: float | None = None  # in major units
    currency: str | None = None  # ISO 4217
    image: str | None = None  # address on the server
    description: str | None = None
    link: str | None = None
    brand: str | None = None
    product_type: str | None = None
    availability: str | None = None
    color: str | None = None
    size: str | None = None
    material: str | None = None
    gender: str | None = None
    item_group_id: str | None = None
    gtin: str | None = None
    attributes: Mapping[str, str] | None = None


class Product(Described):
    """Everything that the catalog holds of one product; "" where it holds nothing."""

    etag: str | None = None  # names this state of it, for `product(..., known=...)`


class Hit(Described):
    """A product that was found."""

    rank: int | None = None  # 1 is best
    score: float | None = None  # -1..1, higher is better
    variants: int | None = None  # further ones that it stands for
    why: Mapping[str, Any] | None = None
    reasons: tuple[Mapping[str, Any], ...] | None = None  # of a recommendation


class FacetValue(Answer):
    """A value to choose, and how many products have it."""

    value: str
    count: int
    chosen: bool = False
    children: tuple[FacetValue, ...] = ()


class PriceBand(Answer):
    """The prices within two bounds, both included; None leaves a side open."""

    currency: str
    min: float | None = None
    max: float | None = None
    count: int
    chosen: bool = False


class PriceBin(Answer):
    """How many products cost so much, both bounds included."""

    min: float
    max: float
    count: int


class PriceHistogram(Answer):
    """All prices of one currency, in ascending bins."""

    currency: str
    bins: tuple[PriceBin, ...]


class Facet(Answer):
    """The values of one field; the price has `bands` and `histograms` instead."""

    values: tuple[FacetValue, ...] = ()
    bands: tuple[PriceBand, ...] = ()
    histograms: tuple[PriceHistogram, ...] = ()
    n_values: int | None = None
    n_missing: int = 0


class Understood(Answer):
    """What a part of the words was taken for."""

    kind: str
    text: str
    field: str
    filter: bool
    applied: bool
    min: float | None = None
    max: float | None = None
    values: tuple[str, ...] | None = None
    currency: str | None = None


class Page(Answer):
    """Hits, and what answered."""

    hits: tuple[Hit, ...]
    total: int
    took_ms: float
    generation: str
    page: int = 1
    size: int | None = None
    query_id: str | None = None  # clicks name it
    facets: Mapping[str, Facet] = Field(default_factory=dict)
    did_you_mean: str | None = None
    relaxed: tuple[str, ...] = ()
    understood: tuple[Understood, ...] = ()
    degraded: tuple[str, ...] = ()  # what was out of reach: "vectors", so words alone answered
    unknown: tuple[str, ...] = ()  # of recommendations: ids that the catalog does not hold
    fallback: str | None = None  # of recommendations: what was recommended instead


class BatchFailure(Answer):
    """A search of a batch that could not be answered."""

    status: int
    code: str
    detail: str


class SuggestedText(Answer):
    """What the beginning of a search may become."""

    text: str
    kind: str


class SuggestedProduct(Answer):
    """A product that may be meant."""

    product_id: str
    title: str
    price: float | None = None
    currency: str | None = None
    image: str | None = None


class SuggestedCategory(Answer):
    """A category that may be meant, and how many products it has."""

    category: str
    products: int


class Suggestions(Answer):
    """What may be meant by the beginning of a search, the likeliest first."""

    q: str
    suggestions: tuple[SuggestedText, ...]
    products: tuple[SuggestedProduct, ...]
    categories: tuple[SuggestedCategory, ...]


class Accepted(Answer):
    """How many events were taken."""

    accepted: int


class Written(Answer):
    """What became of a product that was written or removed, as the server tells it."""

    product_id: str
    status: str  # indexed, unchanged, removed; of one of many also rejected
    generation: str | None = None  # the index generation that has it
    reason: str | None = None  # why it was rejected
    field: str | None = None  # the field to blame for that


class BulkOutcome(Answer):
    """What became of many changes, in their order."""

    results: tuple[Written, ...]
    indexed: int
    unchanged: int
    removed: int
    rejected: int
    generation: str | None = None


class Check(Answer):
    """One part that searches need."""

    ok: bool
    detail: str = ""


class Health(Answer):
    """Whether a server can answer searches, and what is wrong where it cannot."""

    status: str  # ready, degraded, not-ready
    generation: str | None = None
    detail: str | None = None
    checks: Mapping[str, Check] = Field(default_factory=dict)
