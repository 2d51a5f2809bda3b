"""The start page, and pages of results."""

from __future__ import annotations

from http import HTTPStatus

from flask import Response, make_response, redirect, render_template
from werkzeug.wrappers import Response as AnyResponse

from shopsearch.domain import SearchPage, Sort
from shopsearch.errors import ProductRejected
from shopsearch.server import addresses
from shopsearch.server.context import services
from shopsearch.server.errors import problem_of
from shopsearch.server.pages.asked import Asked
from shopsearch.server.pages.blueprint import blueprint
from shopsearch.server.pages.reading import read_address, read_form, with_facets, without_pictures
from shopsearch.server.search_logging import log_search
from shopsearch.server.search_request import MAX_REACH, SearchRequest
from shopsearch.server.uploads import further_pictures, picture_of, uploaded_picture


@blueprint.get("/")
def home() -> str:
    """What is new."""
    read_address()
    page = services().search.search(SearchRequest(sort=Sort.NEWEST).query())
    return render_template("home.html", page=page, asked=None)


@blueprint.get("/search")
def results() -> str:
    """Results by what the address says; without anything asked, the whole catalog."""
    asked = Asked.of(without_pictures(read_address()))
    page = services().search.search(with_facets(asked.request).query())
    return _results(page, asked)


@blueprint.post("/search")
def results_by_picture() -> AnyResponse | str:
    """Results by a picture. Nothing of it is kept, so the page has no address to come back to."""
    wanted, uploaded = read_form(), uploaded_picture()
    further = further_pictures(wanted, uploaded)
    if uploaded is None and wanted.image_url is None and not further:
        return redirect(addresses.search_address(wanted), HTTPStatus.SEE_OTHER)
    asked = Asked.of(wanted, pictured=True)
    try:
        query = with_facets(wanted).query(picture_of(wanted, uploaded), further)
        page = services().search.search(query)
    except ProductRejected as error:
        return _picture_refused(error, asked)
    return _results(page, asked)


def n_pages(page: SearchPage, asked: SearchRequest) -> int:
    """How many pages there are to turn; far ones are out of reach."""
    return min(-(-page.total // asked.size), MAX_REACH // asked.size)


def _results(page: SearchPage, asked: Asked) -> str:
    query_id = log_search(asked.request, page, pictured=asked.pictured)
    return render_template("results.html", page=page, asked=asked, query_id=query_id)


def _picture_refused(error: ProductRejected, asked: Asked) -> Response:
    """The same page with the reason in the place of results, so that another try is one click."""
    problem = problem_of(error)
    body = render_template("picture_refused.html", problem=problem, asked=asked)
    return make_response(body, problem.status)
