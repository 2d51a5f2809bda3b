"""The pages of the shop. Each works without JavaScript; web/static/js makes them quick.

In:    addresses, and forms with a picture; `reading.py` makes a `SearchRequest` of either.
Out:   HTML from web/templates.
Fails: never out of a handler: `server/errors.py` makes pages of errors.
More:  one module per group of pages that adds its routes to `blueprint`, and its name in `PARTS`.
"""

from __future__ import annotations

from dataclasses import replace

from flask import Flask

from shopsearch.server import (
    addresses,
    facet_links,
    offers,
    price_slider,
    structured_data,
    wording,
)
from shopsearch.server.context import services_of
from shopsearch.server.pages import (
    cards,
    compare,
    crawling,
    facet_values,
    favourites,
    home,
    products,
    query_links,
    search,
    talking,
    why,
)
from shopsearch.server.pages.blueprint import blueprint
from shopsearch.server.swatches import swatch_of

# imported, their routes are on the blueprint
PARTS = (cards, compare, facet_values, favourites, home, products, search, talking, why)


def install(app: Flask) -> None:
    """Serve the pages."""
    app.register_blueprint(blueprint)
    home.install(app)
    app.jinja_env.globals.update(
        addresses=addresses,
        canonical=crawling.canonical,
        structured_data=structured_data,
        facet_links=facet_links,
        price_slider=price_slider,
        offers=offers,
        query_links=query_links,
        swatch_of=swatch_of,
        wording=wording,
        compare_address=compare.compare_address,
        refined=replace,
        n_pages=search.n_pages,
        max_image_bytes=services_of(app).settings.max_image_bytes,
    )
