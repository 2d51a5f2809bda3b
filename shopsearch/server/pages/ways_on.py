"""What a page without results leads on to, so that nobody has to turn back there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice

from shopsearch.domain import FacetValue, Hit, Query, Sort
from shopsearch.errors import Overloaded
from shopsearch.server import facet_links, wording
from shopsearch.server.context import services
from shopsearch.server.locales import gettext
from shopsearch.server.pages import query_links
from shopsearch.server.pages.asked import Asked
from shopsearch.server.search_request import SearchRequest

N_TRIED = 6  # each is a search
N_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Way:
    """The search at hand with something less, which finds something."""

    words: str  # what is said of it: the words that are left, or the filter that is gone
    request: SearchRequest
    n_found: int


@dataclass(frozen=True, slots=True)
class WaysOn:
    """Everything that may help; each part is empty where there is nothing of its kind."""

    spelled: SearchRequest | None = None  # with the words as the catalog spells them
    looser: tuple[Way, ...] = ()
    nearest: tuple[Hit, ...] = ()  # what comes next where filters and the cut are let go
    popular: tuple[Hit, ...] = ()  # instead of `nearest`, where that is empty
    categories: tuple[FacetValue, ...] = ()
    searches: tuple[str, ...] = ()  # what many have searched for


def ways_on(asked: Asked, query: Query) -> WaysOn:
    """For a search that found nothing; `query` is what was asked, with its picture."""
    try:
        return _ways_on(asked, query)
    except Overloaded:  # the page itself is done
        return WaysOn()


def _ways_on(asked: Asked, query: Query) -> WaysOn:
    nearest = _nearest(asked, query)
    browsed = services().search.search(
        Query(k=N_SHOWN, sort=Sort.POPULARITY, facets=("category",), facet_limit=8, collapse=True)
    )
    return WaysOn(
        spelled=_spelled(asked.request),
        looser=tuple(islice(_looser(asked.request, query), N_SHOWN)),
        nearest=_unranked(nearest),
        popular=() if nearest else _unranked(browsed.hits),
        categories=browsed.facets[0].values[:N_SHOWN],
        searches=_searches(),
    )


def _spelled(asked: SearchRequest) -> SearchRequest | None:
    """Only where the address says that nothing is to be corrected: else that was done."""
    if not (asked.as_typed and asked.text):
        return None
    text = services().wording.read(asked.text).did_you_mean
    return None if text is None else replace(asked, text=text, as_typed=False, page=1)


def _looser(asked: SearchRequest, query: Query) -> Iterator[Way]:
    fewer = _with_a_filter_less(asked) if asked.is_filtered else _with_a_word_less(asked)
    for words, request in islice(fewer, N_TRIED):
        looser = replace(query, text=request.text, where=request.query().where)
        counted = replace(looser, k=1, offset=0, facets=(), explain=False)
        if n_found := services().search.search(counted).total:
            yield Way(words, request, n_found)


def _with_a_word_less(asked: SearchRequest) -> Iterator[tuple[str, SearchRequest]]:
    words = asked.text.split()
    if len(words) > 1:
        for n in range(len(words)):
            fewer = " ".join(words[:n] + words[n + 1 :])
            yield gettext("“%(words)s”", words=fewer), replace(asked, text=fewer, page=1)


def _with_a_filter_less(asked: SearchRequest) -> Iterator[tuple[str, SearchRequest]]:
    for any_of in asked.filters:
        for value in any_of.values:
            said = wording.value_text(any_of.field, value)
            yield _without(any_of.field, said), query_links.unfiltered(asked, any_of.field, value)
    for condition in asked.further:
        said = wording.condition_text(condition)
        yield _without(condition.field, said), facet_links.unconditioned(asked, condition)
    if asked.price_min is not None or asked.price_max is not None:
        said = wording.range_text(asked.price_min, asked.price_max)
        open_ended = replace(asked, price_min=None, price_max=None, page=1)
        yield _without("price", said), open_ended


def _without(field: str, value: str) -> str:
    return gettext("without %(field)s: %(value)s", field=wording.field_label(field), value=value)


def _nearest(asked: Asked, query: Query) -> tuple[Hit, ...]:
    if query.is_empty and not asked.request.is_filtered:
        return ()
    where = asked.request.unfiltered().query().where
    wider = replace(query, where=where, cutoff=False, k=N_SHOWN, offset=0, facets=())
    return services().search.search(wider).hits


def _unranked(hits: tuple[Hit, ...]) -> tuple[Hit, ...]:
    """No click on them is told as one on a hit of the search, which had none."""
    return tuple(replace(hit, rank=0) for hit in hits)


def _searches() -> tuple[str, ...]:
    logged = services().logged_queries
    return () if logged is None else tuple(logged.texts()[:N_SHOWN])
