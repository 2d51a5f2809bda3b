"""What a page shows where nothing was found: the same with a word less, and what is liked anyway.

Baymard Institute counts 18 % of shops whose answer to one misspelt word is a dead end. Words are
corrected and relaxed by the search itself; this is for what is left.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from shopsearch.domain import Hit, Sort
from shopsearch.server.context import services
from shopsearch.server.pages.reading import as_shown
from shopsearch.server.search_request import SearchRequest

MAX_TRIED = 4  # searches with a word less, each as dear as the one that found nothing
N_INSTEAD = 6


@dataclass(frozen=True, slots=True)
class WordLess:
    """A search that leaves a word out, and how many products it finds."""

    request: SearchRequest
    n_products: int


@dataclass(frozen=True, slots=True)
class WaysOn:
    """Where a shopper can go who found nothing."""

    fewer: tuple[WordLess, ...] = ()  # most products first
    instead: tuple[Hit, ...] = ()  # what is popular


def ways_on(asked: SearchRequest) -> WaysOn:
    """The ways on from a search that found nothing. Raises what a search raises."""
    fewer = sorted(_fewer(asked), key=lambda one: -one.n_products)
    popular = SearchRequest(sort=Sort.POPULARITY, size=N_INSTEAD, collapse=True)
    return WaysOn(tuple(fewer), services().search.search(popular.query()).hits)


def _fewer(asked: SearchRequest) -> Iterator[WordLess]:
    words = asked.text.split()
    if len(words) < 2:
        return
    for at in range(min(len(words), MAX_TRIED)):
        text = " ".join(words[:at] + words[at + 1 :])
        request = replace(asked, text=text, page=1)
        found = services().search.search(replace(as_shown(request), size=1).query())
        if found.total:
            yield WordLess(request, found.total)
