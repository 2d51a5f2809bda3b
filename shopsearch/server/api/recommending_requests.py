"""What a request for recommendations brings: one model for each kind."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    ConfigDict,
    Field,
    RootModel,
    StringConstraints,
    model_validator,
)

from shopsearch.domain import (
    MAX_DEEDS,
    MAX_EXAMPLES,
    MAX_PRODUCT_ID_CHARS,
    MAX_RECOMMENDED,
    MAX_SEEDS,
    MAX_VISITOR_CHARS,
    AnyOf,
    Between,
    BoughtTogether,
    ByExamples,
    ByHistory,
    Complementary,
    Condition,
    Deed,
    EventKind,
    Exists,
    ProductFilter,
    Recommend,
    SimilarTo,
    Strategy,
    Trending,
    Wanting,
)
from shopsearch.recommend.checking import (
    MAX_DAYS,
    MAX_DAYS_AGO,
    MAX_HALF_LIFE_DAYS,
    MAX_INTERESTS,
    MIN_DAYS,
)
from shopsearch.server.api.reading import JSON_WHOLE, Asked
from shopsearch.server.filter_fields import MAX_FIELD_CHARS
from shopsearch.server.search_request import MAX_REPEATS, MAX_WORDS_CHARS

MAX_FIELDS = 50

ProductId = Annotated[str, StringConstraints(min_length=1, max_length=MAX_PRODUCT_ID_CHARS)]
Visitor = Annotated[str, StringConstraints(min_length=1, max_length=MAX_VISITOR_CHARS)]
FieldName = Annotated[str, StringConstraints(min_length=1, max_length=MAX_FIELD_CHARS)]
Value = Annotated[str, StringConstraints(min_length=1, max_length=MAX_WORDS_CHARS)]
Values = Value | Annotated[tuple[Value, ...], Field(min_length=1, max_length=MAX_REPEATS)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-1e12, le=1e12)]
Amount = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0, le=1e12)]
Flag = Annotated[bool, Field(strict=True)]
Share = Annotated[float, Field(strict=True, ge=0, le=1)]
HowMany = Annotated[int, Field(strict=True, ge=1, le=MAX_RECOMMENDED), JSON_WHOLE]
HowManyInterests = Annotated[int, Field(strict=True, ge=1, le=MAX_INTERESTS), JSON_WHOLE]


class PriceBounds(Asked):
    """Bounds of the price in major units, both included."""

    min: Amount | None = None
    max: Amount | None = None


class Narrowed(Asked):
    """What every kind takes: how many, of which products, and how different."""

    k: HowMany = 10
    diversity: Share = 0.0
    collapse: Annotated[Flag, Field(description="Variants of a product are one hit.")] = True
    filter: Annotated[
        dict[FieldName, Values],
        Field(description="Fields and the values of which one will do."),
    ] = Field(default_factory=dict, max_length=MAX_FIELDS)
    exclude: Annotated[
        dict[FieldName, Values], Field(description="Fields and values that will not do.")
    ] = Field(default_factory=dict, max_length=MAX_FIELDS)
    price: PriceBounds = PriceBounds()
    min: Annotated[
        dict[FieldName, Number], Field(description="Fields and their lowest number.")
    ] = Field(default_factory=dict, max_length=MAX_FIELDS)
    max: Annotated[
        dict[FieldName, Number], Field(description="Fields and their highest number.")
    ] = Field(default_factory=dict, max_length=MAX_FIELDS)
    has: Annotated[
        dict[FieldName, Flag], Field(description="Fields that must have a value, or none.")
    ] = Field(default_factory=dict, max_length=MAX_FIELDS)

    def where(self) -> ProductFilter:
        """The filter."""
        conditions: list[Condition] = [
            *(_any_of(field, values) for field, values in self.filter.items()),
            *(_any_of(field, values, negate=True) for field, values in self.exclude.items()),
            *(Exists(field, present) for field, present in self.has.items()),
        ]
        for field in dict.fromkeys((*self.min, *self.max)):
            conditions.append(Between(field, self.min.get(field), self.max.get(field)))
        if self.price.min is not None or self.price.max is not None:
            conditions.append(Between("price", self.price.min, self.price.max))
        return ProductFilter(tuple(conditions))

    def of(self, wanting: Wanting) -> Recommend:
        """The request for the service."""
        return Recommend(
            wanting=wanting,
            where=self.where(),
            k=self.k,
            diversity=self.diversity,
            collapse=self.collapse,
        )


class SimilarRequest(Narrowed):
    """What is like one product."""

    kind: Literal["similar"]
    product_id: ProductId
    text_weight: Annotated[
        Share | None,
        Field(description="0 looks like it, 1 is described like it; null weighs as the index."),
    ] = None

    def asked(self) -> Recommend:
        """The request for the service."""
        return self.of(SimilarTo(product_id=self.product_id, text_weight=self.text_weight))


class ExamplesRequest(Narrowed):
    """What is like the liked and unlike the disliked products."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": ["like"], "properties": {"like": {"minItems": 1}}},
                {"required": ["dislike"], "properties": {"dislike": {"minItems": 1}}},
            ]
        }
    )

    kind: Literal["examples"]
    like: Annotated[tuple[ProductId, ...], Field(max_length=MAX_EXAMPLES)] = ()
    dislike: Annotated[tuple[ProductId, ...], Field(max_length=MAX_EXAMPLES)] = ()
    strategy: Literal["average_vector", "best_score"] = "average_vector"

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if not (self.like or self.dislike):
            raise ValueError("name products in `like`, or in `dislike`")
        return self

    def asked(self) -> Recommend:
        """The request for the service. A product that is named twice is liked."""
        disliked = tuple(one for one in self.dislike if one not in self.like)
        return self.of(
            ByExamples(liked=self.like, disliked=disliked, strategy=Strategy(self.strategy))
        )


class EventRequest(Asked):
    """That the visitor did something with a product."""

    product_id: ProductId
    type: Literal["view", "click", "add_to_cart", "purchase"] = "view"
    days_ago: Annotated[float, Field(strict=True, ge=0, le=MAX_DAYS_AGO)] = 0.0

    def deed(self) -> Deed:
        """The same for the service."""
        return Deed(
            product_id=self.product_id, kind=EventKind(self.type), days_ago=float(self.days_ago)
        )


class HistoryRequest(Narrowed):
    """What fits what a visitor did."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": ["events"], "properties": {"events": {"minItems": 1}}},
                {"required": ["visitor_id"], "properties": {"visitor_id": {"type": "string"}}},
            ]
        }
    )

    kind: Literal["history"]
    events: Annotated[tuple[EventRequest, ...], Field(max_length=MAX_DEEDS)] = ()
    visitor_id: Annotated[
        Visitor | None, Field(description="Of whom the events that were told are known.")
    ] = None
    half_life_days: Annotated[
        float, Field(strict=True, ge=MIN_DAYS, le=MAX_HALF_LIFE_DAYS, allow_inf_nan=False)
    ] = 14.0
    max_interests: HowManyInterests = 5

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if not (self.events or self.visitor_id):
            raise ValueError("tell `events`, or name the `visitor_id`")
        return self

    def asked(self) -> Recommend:
        """The request for the service."""
        return self.of(
            ByHistory(
                deeds=tuple(one.deed() for one in self.events),
                visitor=self.visitor_id or "",
                half_life_days=self.half_life_days,
                max_interests=self.max_interests,
            )
        )


class BoughtTogetherRequest(Narrowed):
    """What was bought in one basket with products."""

    kind: Literal["bought_together"]
    product_ids: Annotated[tuple[ProductId, ...], Field(min_length=1, max_length=MAX_SEEDS)]

    def asked(self) -> Recommend:
        """The request for the service."""
        return self.of(BoughtTogether(product_ids=self.product_ids))


class ComplementaryRequest(Narrowed):
    """What goes with products, out of other categories."""

    kind: Literal["complementary"]
    product_ids: Annotated[tuple[ProductId, ...], Field(min_length=1, max_length=MAX_SEEDS)]

    def asked(self) -> Recommend:
        """The request for the service."""
        return self.of(Complementary(product_ids=self.product_ids))


class TrendingRequest(Narrowed):
    """What visitors turn to: the last days against as many before them."""

    kind: Literal["trending"]
    days: Annotated[float, Field(strict=True, ge=MIN_DAYS, le=MAX_DAYS)] = 7.0
    category: Value | None = None

    def asked(self) -> Recommend:
        """The request for the service."""
        return self.of(Trending(days=self.days, category=self.category or ""))


class RecommendationRequest(
    RootModel[
        Annotated[
            SimilarRequest
            | ExamplesRequest
            | HistoryRequest
            | BoughtTogetherRequest
            | ComplementaryRequest
            | TrendingRequest,
            Field(discriminator="kind"),
        ]
    ]
):
    """One of the kinds, by `kind`."""


def _any_of(field: str, values: Any, *, negate: bool = False) -> AnyOf:
    given = (values,) if isinstance(values, str) else values
    return AnyOf(field, tuple(value.casefold() for value in given), negate)
