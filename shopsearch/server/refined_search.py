"""A search as talk refines it: a request made a query, a refined query made a request again, and a
request written as JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from shopsearch.domain import AnyOf, Between, Condition, Exists, ProductFilter, Query, Sort, Wanted
from shopsearch.server.search_request import (
    DEFAULT_FACET_LIMIT,
    DEFAULT_SIZE,
    SearchRequest,
)
from shopsearch.server.wish_fields import WishField

_PRICE = "price"


def query_to_refine(request: SearchRequest) -> Query:
    """What a request asks for. Values keep their spelling, and a wish for a picture has its address
    in place of the picture.
    """
    conditions: list[Condition] = [*request.filters, *request.further]
    if request.price_min is not None or request.price_max is not None:
        conditions.append(Between(_PRICE, request.price_min, request.price_max))
    pictured = tuple(
        Wanted(image=one.value.encode(), weight=one.weight)
        for one in request.also
        if one.kind == "image_url"
    )
    return replace(request.query(pictured=pictured), where=ProductFilter(tuple(conditions)))


def refined_request(request: SearchRequest, query: Query) -> SearchRequest:
    """The request with what its query, as `query_to_refine` made it, was refined to."""
    conditions = query.where.conditions
    prices = [one for one in conditions if isinstance(one, Between) and one.field == _PRICE]
    price = prices[0] if prices else Between(_PRICE)
    return replace(
        request,
        text=query.text,
        product_id=query.product_id,
        text_weight=query.text_weight,
        negatives=query.negatives,
        also=tuple(map(_wish, query.also)),
        filters=tuple(one for one in conditions if isinstance(one, AnyOf) and not one.negate),
        further=tuple(_further(query)),
        price_min=price.low,
        price_max=price.high,
        sort=query.sort,
        literal=query.literal,
        page=request.page if query == query_to_refine(request) else 1,
    )


def _wish(wanted: Wanted) -> WishField:
    if wanted.image is not None:
        return WishField("image_url", wanted.image.decode(), wanted.weight)
    if wanted.product_id is not None:
        return WishField("product_id", wanted.product_id, wanted.weight)
    return WishField("text", wanted.text, wanted.weight)


def _further(query: Query) -> Iterator[Condition]:
    for one in query.where.conditions:
        match one:
            case Exists() | AnyOf(negate=True):
                yield one
            case Between(field) if field != _PRICE:
                yield one


def search_document(request: SearchRequest) -> dict[str, Any]:
    """A search as `POST /api/v1/search` takes it, without what is not asked for."""
    told = {
        "q": request.text,
        "image_url": request.image_url,
        "product_id": request.product_id,
        "crop": _crop(request),
        "text_weight": None if request.text_weight == 0.5 else request.text_weight,
        "not": list(request.negatives),
        "also": [{one.kind: one.value, "weight": one.weight} for one in request.also],
        "filter": _values(request.filters),
        "exclude": _values(request.further),
        **_bounds(request),
        "price": _told({"min": request.price_min, "max": request.price_max}),
        "sort": None if request.sort is Sort.RELEVANCE else request.sort.value,
        "diversity": request.diversity or None,
        "size": None if request.size == DEFAULT_SIZE else request.size,
        "page": None if request.page == 1 else request.page,
        "why": request.explain or None,
        "as_typed": request.as_typed or None,
        "understand": None if request.understand else False,
        "literal": list(request.literal),
        "cutoff": request.cutoff,
        "collapse": request.collapse,
        "facets": list(request.facets),
        "facet_limit": None if request.facet_limit == DEFAULT_FACET_LIMIT else request.facet_limit,
        "facet_query": request.facet_query,
        "fields": list(request.fields),
    }
    return _told(told)


def _told(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "", [], {})}


def _crop(request: SearchRequest) -> list[float] | None:
    region = request.crop
    return [region.x, region.y, region.width, region.height] if region else None


def _values(conditions: Iterable[Condition]) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for one in conditions:
        if isinstance(one, AnyOf):
            values.setdefault(one.field, []).extend(one.values)
    return values


def _bounds(request: SearchRequest) -> dict[str, dict[str, Any]]:
    numbers = [one for one in request.further if isinstance(one, Between)]
    return {
        "min": _told({one.field: one.low for one in numbers}),
        "max": _told({one.field: one.high for one in numbers}),
        "has": {one.field: one.present for one in request.further if isinstance(one, Exists)},
    }
