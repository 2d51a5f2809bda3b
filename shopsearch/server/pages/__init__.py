"""The pages of the shop. Each works without JavaScript; web/static/js makes them quick.

In:    addresses, and forms with a picture; `reading.py` makes a `SearchRequest` of either.
Out:   HTML from web/templates.
Fails: never out of a handler: `server/errors.py` makes pages of errors.
More:  one module per group of pages that adds its routes to `blueprint`, and its name in `PARTS`.
"""

from __future__ import annotations

from dataclasses import replace

from flask import Flask

from shopsearch.server import addresses, facet_links, price_slider, wording
from shopsearch.server.context import services_of
from shopsearch.server.pages import cards, facet_values, products, query_links, search, talking
from shopsearch.server.pages.blueprint import blueprint
from shopsearch.server.swatches import swatch_of

PARTS = (
    cards,
    facet_values,
    products,
    search,
    talking,
)  # their routes are on the blueprint by being imported


def install(app: Flask) -> None:
    """Serve the pages."""
    app.register_blueprint(blueprint)
    app.jinja_env.globals.update(
        addresses=addresses,
        facet_links=facet_links,
        price_slider=price_slider,
        query_links=query_links,
        swatch_of=swatch_of,
        wording=wording,
        refined=replace,
        n_pages=search.n_pages,
        max_image_bytes=services_of(app).settings.max_image_bytes,
    )
