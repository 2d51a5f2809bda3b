"""Which language a visitor reads the pages in.

The browser says it (`Accept-Language`) unless the visitor has chosen another at the foot of a page;
the languages are the folders of `web/translations`, and English, which the pages are written in.
Words of programs stay English: the API, logs, errors.

More:  a language is a catalog of messages, see docs/theming.md.
"""

from __future__ import annotations

from pathlib import Path

from babel import Locale
from babel.support import NullTranslations
from flask import Flask, Response, current_app, g, has_app_context, request
from flask_babel import Babel, get_locale, get_translations
from flask_babel import lazy_gettext as _lazy_gettext
from markupsafe import Markup

ENGLISH = Locale("en")
COOKIE = "language"
_LANGUAGES = "shopsearch.languages"
_SPOKEN = "shopsearch.spoken"


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
    app.extensions[_SPOKEN] = {}
    app.jinja_env.globals.update(locales=_Page)
    # in place of those of Jinja's own extension, which take ten times as long
    said = {"_": _markup, "gettext": _markup, "ngettext": _markup_of_number}
    app.jinja_env.globals.update(said)
    app.after_request(_vary)


def languages() -> tuple[str, ...]:
    """The BCP 47 tags of the languages that pages are there in."""
    tags: tuple[str, ...] = current_app.extensions[_LANGUAGES]
    return tags


def locale() -> Locale:
    """The language, and how numbers are written in it; English where nobody asks."""
    return _language().locale


def gettext(message: str, **values: object) -> str:
    """A message in the language of the visitor, `%(name)s` filled in."""
    said = _language().text(message)
    return said % values if values else said


def ngettext(one: str, many: str, number: int, **values: object) -> str:
    """The message for a number of things."""
    return _language().text_of_number(one, many, number) % {"num": number, **values}


def lazy_gettext(message: str) -> object:
    """A message whose language is chosen when it is made a string."""
    return _lazy_gettext(message)


class _Language:
    """One language: what the pages say in it."""

    def __init__(self, spoken: Locale, translations: NullTranslations) -> None:
        self.locale = spoken
        self._translations = translations
        self._markup: dict[str, Markup] = {}

    def text(self, message: str) -> str:
        return str(self._translations.ugettext(message))

    def text_of_number(self, one: str, many: str, number: int) -> str:
        return str(self._translations.ungettext(one, many, number))

    def markup(self, message: str) -> Markup:
        """A message that nothing is filled into, as HTML."""
        if message not in self._markup:
            self._markup[message] = Markup(self.text(message)) % {}  # noqa: S704 - of our own
        return self._markup[message]


def _language() -> _Language:
    """Of the visitor: asked for by each of the hundreds of messages of a page, found once."""
    if not has_app_context():
        return _Language(ENGLISH, NullTranslations())
    spoken: _Language | None = g.get("language")
    if spoken is None:
        known: dict[Locale, _Language] = current_app.extensions[_SPOKEN]
        found = get_locale() or ENGLISH
        spoken = g.language = known.setdefault(found, _Language(found, get_translations()))
    return spoken


def _markup(message: str, **values: object) -> Markup:
    """`gettext` for templates: a message is HTML, what is filled into it is not."""
    if not values:
        return _language().markup(message)
    return Markup(_language().text(message)) % values  # noqa: S704 - a message of our own


def _markup_of_number(one: str, many: str, number: int, **values: object) -> Markup:
    said = Markup(_language().text_of_number(one, many, number))  # noqa: S704
    return said % {"num": number, **values}


class _Page:
    """What a template says of the language it is written in."""

    @staticmethod
    def tag() -> str:
        """The BCP 47 tag, such as `zh-Hans`."""
        return _tag(locale())

    @staticmethod
    def talks() -> bool:
        """Whether a search can be refined by talking: the rules behind it know English."""
        return locale().language == "en"

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
