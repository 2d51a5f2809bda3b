"""The pages of the shop. Each works without JavaScript; web/static/js makes them quick.

In:    addresses, and forms with a picture; `reading.py` makes a `SearchRequest` of either.
Out:   HTML from web/templates.
Fails: never out of a handler: `server/errors.py` makes pages of errors.
More:  one module per group of pages that adds its routes to `blueprint`, and its name in `PARTS`.
"""

from __future__ import annotations

from dataclasses import replace

from flask import Flask

from shopsearch.server import addresses, facet_links, structured_data, wording
from shopsearch.server.context import services_of
from shopsearch.server.pages import (
    cards,
    crawling,
    favourites,
    home,
    products,
    query_links,
    search,
)
from shopsearch.server.pages.blueprint import blueprint

PARTS = (
    cards,
    favourites,
    home,
    products,
    search,
)  # their routes are on the blueprint by being imported


def install(app: Flask) -> None:
    """Serve the pages."""
    app.register_blueprint(blueprint)
    home.install(app)
    app.jinja_env.globals.update(
        addresses=addresses,
        canonical=crawling.canonical,
        structured_data=structured_data,
        facet_links=facet_links,
        query_links=query_links,
        wording=wording,
        refined=replace,
        n_pages=search.n_pages,
        max_image_bytes=services_of(app).settings.max_image_bytes,
    )
