"""What is answered to a request for recommendations."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Cosine = Annotated[float, Field(ge=-1, le=1)]
Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Times = Annotated[float, Field(ge=0)]


class Answered(BaseModel):
    """The base: frozen, with no other fields than those that are told."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ReasonDocument(Answered):
    """Why a product is recommended; `text` says it to people, in English."""

    text: str


class SimilarReason(ReasonDocument):
    """It is like the product asked about."""

    kind: Literal["similar", "like", "dislike"]
    product_id: str
    cosine: Cosine
    text_cosine: Cosine | None = None
    image_cosine: Cosine | None = None


class InterestReason(ReasonDocument):
    """It is like some of what the visitor had to do with."""

    kind: Literal["interest"]
    product_ids: list[str]
    share: Share
    cosine: Cosine


class BoughtTogetherReason(ReasonDocument):
    """It was in baskets with a product at hand; `lift` is shrunk, 1 is as often as by chance."""

    kind: Literal["bought_together"]
    product_id: str
    n_together: Annotated[int, Field(ge=1)]
    lift: Times


class ComplementaryReason(ReasonDocument):
    """Its category goes with that of a product at hand; `n_baskets` 0: by pictures and words."""

    kind: Literal["complementary"]
    product_id: str
    category: str
    share: Share
    n_baskets: Count
    cosine: Cosine


class TrendingReason(ReasonDocument):
    """Visitors turned to it more than before; `growth` is shrunk, 1 is as expected."""

    kind: Literal["trending"]
    growth: Times
    n_events: Count
    n_before: Count


class PopularReason(ReasonDocument):
    """Visitors had to do with it."""

    kind: Literal["popular"]
    n_events: Count


class ColdStartReason(ReasonDocument):
    """No event tells of it."""

    kind: Literal["cold_start"]
    basis: Literal["popularity", "newest"]


class RuleReason(ReasonDocument):
    """A merchandising rule touched it; `by` is the position of a pin, else the factor."""

    kind: Literal["rule"]
    rule: str
    action: Literal["pin", "boost", "bury"]
    by: float


AnyReason = Annotated[
    SimilarReason
    | InterestReason
    | BoughtTogetherReason
    | ComplementaryReason
    | TrendingReason
    | PopularReason
    | ColdStartReason
    | RuleReason,
    Field(discriminator="kind"),
]


class RecommendedHit(Answered):
    """A recommended product; `variants` are further ones that it stands for."""

    rank: Annotated[int, Field(ge=1)]
    score: Cosine
    product_id: str
    title: str
    price: float | None
    currency: str | None
    image: str | None
    variants: Annotated[int, Field(ge=1)] | None = None
    reasons: list[AnyReason]


class RecommendationsDocument(Answered):
    """The answer; `unknown` are ids that the catalog does not hold, `fallback` what was
    recommended instead where nothing was known to go by.
    """

    hits: list[RecommendedHit]
    total: Count
    took_ms: Annotated[float, Field(ge=0)]
    generation: str
    unknown: list[str] | None = None
    fallback: Literal["complementary", "trending", "popularity", "newest"] | None = None
    query_id: str | None = None
