"""The JSON documents of the API, as models: the OpenAPI document is made of them.

They describe what `wire.py` writes, exactly and with nothing further, so that a test that compares
real answers with them notices every key that is added without being told.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shopsearch.domain import Lack

Cosine = Annotated[float, Field(ge=-1.0001, le=1.0001, description="Higher is better.")]
Count = Annotated[int, Field(ge=0)]
Currency = Annotated[str, Field(description="ISO 4217.")]


class Document(BaseModel):
    """The base of all answers: closed."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class ProblemDocument(Document):
    """What went wrong, as RFC 9457 has it."""

    type: str = Field(description="about:blank: `code` says which problem it is.")
    title: str = Field(description="The status in words.")
    status: int = Field(ge=400, le=599)
    detail: str = Field(description="For people: what happened, with which value, what to do.")
    code: str = Field(description="For programs: stable.", pattern=r"^[a-z0-9-]+$")
    request_id: str = Field(description="The log of the server has it too.")


class ModalityDocument(Document):
    """What one modality of a product gives to its cosine; null for what is not known."""

    share: float | None = Field(description="Its Shapley value.")
    alone: float | None = Field(description="The cosine with this modality alone.")


class SimilarityDocument(Document):
    """The cosine of an embedding of the query and one of the product."""

    query: Literal["image", "text"]
    product: Literal["image", "text"]
    cosine: float | None


class FeatureDocument(Document):
    """What a feature of the ranking gives to a score."""

    value: float | None
    weight: float
    part: float | None


class ScoreDocument(Document):
    """A score as a sum."""

    cosine: float | None
    features: dict[str, FeatureDocument]
    exact: float | None
    rules: float | None = None
    signals: float | None = None
    unwanted: float | None = None
    understood: float | None = None


class PinDocument(Document):
    """That a merchandising rule holds a hit at a position."""

    rule: str
    action: Literal["pin"]
    position: int


class FactorDocument(Document):
    """That a merchandising rule weighs a hit."""

    rule: str
    action: Literal["boost", "bury"]
    factor: float


class SignalDocument(Document):
    """What a business signal did to a hit."""

    signal: str
    value: float | None
    weight: float
    factor: float | None
    part: float | None = None


class PreferredDocument(Document):
    """A part of the words that raised a hit."""

    kind: str
    text: str


class WhyDocument(Document):
    """Why a hit is one; a list by filter alone has rules and signals at most."""

    cosine: float | None = None
    modalities: dict[Literal["image", "text"], ModalityDocument] | None = None
    similarities: list[SimilarityDocument] | None = None
    score: ScoreDocument | None = None
    matched: dict[str, list[str]] | None = None
    filters: dict[str, list[str] | float] | None = None
    rules: list[PinDocument | FactorDocument] | None = None
    signals: list[SignalDocument] | None = None
    understood: list[PreferredDocument] | None = None


class ProductFields(Document):
    """What a product may be shown with."""

    title: str | None = None
    price: float | None = Field(None, description="In major units, such as 19.99.")
    currency: Currency | None = None
    image: str | None = Field(None, description="The address of its picture on this site.")
    description: str | None = None
    link: str | None = None
    brand: str | None = None
    product_type: str | None = Field(None, description="Its category, as a path.")
    availability: str | None = None
    color: str | None = None
    size: str | None = None
    material: str | None = None
    gender: str | None = None
    item_group_id: str | None = None
    gtin: str | None = None
    attributes: dict[str, str] | None = None


class HitDocument(ProductFields):
    """One hit. `fields` of the request says which keys it has beside `product_id`."""

    product_id: str
    rank: int | None = Field(None, ge=1, description="1 is best.")
    score: Cosine | None = None
    variants: int | None = Field(None, ge=1, description="Further variants that it stands for.")
    why: WhyDocument | None = None


class FacetValueDocument(Document):
    """A value to choose."""

    value: str
    count: Count
    chosen: bool
    children: list[FacetValueDocument] | None = None


class PriceBandDocument(Document):
    """The prices within two bounds, both included; null leaves a side open."""

    currency: Currency
    min: float | None
    max: float | None
    count: Count
    chosen: bool


class PriceBinDocument(Document):
    """How many products cost so much, both bounds included."""

    min: float
    max: float
    count: Count


class PriceHistogramDocument(Document):
    """All prices of one currency, in ascending bins that share no price and leave none out."""

    currency: Currency
    bins: list[PriceBinDocument] = Field(min_length=1, max_length=24)


class FacetDocument(Document):
    """The values of one field; the price has `bands` and `histograms` instead."""

    values: list[FacetValueDocument] | None = None
    n_values: Count | None = None
    bands: list[PriceBandDocument] | None = None
    histograms: list[PriceHistogramDocument] | None = None
    n_missing: Count


class UnderstoodDocument(Document):
    """What a part of the words was taken for."""

    kind: Literal["price", "size", "brand", "color", "category", "gender", "material"]
    text: str
    field: str
    filter: bool
    applied: bool
    min: float | None = None
    max: float | None = None
    values: list[str] | None = None
    n_values: Count | None = None
    currency: Currency | None = None


class HitsDocument(Document):
    """Hits, and what answered."""

    hits: list[HitDocument]
    total: Count = Field(description="How many hits all pages have together.")
    took_ms: float = Field(ge=0)
    generation: str = Field(description="The index generation that answered.")
    query_id: str | None = Field(None, description="Events name it; there where it is logged.")
    facets: dict[str, FacetDocument] | None = None
    did_you_mean: str | None = None
    relaxed: list[str] | None = None
    understood: list[UnderstoodDocument] | None = None
    degraded: list[Lack] | None = Field(
        None, description="What is out of reach: without `vectors`, words alone are answered."
    )


class PageDocument(HitsDocument):
    """One page of the answer to a search."""

    page: int = Field(ge=1)
    size: int = Field(ge=1, le=100)


class FailedSearchDocument(Document):
    """A search of a batch that could not be answered."""

    status: int = Field(ge=400, le=599)
    problem: ProblemDocument


class AnsweredSearchDocument(PageDocument):
    """A search of a batch that was answered."""

    status: Literal[200]


class BatchDocument(Document):
    """The answers to several searches, in their order."""

    results: list[AnsweredSearchDocument | FailedSearchDocument]
    took_ms: float = Field(ge=0)


class ProductDocument(ProductFields):
    """Everything that the catalog holds of one product; "" where it holds nothing."""

    product_id: str


class SuggestionDocument(Document):
    """What may be meant by the beginning of a search."""

    text: str
    kind: Literal["words", "brand", "query"]


class SuggestedProductDocument(Document):
    """A product that may be meant."""

    product_id: str
    title: str
    price: float | None
    currency: Currency | None
    image: str | None


class SuggestedCategoryDocument(Document):
    """A category that may be meant, and how many products it has."""

    category: str
    products: Count


class SuggestDocument(Document):
    """What the beginning of a search may become."""

    q: str
    suggestions: list[SuggestionDocument]
    products: list[SuggestedProductDocument]
    categories: list[SuggestedCategoryDocument]
    took_ms: float = Field(ge=0)
