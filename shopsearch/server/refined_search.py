"""A search as talk refines it: a request made a query, and a refined query made a request again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from shopsearch.domain import AnyOf, Between, Condition, Exists, ProductFilter, Query, Wanted
from shopsearch.server.search_request import SearchRequest
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
