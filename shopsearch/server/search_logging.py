"""What of a request is noted in the search log, and whose requests are not."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import request

from shopsearch.domain import LoggedSearch, SearchKind, SearchPage, Sort, logged_text
from shopsearch.logbook import Visitor, new_search_id
from shopsearch.server.context import services
from shopsearch.server.search_request import SearchRequest

MAX_USER_AGENT_CHARS = 500


def log_search(asked: SearchRequest, page: SearchPage, *, pictured: bool = False) -> str | None:
    """Note a page of results; the id that clicks may name, or None where it is not noted.

    A picture is not kept, nor where it came from: only that there was one.
    """
    if opted_out() or not _is_seen_by_somebody():
        return None
    search = LoggedSearch(
        search_id=new_search_id(),
        at=datetime.now(UTC),
        session=None,  # made by the logbook
        text=logged_text(asked.text),
        kind=_kind(asked, pictured=pictured),
        is_filtered=asked.is_filtered,
        is_sorted=asked.sort is not Sort.RELEVANCE or asked.diversity > 0.0,
        is_corrected=page.did_you_mean is not None,
        is_relaxed=bool(page.relaxed),
        page=asked.page,
        total=page.total,
        first_rank=page.hits[0].rank if page.hits else (asked.page - 1) * asked.size + 1,
        product_ids=tuple(hit.product.product_id for hit in page.hits),
        took_ms=round(page.took_ms, 3),
        generation=page.generation,
    )
    is_noted = services().logbook.note_search(search, _visitor())
    return search.search_id if is_noted else None


def opted_out() -> bool:
    """Whether who asks does not want to be followed; then nothing is noted.

    Do Not Track (W3C note, 2019) and Global Privacy Control (W3C working draft).
    """
    return "1" in (request.headers.get("DNT"), request.headers.get("Sec-GPC"))


def _is_seen_by_somebody() -> bool:
    """Not where only headers are asked for, or a browser fetches a page that may never be shown."""
    return request.method != "HEAD" and "prefetch" not in request.headers.get("Sec-Purpose", "")


def _visitor() -> Visitor:
    agent = request.headers.get("User-Agent", "")[:MAX_USER_AGENT_CHARS]
    return Visitor(request.remote_addr or "", agent)


def _kind(asked: SearchRequest, *, pictured: bool) -> SearchKind:
    """What hits must not be like is no words to search for, but makes it a search of several."""
    parts = {
        SearchKind.WORDS: bool(asked.text),
        SearchKind.PICTURE: pictured,
        SearchKind.PRODUCT: asked.product_id is not None,
    }
    given = [kind for kind, is_given in parts.items() if is_given]
    if len(given) > 1 or asked.also or asked.negatives:
        return SearchKind.BOTH
    return given[0] if given else SearchKind.LIST
