"""Where the values of a facet lead on a page: the same search with one chosen, or without it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from shopsearch.domain import (
    FILTER_ALIASES,
    AnyOf,
    Between,
    Condition,
    Facet,
    FacetValue,
    PriceBand,
    UnderstoodPart,
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


def toggled(
    asked: SearchRequest,
    facet: Facet,
    value: FacetValue,
    understood: Iterable[UnderstoodPart] = (),
) -> SearchRequest:
    """The search with a value, or without it where it is chosen. One category at a time.

    A value that was chosen by words goes by taking these for words alone.
    """
    if value.chosen and (words := _words_for(facet, value, understood)):
        return replace(asked, literal=tuple(dict.fromkeys((*asked.literal, *words))), page=1)
    others = tuple(one for one in asked.filters if _field(one) != facet.field)
    mine = [v for one in asked.filters if _field(one) == facet.field for v in one.values]
    folded = value.value.casefold()
    if facet.field == CATEGORY:
        mine = []
    kept = tuple(word for word in mine if word.casefold() != folded)
    values = kept if value.chosen else (*kept, value.value)
    filters = (*others, AnyOf(facet.field, values)) if values else others
    return replace(asked, filters=filters, page=1)


def taken_literally(asked: SearchRequest, part: UnderstoodPart) -> SearchRequest:
    """The search with some of its words taken for words alone."""
    literal = dict.fromkeys((*asked.literal, part.text))
    return replace(asked, literal=tuple(literal), page=1)


def banded(
    asked: SearchRequest,
    facet: Facet,
    band: PriceBand,
    understood: Iterable[UnderstoodPart] = (),
) -> SearchRequest:
    """The search with the bounds of a price band, or without them where they are chosen.

    Where the shop has several currencies, the band's own is filtered by too.
    """
    bounds = Between("price", band.low, band.high)
    if band.chosen and (words := [one.text for one in understood if one.wish == bounds]):
        return replace(asked, literal=tuple(dict.fromkeys((*asked.literal, *words))), page=1)
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


def _words_for(facet: Facet, value: FacetValue, understood: Iterable[UnderstoodPart]) -> list[str]:
    """The words that were understood as a filter for a value."""
    return [
        part.text
        for part in understood
        if part.is_filter
        and isinstance(part.wish, AnyOf)
        and part.wish.field == facet.field
        and value.value.casefold() in part.wish.values
    ]


def _field(condition: AnyOf) -> str:
    return FILTER_ALIASES.get(condition.field, condition.field)


def _n_choices(facet: Facet) -> int:
    below = sum(len(value.children) for value in facet.values)
    return len(facet.values) + below + len(facet.bands)
