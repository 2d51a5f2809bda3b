"""Where the values of a facet lead on a page: the same search with one chosen, or without it."""

from __future__ import annotations

import hashlib
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
LISTED = tuple(name for name in SHOWN if name != "price")  # by their values
PRICE, CURRENCY = "price", "currency"
SHOWN_AT_ONCE = 8  # values of a facet; those beyond are a click away
SEARCHED_FROM = 12  # values of a facet: from then on they can be searched
OPEN_AT_ONCE = 4  # facets; those beyond are folded until something is chosen in them


def worth_showing(facets: Iterable[Facet]) -> list[Facet]:
    """The facets that leave a choice, or that a choice was made in."""
    return [facet for facet in facets if is_chosen(facet) or _n_choices(facet) > 1]


def is_chosen(facet: Facet) -> bool:
    """Whether the search filters by it."""
    return any_chosen(facet.values) or any(band.chosen for band in facet.bands)


def is_active(asked: SearchRequest, facet: Facet) -> bool:
    """Whether the search filters by it, by a value or by bounds."""
    return is_chosen(facet) or (facet.field == PRICE and _is_bounded(asked))


def n_active(asked: SearchRequest, understood: Iterable[UnderstoodPart] = ()) -> int:
    """How many filters there are, those that were read out of the words included."""
    n_values = sum(len(one.values) for one in asked.filters if one.field != CURRENCY)
    n_read = sum(part.is_filter and part.applied for part in understood)
    return n_values + len(asked.further) + _is_bounded(asked) + n_read


def cleared(
    asked: SearchRequest, facet: Facet, understood: Iterable[UnderstoodPart] = ()
) -> SearchRequest:
    """The search without any filter by a facet."""
    dropped = {facet.field, CURRENCY} if facet.field == PRICE else {facet.field}
    kept = tuple(one for one in asked.filters if _field(one) not in dropped)
    words = [one.text for one in understood if one.is_filter and one.wish.field == facet.field]
    without = _with_literal(replace(asked, filters=kept), words)
    return replace(without, price_min=None, price_max=None) if facet.field == PRICE else without


def all_cleared(asked: SearchRequest, understood: Iterable[UnderstoodPart] = ()) -> SearchRequest:
    """The search without any filter; words that were understood as one are words alone."""
    return _with_literal(asked.unfiltered(), [one.text for one in understood if one.is_filter])


def key_of(facet: Facet, value: str) -> str:
    """What tells a value from all others on a page, the same on the next one."""
    named = f"{facet.field}\0{value.casefold()}".encode()
    return hashlib.blake2b(named, digest_size=6).hexdigest()


def n_listed(values: Iterable[FacetValue]) -> int:
    """How many values there are, with those below them."""
    return len(flattened(values))


def flattened(values: Iterable[FacetValue]) -> list[FacetValue]:
    """Values and those below them, in the order of a tree that is read aloud."""
    return [one for value in values for one in (value, *flattened(value.children))]


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
        return _with_literal(asked, words)
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
    return _with_literal(asked, [part.text])


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
        return _with_literal(asked, words)
    if band.chosen:
        return replace(asked, price_min=None, price_max=None, page=1)
    bounded = replace(asked, price_min=band.low, price_max=band.high, page=1)
    if len({one.currency for one in facet.bands}) == 1:
        return bounded
    others = tuple(one for one in asked.filters if one.field != CURRENCY)
    return replace(bounded, filters=(*others, AnyOf(CURRENCY, (band.currency,))))


def unconditioned(asked: SearchRequest, condition: Condition) -> SearchRequest:
    """The search without one of its further conditions."""
    kept = tuple(one for one in asked.further if one != condition)
    return replace(asked, further=kept, page=1)


def _with_literal(asked: SearchRequest, words: Iterable[str]) -> SearchRequest:
    literal = tuple(dict.fromkeys((*asked.literal, *words)))
    return replace(asked, literal=literal, page=1)


def _is_bounded(asked: SearchRequest) -> bool:
    is_of_currency = any(one.field == CURRENCY for one in asked.filters)
    return asked.price_min is not None or asked.price_max is not None or is_of_currency


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
    return n_listed(facet.values) + len(facet.bands)
