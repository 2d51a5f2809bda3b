"""Which pages search engines may show, and under which address.

Products, the start page and plain categories are for them. Pages of results are not: there is one
for whatever somebody types or combines, and none of them says anything that products do not.
"""

from __future__ import annotations

from shopsearch.server.addresses import search_address
from shopsearch.server.context import services
from shopsearch.server.facet_links import CATEGORY
from shopsearch.server.pages.asked import Asked
from shopsearch.server.search_request import SearchRequest


def canonical(asked: Asked) -> str | None:
    """The whole address of a list that search engines may show; "" where the shop's public address
    is not known, and None where they may not.
    """
    request = asked.request
    plain = SearchRequest(filters=request.filters, page=request.page)
    n_values = sum(len(one.values) for one in request.filters)
    is_plain = all(one.field == CATEGORY for one in request.filters) and n_values <= 1
    if asked.pictured or request != plain or not is_plain:
        return None
    public_url = services().settings.public_url
    return "" if public_url is None else public_url + search_address(request)
