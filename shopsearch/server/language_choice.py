"""A visitor's own choice of a language, where the browser's is not wanted.

It is kept in a cookie, the only one of the shop, set for nobody who has not chosen.
"""

from __future__ import annotations

from http import HTTPStatus

from babel import Locale
from flask import Blueprint, Flask, redirect, request
from werkzeug.wrappers import Response

from shopsearch.errors import QueryError
from shopsearch.server.locales import COOKIE, languages

_YEAR_S = 365 * 24 * 3600

blueprint = Blueprint("language", __name__)


def install(app: Flask) -> None:
    """Take choices."""
    app.register_blueprint(blueprint)
    app.jinja_env.globals.update(language_names=_names)


@blueprint.post("/language")
def choose() -> Response:
    """Keep the choice, and go back to the page it was made on."""
    chosen = request.form.get("language", "")
    if chosen not in languages():
        raise QueryError(f"`language` must be one of {', '.join(languages())}")
    answer = redirect(_here(request.form.get("back", "/")), HTTPStatus.SEE_OTHER)
    answer.set_cookie(COOKIE, chosen, max_age=_YEAR_S, samesite="Lax", httponly=True)
    return answer


def _here(address: str) -> str:
    """An address of this site; anything else is the start page."""
    inside = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if inside and address.isprintable() else "/"


def _names() -> dict[str, str]:
    """Each language by its tag, called as its speakers do."""
    return {tag: Locale.parse(tag, sep="-").get_display_name() or tag for tag in languages()}
