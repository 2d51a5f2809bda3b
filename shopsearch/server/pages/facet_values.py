"""All values of one facet, those beyond the most frequent too."""

from __future__ import annotations

from dataclasses import replace

from flask import render_template

from shopsearch.errors import QueryError
from shopsearch.facets import MAX_VALUES
from shopsearch.server import addresses, facet_links
from shopsearch.server.context import services
from shopsearch.server.pages.asked import Asked
from shopsearch.server.pages.blueprint import blueprint
from shopsearch.server.pages.reading import as_shown, read_address, read_form, without_pictures
from shopsearch.server.search_request import SearchRequest
from shopsearch.server.uploads import further_pictures, picture_of, uploaded_picture


@blueprint.get(addresses.VALUES)
def facet_values() -> str:
    """The values among what an address finds; `facet_query` narrows them."""
    return _values(without_pictures(read_address()))


@blueprint.post(addresses.VALUES)
def facet_values_by_picture() -> str:
    """The same where a picture is searched by."""
    return _values(read_form(), pictured=True)


def _values(asked: SearchRequest, *, pictured: bool = False) -> str:
    """Not noted as a search: nothing is looked for but a filter."""
    if len(asked.facets) != 1 or asked.facets[0] not in facet_links.LISTED:
        known = ", ".join(facet_links.LISTED)
        raise QueryError(f"name one facet whose values shall be listed: ?facets= one of {known}")
    uploaded = uploaded_picture() if pictured else None
    listing = replace(as_shown(asked), facet_limit=MAX_VALUES, size=1, page=1)
    query = listing.query(
        picture_of(asked, uploaded) if pictured else None,
        further_pictures(asked, uploaded) if pictured else (),
    )
    page = services().search.search(query)
    return render_template("facet_values.html", page=page, asked=Asked(asked, pictured=pictured))
