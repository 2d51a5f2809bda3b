"""What every page needs of `web/static`, so that a browser asks for it at once.

The style sheets are one file, in the order of `SHEETS`: values first, then elements, then what
stands on pages. The modules stay files, and a page names all of them before one imports another.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from flask import Blueprint, Flask, Response, request, url_for

from shopsearch.server import icons

SHEETS = (
    "tokens",
    "base",
    "header",
    "suggest",
    "region",
    "results",
    "facets",
    "explain",
    "compare",
    "product",
    "favourites",
    "talk",
    "states",
)
OF_SOME_PAGES = {"gallery.js"}  # modules that those pages ask for themselves
_YEAR_S = 365 * 24 * 3600
_NAME_CHARS = 12


def install(app: Flask, web: Path) -> None:
    """Serve the sheets of a web folder, and tell templates of its modules."""
    folder = web / "static" / "css"
    sheets = [(folder / f"{one}.css").read_text(encoding="utf-8") for one in SHEETS]
    content = "\n".join([icons.signs(app), *sheets])
    name = hashlib.sha256(content.encode()).hexdigest()[:_NAME_CHARS]
    modules = sorted({path.name for path in (web / "static" / "js").glob("*.js")} - OF_SOME_PAGES)
    blueprint = Blueprint("assets", __name__)

    @blueprint.get(f"/static/{name}.css")
    def stylesheet() -> Response:
        return kept_for_ever(Response(content, mimetype="text/css"))

    app.register_blueprint(blueprint)
    app.jinja_env.globals.update(
        stylesheet=lambda: url_for("assets.stylesheet"),
        modules=lambda: [url_for("static", filename=f"js/{name}") for name in modules],
    )


def kept_for_ever(response: Response) -> Response:
    """The answer, told to be kept: its address changes with what is in it."""
    response.cache_control.public = True
    response.cache_control.max_age = _YEAR_S
    response.cache_control.immutable = True
    response.add_etag()
    response.make_conditional(request)
    return response
