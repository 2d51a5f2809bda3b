"""Where links of results lead: the search at hand with a part more, or a part less."""

from __future__ import annotations

from dataclasses import replace

from shopsearch.domain import AnyOf
from shopsearch.server.search_request import SearchRequest
from shopsearch.server.wish_fields import WishField


def filtered(field: str, value: str) -> SearchRequest:
    """Everything that has a value in a field."""
    return SearchRequest(filters=(AnyOf(field, (value,)),))


def unfiltered(asked: SearchRequest, field: str, value: str) -> SearchRequest:
    """The same search without one value of a filter."""
    kept = (
        AnyOf(any_of.field, tuple(v for v in any_of.values if (any_of.field, v) != (field, value)))
        for any_of in asked.filters
    )
    return replace(asked, filters=tuple(any_of for any_of in kept if any_of.values), page=1)


def unsaid(asked: SearchRequest, words: str) -> SearchRequest:
    """The same search without one thing that it must not be like."""
    kept = tuple(negative for negative in asked.negatives if negative != words)
    return replace(asked, negatives=kept, page=1)


def unwished(asked: SearchRequest, wish: WishField) -> SearchRequest:
    """The same search without one of its further wishes."""
    return replace(asked, also=tuple(one for one in asked.also if one != wish), page=1)


def variants_of(asked: SearchRequest, group: str) -> SearchRequest:
    """The same search for all variants of one product."""
    others = tuple(one for one in asked.filters if one.field != "item_group_id")
    of_group = AnyOf("item_group_id", (group,))
    return replace(asked, filters=(*others, of_group), collapse=False, cutoff=False, page=1)
