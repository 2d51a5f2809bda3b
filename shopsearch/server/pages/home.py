"""The start page."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock

from flask import Flask, current_app, render_template

from shopsearch.domain import (
    CATEGORY_SEPARATOR,
    AnyOf,
    Facet,
    FacetValue,
    ProductFilter,
    Query,
    SearchPage,
    Sort,
)
from shopsearch.server.context import services
from shopsearch.server.facet_links import CATEGORY
from shopsearch.server.pages import shelves
from shopsearch.server.pages.blueprint import blueprint
from shopsearch.server.pages.cards import ShownProduct
from shopsearch.server.pages.reading import read_address
from shopsearch.server.search_request import SearchRequest
from shopsearch.server.wording import level_name

N_NEW = 12
N_PICTURED = 8  # of a category, until one has a picture
MAX_CATEGORIES = 12
FEW_CATEGORIES = 3  # where there are no more, those below them are shown too
TRENDS_S = 60.0  # a week's trends are no others after a minute
_PICTURES = "shopsearch.category_pictures"
_TRENDS = "shopsearch.trending_ids"


@dataclass(frozen=True, slots=True)
class CategoryTile:
    """A category to go to, and the picture of a product that is in it, where it has one."""

    path: str
    count: int
    image_hash: str | None

    @property
    def name(self) -> str:
        """Its own name, without those above it."""
        return level_name(self.path)

    @property
    def above(self) -> str:
        """The name of the level above it; "" at the top. Names repeat below different ones."""
        return level_name(self.path.removesuffix(self.name).removesuffix(CATEGORY_SEPARATOR))


class CategoryPictures:
    """A picture for each category, looked up once for each index generation."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._generation = ""
        self._known: Mapping[str, str | None] = {}

    def of(self, generation: str, paths: Sequence[str]) -> Mapping[str, str | None]:
        """The content hash of a picture for each category, of its most popular product with one."""
        with self._lock:
            if generation != self._generation or not self._known.keys() >= {*paths}:
                self._known = {path: _picture_in(path) for path in paths}
                self._generation = generation
            return self._known


class TrendingIds:
    """The ids of what trends, asked for again after `TRENDS_S`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._lock = Lock()
        self._clock = clock
        self._asked_at = float("-inf")
        self._ids: Sequence[str] = ()

    def get(self) -> Sequence[str]:
        """The ids, as they were at most `TRENDS_S` ago; products may be gone since."""
        with self._lock:
            if self._clock() >= self._asked_at + TRENDS_S:
                self._ids = [hit.product.product_id for hit in shelves.trending()]
                self._asked_at = self._clock()
            return self._ids


def install(app: Flask) -> None:
    """Remember with an application what its start page need not ask for each time."""
    app.extensions[_PICTURES] = CategoryPictures()
    app.extensions[_TRENDS] = TrendingIds()


@blueprint.get("/")
def home() -> str:
    """What there is: what is new, what others turn to, and the categories."""
    read_address()
    asked = SearchRequest(sort=Sort.NEWEST, size=N_NEW, facets=(CATEGORY,), collapse=True)
    page = services().search.search(asked.query())
    return render_template(
        "home.html",
        page=page,
        trending=_trending(),
        categories=_tiles(page),
        public_url=services().settings.public_url,
        asked=None,
    )


def largest(facets: Sequence[Facet]) -> Sequence[FacetValue]:
    """The largest categories; where there are few at the top, those below them."""
    top = [value for facet in facets for value in facet.values]
    while 0 < len(top) <= FEW_CATEGORIES and any(value.children for value in top):
        top = [below for value in top for below in value.children or (value,)]
    return sorted(top, key=lambda value: -value.count)[:MAX_CATEGORIES]


def _trending() -> Sequence[ShownProduct]:
    trends: TrendingIds = current_app.extensions[_TRENDS]
    ids = trends.get()
    stored = services().store.find(ids) if ids else {}
    return [ShownProduct.of(stored[one]) for one in ids if one in stored]


def _tiles(page: SearchPage) -> Sequence[CategoryTile]:
    values = largest(page.facets)
    pictures: CategoryPictures = current_app.extensions[_PICTURES]
    known = pictures.of(page.generation, [one.value for one in values])
    return [CategoryTile(one.value, one.count, known.get(one.value)) for one in values]


def _picture_in(path: str) -> str | None:
    where = ProductFilter((AnyOf(CATEGORY, (path.casefold(),)),))
    found = services().search.search(Query(where=where, sort=Sort.POPULARITY, k=N_PICTURED))
    return next((hit.image_hash for hit in found.hits if hit.image_hash), None)
