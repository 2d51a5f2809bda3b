"""Pages of results."""

from __future__ import annotations

import base64
from dataclasses import replace
from functools import partial
from http import HTTPStatus

from flask import Response, make_response, redirect, render_template
from werkzeug.wrappers import Response as AnyResponse

from shopsearch.domain import Query, SearchPage
from shopsearch.errors import ProductRejected
from shopsearch.preprocessing.images import is_of_known_format
from shopsearch.server import addresses
from shopsearch.server.context import services
from shopsearch.server.errors import problem_of
from shopsearch.server.facet_links import worth_showing
from shopsearch.server.pages import in_parts
from shopsearch.server.pages.asked import Asked
from shopsearch.server.pages.blueprint import blueprint
from shopsearch.server.pages.reading import read_address, read_form, with_facets, without_pictures
from shopsearch.server.pages.ways_on import ways_on
from shopsearch.server.search_logging import log_search
from shopsearch.server.search_request import MAX_REACH, SearchRequest
from shopsearch.server.uploads import further_pictures, picture_of, uploaded_picture


@blueprint.get("/search")
def results() -> Response | str:
    """Results by what the address says; without anything asked, the whole catalog."""
    asked = Asked.of(without_pictures(read_address()))
    query = with_facets(asked.request).query()
    return _results(_found(query), asked, query)


@blueprint.post("/search")
def results_by_picture() -> AnyResponse | str:
    """Results by a picture. Nothing of it is kept, so the page has no address to come back to."""
    wanted, uploaded = read_form(), uploaded_picture()
    further = further_pictures(wanted, uploaded)
    if uploaded is None and wanted.image_url is None and not further:
        return redirect(addresses.search_address(without_pictures(wanted)), HTTPStatus.SEE_OTHER)
    asked = Asked.of(wanted, pictured=True)
    try:
        picture = picture_of(wanted, uploaded)
        query = with_facets(wanted).query(picture, further)
        page = _found(query)
        preview = "" if picture is None or uploaded is not None else _preview(picture)
    except ProductRejected as error:
        return _picture_refused(error, asked, uploaded)
    return _results(page, asked, query, preview)


def n_pages(page: SearchPage, asked: SearchRequest) -> int:
    """How many pages there are to turn; far ones are out of reach."""
    return min(-(-page.total // asked.size), MAX_REACH // asked.size)


def _found(query: Query) -> SearchPage:
    """What a search finds; of a page in parts, the second counts the facets."""
    in_two = in_parts.n_seen_first() is not None
    return services().search.search(replace(query, facets=()) if in_two else query)


def _results(page: SearchPage, asked: Asked, query: Query, preview: str = "") -> Response | str:
    query_id = log_search(asked.request, page, pictured=asked.pictured)
    is_all = query.is_empty and not asked.request.is_filtered  # then the shop itself is empty
    ways = None if page.total or is_all else ways_on(asked, query)
    # they stay beside a list that they left empty
    has_filters = bool(page.hits) or asked.request.is_filtered
    n_first = in_parts.n_seen_first()
    written = partial(
        render_template,
        page=page,
        asked=asked,
        query_id=query_id,
        ways=ways,
        preview=preview,
        has_filters=has_filters,
        n_first=n_first,
    )
    if n_first is None:
        return written("results.html", facets=worth_showing(asked.request, page.facets))

    def rest() -> str:
        facets = services().search.facets(query, page) if has_filters else ()
        return written("results_rest.html", facets=worth_showing(asked.request, facets))

    return in_parts.in_parts(written("results_first.html", facets=()), rest)


def _preview(picture: bytes) -> str:
    """A picture from another site, small and written out: the page may load none from there, and
    no address of this site keeps it.
    """
    small = services().preparer.preview(picture)
    return f"data:image/webp;base64,{base64.b64encode(small).decode()}"


def _picture_refused(error: ProductRejected, asked: Asked, uploaded: bytes | None) -> Response:
    """The same page with the reason in the place of results, so that another try is one click."""
    problem = problem_of(error)
    if uploaded is None:
        fault = "address"
    else:
        fault = "damaged" if is_of_known_format(uploaded) else "unknown"
    body = render_template("picture_refused.html", problem=problem, asked=asked, fault=fault)
    return make_response(body, problem.status)
