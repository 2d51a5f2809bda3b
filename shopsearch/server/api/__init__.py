"""`/api/v1`: what the shop's other services ask, and write.

In:    requests; each operation declares itself with `@operation`, see `operations.py`.
Out:   JSON in the shapes of `documents.py`, or a problem document (RFC 9457).
Fails: never out of a handler: `server/errors.py` makes statuses of errors.
More:  one module per group of operations with a `blueprint`, and one line in `BLUEPRINTS`.
"""

from __future__ import annotations

from flask import Flask
from werkzeug.routing import PathConverter

from shopsearch.server.addresses import NO_PRODUCT
from shopsearch.server.api import (
    catalog,
    docs,
    events,
    products,
    recommendations,
    refine,
    regions,
    search,
    suggest,
)

BLUEPRINTS = (
    search.blueprint,
    regions.blueprint,
    products.blueprint,
    suggest.blueprint,
    events.blueprint,
    catalog.blueprint,
    docs.blueprint,
    recommendations.blueprint,
    refine.blueprint,
)


class ProductConverter(PathConverter):
    """The id of a product at the end of a path, unless that is the address of something else."""

    regex = rf"(?!{NO_PRODUCT}/?$)[^/].*?"


def install(app: Flask) -> None:
    """Serve the API."""
    app.url_map.converters["product"] = ProductConverter
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
