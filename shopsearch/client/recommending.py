"""What can be asked to be recommended: one noun for each kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal

from shopsearch.client.asking import Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What every kind takes: how many, of which products, how different. What is None is left to
    the server.
    """

    kind: ClassVar[str]

    k: int | None = None
    diversity: float | None = None
    collapse: bool | None = None
    filter: Mapping[str, Values] = field(default_factory=dict)
    exclude: Mapping[str, Values] = field(default_factory=dict)
    min: Mapping[str, float] = field(default_factory=dict)
    max: Mapping[str, float] = field(default_factory=dict)
    has: Mapping[str, bool] = field(default_factory=dict)
    price_min: float | None = None
    price_max: float | None = None

    def document(self) -> dict[str, Any]:
        """As JSON."""
        told = {one.name: _plain(getattr(self, one.name)) for one in fields(self)}
        price = {"min": told.pop("price_min"), "max": told.pop("price_max")}
        told["price"] = {name: bound for name, bound in price.items() if bound is not None}
        kept = {name: value for name, value in told.items() if value not in (None, [], {})}
        return {"kind": self.kind, **kept}


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarTo(Wanted):
    """What is like one product; `text_weight` 0: looks like it, 1: is described like it."""

    kind: ClassVar[str] = "similar"

    product_id: str
    text_weight: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ByExamples(Wanted):
    """What is like the liked and unlike the disliked products; one of them at least."""

    kind: ClassVar[str] = "examples"

    like: Sequence[str] = ()
    dislike: Sequence[str] = ()
    strategy: Literal["average_vector", "best_score"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """That the visitor had to do with a product."""

    product_id: str
    type: Literal["view", "click", "add_to_cart", "purchase"] = "view"
    days_ago: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ByHistory(Wanted):
    """What fits what a visitor did: as told here, and as earlier events told of the visitor."""

    kind: ClassVar[str] = "history"

    events: Sequence[Past] = ()
    visitor_id: str | None = None
    half_life_days: float | None = None
    max_interests: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoughtTogether(Wanted):
    """What was bought in one basket with these products."""

    kind: ClassVar[str] = "bought_together"

    product_ids: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Complementary(Wanted):
    """What goes with these products, out of other categories."""

    kind: ClassVar[str] = "complementary"

    product_ids: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trending(Wanted):
    """What visitors turn to more than before, within so many days."""

    kind: ClassVar[str] = "trending"

    days: float | None = None
    category: str | None = None


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in value]
    if isinstance(value, Past):
        return {"product_id": value.product_id, "type": value.type, "days_ago": value.days_ago}
    return value
