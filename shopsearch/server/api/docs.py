"""`/openapi.json` for programs, `/docs` for people: Swagger UI, from files that lie here."""

from __future__ import annotations

from importlib.resources import as_file, files

from flask import Blueprint, Response, current_app, jsonify, render_template, send_from_directory
from werkzeug.exceptions import NotFound

from shopsearch.server.api.openapi import document
from shopsearch.server.context import services

SWAGGER_UI = "flask_swagger_ui"  # its own page has a script in it, which our policy forbids
SHOWN = ("swagger-ui.css", "swagger-ui-bundle.js")
_MADE = "shopsearch-openapi"
_DAY_S = 24 * 3600

blueprint = Blueprint("docs", __name__)


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """The OpenAPI document, which is made once."""
    made = current_app.extensions
    if _MADE not in made:
        made[_MADE] = document(current_app, services().settings.public_scopes)
    return jsonify(made[_MADE])


@blueprint.get("/docs")
def docs() -> str:
    """The same to read and to try."""
    return render_template("api_docs.html")


@blueprint.get("/docs/ui/<name>")
def swagger_ui(name: str) -> Response:
    """A file of Swagger UI."""
    if name not in SHOWN:
        raise NotFound("there is no such file")
    with as_file(files(SWAGGER_UI) / "dist") as folder:
        return send_from_directory(folder.resolve(), name, max_age=_DAY_S)
