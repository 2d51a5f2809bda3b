"""How a shop makes the pages its own: a name, a logo, and a style sheet over the look.

The sheet is loaded after all others, so a few lines that set the custom properties of
`web/static/css/tokens.css` are enough, see docs/theming.md. Both files are read once, at the start;
a renewed server reads them again. They are served under the policy of every page: a sheet that
loads from other sites loads nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from flask import Blueprint, Flask, Response, url_for

from shopsearch.errors import SettingsError
from shopsearch.server.assets import kept_for_ever
from shopsearch.settings import Settings

MAX_SHEET_BYTES = 256 * 1024
MAX_LOGO_BYTES = 512 * 1024
_LOGOS = {
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
}


@dataclass(frozen=True, slots=True)
class _Served:
    """A file of the shop's own, under an address that changes with what is in it."""

    name: str
    content: bytes
    media_type: str

    @property
    def address(self) -> str:
        return f"/theme/{hashlib.sha256(self.content).hexdigest()[:12]}-{self.name}"


def install(app: Flask, settings: Settings) -> None:
    """Serve the shop's own look. Raises `SettingsError` where a file cannot be had."""
    sheet = _sheet(settings.theme) if settings.theme else None
    logo = _logo(settings.logo) if settings.logo else None
    blueprint = Blueprint("theme", __name__)
    for served in (sheet, logo):
        if served:
            _serve(blueprint, served)
    app.register_blueprint(blueprint)
    app.jinja_env.globals.update(
        shop_name=settings.shop_name,
        theme_sheet=lambda: sheet and url_for(f"theme.{sheet.name.partition('.')[0]}"),
        logo=lambda: logo and url_for(f"theme.{logo.name.partition('.')[0]}"),
    )


def _serve(blueprint: Blueprint, served: _Served) -> None:
    def answer() -> Response:
        return kept_for_ever(Response(served.content, content_type=served.media_type))

    blueprint.add_url_rule(served.address, served.name.partition(".")[0], answer)


def _sheet(path: Path) -> _Served:
    content = _read("SHOPSEARCH_THEME", path, MAX_SHEET_BYTES)
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"SHOPSEARCH_THEME: {path} is no UTF-8 text (byte {error.start}); save it as UTF-8"
        ) from None
    return _Served("theme.css", content, "text/css; charset=utf-8")


def _logo(path: Path) -> _Served:
    media_type = _LOGOS.get(path.suffix.lower())
    if media_type is None:
        raise SettingsError(
            f"SHOPSEARCH_LOGO: {path} must end with one of {', '.join(_LOGOS)}; save it as SVG"
        )
    content = _read("SHOPSEARCH_LOGO", path, MAX_LOGO_BYTES)
    return _Served(f"logo{path.suffix.lower()}", content, media_type)


def _read(name: str, path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise SettingsError(f"{name}: {path}: {reason}; name a file") from error
    if len(content) > limit:
        raise SettingsError(f"{name}: {path} has more than {limit // 1024} KiB; make it smaller")
    return content
