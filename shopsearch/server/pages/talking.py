"""Refining a search by talking, for browsers without scripts; with them, web/static/js/talk.js asks
the API.
"""

from __future__ import annotations

from http import HTTPStatus

from flask import redirect, render_template
from werkzeug.wrappers import Response as AnyResponse

from shopsearch.errors import QueryError
from shopsearch.refining import MAX_SAID_CHARS, ChangeKind
from shopsearch.server import addresses
from shopsearch.server.context import services
from shopsearch.server.pages.blueprint import blueprint
from shopsearch.server.pages.reading import (
    address_fields,
    as_shown,
    search_of,
    without_pictures,
)
from shopsearch.server.refined_search import query_to_refine, refined_request, search_document

_SAY = "say"

blueprint.add_app_template_global(search_document)


@blueprint.get("/refine")
def refine() -> AnyResponse | str:
    """Lead on to the search that a turn makes of the one in the address, where all of the turn was
    understood; else a page says what was done and what was not, read anew at each visit.
    """
    fields = list(address_fields())
    before = without_pictures(search_of(pair for pair in fields if pair[0] != _SAY))
    said = next((value for name, value in fields if name == _SAY and value.strip()), "")
    if len(said) > MAX_SAID_CHARS:
        raise QueryError(
            f"`say` has {len(said):,} characters; the limit is {MAX_SAID_CHARS:,}: say it in parts"
        )
    if not said:
        return redirect(addresses.search_address(before), HTTPStatus.SEE_OTHER)
    page = services().search.search(as_shown(before).query())
    shown = [hit.product.product_id for hit in page.hits]
    refined = services().refining.refine(said, query_to_refine(before), shown)
    after = refined_request(before, refined.query)
    goes_back = any(change.kind is ChangeKind.UNDO for change in refined.changes)
    if not (refined.missed or goes_back):
        return redirect(addresses.search_address(after), HTTPStatus.SEE_OTHER)
    return render_template(
        "refined.html",
        said=said,
        refined=refined,
        before=before,
        after=after,
        goes_back=goes_back,
        asked=None,
    )
