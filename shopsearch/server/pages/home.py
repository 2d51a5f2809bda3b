"""The start page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import render_template

from shopsearch.domain import Facet, Sort
from shopsearch.server.context import services
from shopsearch.server.facet_links import CATEGORY
from shopsearch.server.pages import shelves
from shopsearch.server.pages.blueprint import blueprint
from shopsearch.server.pages.reading import read_address
from shopsearch.server.search_request import SearchRequest

N_NEW = 12
MAX_CATEGORIES = 12
FEW_CATEGORIES = 3  # where there are no more, those below them are shown too


@dataclass(frozen=True, slots=True)
class CategoryTile:
    """A category to go to, and a picture of a product that is in it, where one is at hand."""

    path: str
    count: int
    image_hash: str | None


@blueprint.get("/")
def home() -> str:
    """What there is: what is new, what others turn to, and the categories."""
    read_address()
    asked = SearchRequest(sort=Sort.NEWEST, size=N_NEW, facets=(CATEGORY,), collapse=True)
    page = services().search.search(asked.query())
    return render_template(
        "home.html",
        page=page,
        trending=shelves.trending(),
        categories=categories(page.facets),
        public_url=services().settings.public_url,
        asked=None,
    )


def categories(facets: Sequence[Facet]) -> Sequence[CategoryTile]:
    """The largest categories; where there are few, the levels below them."""
    top = [value for facet in facets for value in facet.values]
    while 0 < len(top) <= FEW_CATEGORIES and any(value.children for value in top):
        top = [below for value in top for below in value.children or (value,)]
    largest = sorted(top, key=lambda value: -value.count)[:MAX_CATEGORIES]
    return [CategoryTile(value.value, value.count, None) for value in largest]
