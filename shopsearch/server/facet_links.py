"""Where the values of a facet lead on a page: the same search with one chosen, or without it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from shopsearch.domain import (
    FILTER_ALIASES,
    AnyOf,
    Condition,
    Facet,
    FacetValue,
    PriceBand,
)
from shopsearch.server.search_request import SearchRequest

CATEGORY = "product_type"
SHOWN = (CATEGORY, "brand", "price", "color", "size", "gender", "material", "availability")
SHOWN_AT_ONCE = 8  # values of a facet; those beyond are a click away


def worth_showing(facets: Iterable[Facet]) -> list[Facet]:
    """The facets that leave a choice, or that a choice was made in."""
    return [facet for facet in facets if is_chosen(facet) or _n_choices(facet) > 1]


def is_chosen(facet: Facet) -> bool:
    """Whether the search filters by it."""
    return any_chosen(facet.values) or any(band.chosen for band in facet.bands)


def any_chosen(values: Iterable[FacetValue]) -> bool:
    """Whether the filter names one of the values, or one below them."""
    return any(map(leads_to_chosen, values))


def leads_to_chosen(value: FacetValue) -> bool:
    """Whether the filter names a value, or one below it."""
    return value.chosen or any_chosen(value.children)


def toggled(asked: SearchRequest, facet: Facet, value: FacetValue) -> SearchRequest:
    """The search with a value, or without it where it is chosen. One category at a time."""
    others = tuple(one for one in asked.filters if _field(one) != facet.field)
    mine = [v for one in asked.filters if _field(one) == facet.field for v in one.values]
    folded = value.value.casefold()
    if facet.field == CATEGORY:
        mine = []
    kept = tuple(word for word in mine if word.casefold() != folded)
    values = kept if value.chosen else (*kept, value.value)
    filters = (*others, AnyOf(facet.field, values)) if values else others
    return replace(asked, filters=filters, page=1)


def banded(asked: SearchRequest, facet: Facet, band: PriceBand) -> SearchRequest:
    """The search with the bounds of a price band, or without them where they are chosen.

    Where the shop has several currencies, the band's own is filtered by too.
    """
    if band.chosen:
        return replace(asked, price_min=None, price_max=None, page=1)
    bounded = replace(asked, price_min=band.low, price_max=band.high, page=1)
    if len({one.currency for one in facet.bands}) == 1:
        return bounded
    others = tuple(one for one in asked.filters if one.field != "currency")
    return replace(bounded, filters=(*others, AnyOf("currency", (band.currency,))))


def unconditioned(asked: SearchRequest, condition: Condition) -> SearchRequest:
    """The search without one of its further conditions."""
    kept = tuple(one for one in asked.further if one != condition)
    return replace(asked, further=kept, page=1)


def _field(condition: AnyOf) -> str:
    return FILTER_ALIASES.get(condition.field, condition.field)


def _n_choices(facet: Facet) -> int:
    below = sum(len(value.children) for value in facet.values)
    return len(facet.values) + below + len(facet.bands)
