"""Where links of results lead: the search at hand with a part more, or a part less."""

from __future__ import annotations

from dataclasses import replace

from shopsearch.domain import MAX_WISHES, NEGATIVE_WEIGHT, AnyOf
from shopsearch.server.search_request import SearchRequest
from shopsearch.server.wish_fields import WishField


def filtered(field: str, value: str) -> SearchRequest:
    """Everything that has a value in a field."""
    return SearchRequest(filters=(AnyOf(field, (value,)),))


def more_like(
    asked: SearchRequest | None, product_id: str, *, pictured: bool = False
) -> SearchRequest | None:
    """The search with "more like this product" added; one that asks for nothing yet, or none at
    all, becomes a search for what is like it. None where no more wishes count.
    """
    if asked is None:
        return SearchRequest(product_id=product_id)
    if not wants_something(asked, pictured=pictured):
        return replace(asked, product_id=product_id, page=1)
    return _wishing(asked, WishField("product_id", product_id, 1.0))


def less_like(
    asked: SearchRequest | None, product_id: str, *, pictured: bool = False
) -> SearchRequest | None:
    """The search with "less like this product" added. None where there is nothing to take it from,
    or no more wishes count.
    """
    if asked is None or not wants_something(asked, pictured=pictured):
        return None
    return _wishing(asked, WishField("product_id", product_id, -NEGATIVE_WEIGHT))


def is_full(asked: SearchRequest) -> bool:
    """Whether no more wishes count."""
    return len(asked.also) >= MAX_WISHES


def wants_something(asked: SearchRequest, *, pictured: bool = False) -> bool:
    """Whether a search asks for more than to filter, and to sort."""
    is_wished = any(wish.weight > 0.0 for wish in asked.also)
    return bool(asked.text or asked.product_id or pictured or is_wished)


def sound(asked: SearchRequest, *, pictured: bool = False) -> SearchRequest:
    """The same search, without what it must not be like where nothing is left to take it from."""
    if wants_something(asked, pictured=pictured):
        return asked
    return replace(asked, negatives=(), also=(), text_weight=0.5)


def without_words(asked: SearchRequest) -> SearchRequest:
    """The same search without its words, and what was said of them."""
    return replace(asked, text="", text_weight=0.5, as_typed=False, literal=(), page=1)


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


def _wishing(asked: SearchRequest, wish: WishField) -> SearchRequest | None:
    """The search with one more wish; what was said of the same product before counts no more."""
    others = tuple(one for one in asked.also if (one.kind, one.value) != (wish.kind, wish.value))
    if len(others) >= MAX_WISHES:
        return None
    return replace(asked, also=(*others, wish), page=1)
