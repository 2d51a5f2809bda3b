"""What several operations answer with."""

from __future__ import annotations

from shopsearch.domain import SearchPage
from shopsearch.server.addresses import hit_picture_address
from shopsearch.wire import page_json


def page_document(page: SearchPage) -> dict[str, object]:
    """A page of hits, its pictures under addresses of this site."""
    return page_json(page, hit_picture_address)


def query_id_document(query_id: str | None) -> dict[str, str]:
    """`query_id` where the search was logged: events name it."""
    return {} if query_id is None else {"query_id": query_id}
