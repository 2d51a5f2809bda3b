"""The icons of web/templates/_icons.html, for templates and for the style sheet.

A card has five or six. As elements they cost a browser more than all else of a card, so there they
are masks that the style sheet holds: `mask: var(--sign-heart)`, over a background of any colour.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import cast
from urllib.parse import quote

from flask import Flask
from markupsafe import Markup

SIGNS = ("more", "less", "why", "compare", "heart", "picture")  # of cards

_LEFT = " '=:/"  # as they are
_SHAPES = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)
_DRAWN = (
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' fill='{fill}' stroke='#000' "
    "stroke-width='1.75' stroke-linecap='round' stroke-linejoin='round'>{shapes}</svg>"
)


def install(app: Flask) -> None:
    """Let templates write `{{ icon("heart") }}`."""

    @cache  # hundreds on a page, of two dozen names
    def icon(name: str) -> Markup:
        icons = app.jinja_env.get_template("_icons.html").module
        return cast("Markup", icons.icon(name))  # type: ignore[attr-defined]  # its macro

    app.jinja_env.globals.update(icon=icon)


def signs(app: Flask) -> str:
    """The style sheet's part: `--sign-NAME` for each, and `--sign-NAME-full` where it is filled."""
    icon = cast("Callable[[str], Markup]", app.jinja_env.globals["icon"])
    lines = []
    for name in SIGNS:
        found = _SHAPES.search(icon(name))
        assert found is not None, f"_icons.html draws no {name}"  # noqa: S101 - our own file
        for kind, fill in (("", "none"), ("-full", "#000")):
            drawn = _DRAWN.format(fill=fill, shapes=found[1].strip().replace('"', "'"))
            lines.append(f'  --sign-{name}{kind}: url("data:image/svg+xml,{quote(drawn, _LEFT)}");')
    return "\n".join([":root {", *lines, "}"])
