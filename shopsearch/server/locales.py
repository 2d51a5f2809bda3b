"""Which language a visitor reads the pages in.

The browser says it (`Accept-Language`) unless the visitor has chosen another at the foot of a page;
the languages are the folders of `web/translations`, and English, which the pages are written in.
Words of programs stay English: the API, logs, errors.

More:  a language is a catalog of messages, see docs/theming.md.
"""

from __future__ import annotations

from pathlib import Path

from babel import Locale
from flask import Flask, Response, current_app, request
from flask_babel import Babel, get_locale
from flask_babel import gettext as _gettext
from flask_babel import lazy_gettext as _lazy_gettext
from flask_babel import ngettext as _ngettext

ENGLISH = Locale("en")
COOKIE = "language"
_LANGUAGES = "shopsearch.languages"


def install(app: Flask, web: Path) -> None:
    """Speak the language of each visitor."""
    translations = web / "translations"
    babel = Babel(
        app,
        default_locale=str(ENGLISH),
        default_translation_directories=str(translations),
        locale_selector=_chosen,
    )
    with app.app_context():
        known = {ENGLISH, *babel.list_translations()}
    app.extensions[_LANGUAGES] = tuple(sorted(map(_tag, known)))
    app.jinja_env.globals.update(locales=_Page)
    app.after_request(_vary)


def languages() -> tuple[str, ...]:
    """The BCP 47 tags of the languages that pages are there in."""
    tags: tuple[str, ...] = current_app.extensions[_LANGUAGES]
    return tags


def locale() -> Locale:
    """The language, and how numbers are written in it; English where nobody asks."""
    return get_locale() or ENGLISH


def gettext(message: str, **values: object) -> str:
    """A message in the language of the visitor, `%(name)s` filled in."""
    return str(_gettext(message, **values))


def ngettext(one: str, many: str, number: int, **values: object) -> str:
    """The message for a number of things."""
    return str(_ngettext(one, many, number, **values))


def lazy_gettext(message: str) -> object:
    """A message whose language is chosen when it is made a string."""
    return _lazy_gettext(message)


class _Page:
    """What a template says of the language it is written in."""

    @staticmethod
    def tag() -> str:
        """The BCP 47 tag, such as `zh-Hans`."""
        return _tag(locale())

    @staticmethod
    def direction() -> str:
        """`ltr` or `rtl`."""
        return locale().text_direction


def _tag(language: Locale) -> str:
    return str(language).replace("_", "-")


def _chosen() -> str:
    chosen = request.cookies.get(COOKIE)
    if chosen not in languages():
        chosen = request.accept_languages.best_match(languages(), default=_tag(ENGLISH))
    return chosen.replace("-", "_")


def _vary(response: Response) -> Response:
    if response.mimetype == "text/html":
        response.vary.update(("Accept-Language", "Cookie"))
    return response
