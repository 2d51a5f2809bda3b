"""The application factory."""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from flask.json.provider import DefaultJSONProvider
from flask_compress import Compress
from werkzeug.middleware.proxy_fix import ProxyFix

from shopsearch.bootstrap import Services
from shopsearch.server import (
    access,
    admission,
    api,
    assets,
    audit,
    cors,
    errors,
    health,
    icons,
    language_choice,
    locales,
    media,
    metrics,
    pages,
    request_log,
    security,
    theme,
    tracing,
)
from shopsearch.server.context import give_services
from shopsearch.server.web_folder import find_web_folder, fingerprint

MAX_FIELD_BYTES = 64 * 1024  # all fields of a form but the picture
MAX_PARSED_BYTES = 512 * 1024  # held at a time while parsing; pictures pass in chunks of 64 KiB
MAX_FORM_PARTS = 100
COMPRESSED = (
    "application/json",
    "application/problem+json",
    "image/svg+xml",
    "text/css",
    "text/html",
    "text/javascript",
    "text/plain",
)


class PlainJson(DefaultJSONProvider):
    """Keys stay in the order given, letters stay readable, and NaN is refused."""

    sort_keys = False
    ensure_ascii = False

    def dumps(self, obj: object, **kwargs: object) -> str:
        """See `DefaultJSONProvider.dumps`."""
        return super().dumps(obj, allow_nan=False, **kwargs)


def create_app(services: Services, metrics_folder: Path | None = None) -> Flask:
    """The whole web application over one set of services, which the caller keeps open.

    Processes that share a `metrics_folder` count together, see `serving.py`. Raises `SettingsError`
    where traces are wanted and packages for them are missing.
    """
    web = find_web_folder()
    app = Flask(
        "shopsearch",
        template_folder=str(web / "templates"),
        static_folder=str(web / "static"),
        # the version is a folder of the address: modules that import each other share it, and
        # browsers may keep what is under it for ever
        static_url_path=f"/static/{fingerprint(web / 'static')}",
    )
    app.json = PlainJson(app)
    app.config.update(
        MAX_CONTENT_LENGTH=services.settings.max_image_bytes + MAX_FIELD_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_PARSED_BYTES,
        MAX_FORM_PARTS=MAX_FORM_PARTS,
        SEND_FILE_MAX_AGE_DEFAULT=365 * 24 * 3600,
        COMPRESS_MIMETYPES=list(COMPRESSED),
        COMPRESS_ALGORITHM=["br", "gzip"],
        COMPRESS_BR_LEVEL=4,  # of 11: a search must not wait for its answer to shrink
        COMPRESS_LEVEL=5,
    )
    app.url_map.merge_slashes = False  # a product id may hold two slashes in a row
    app.url_map.strict_slashes = False
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    give_services(app, services)
    if n_proxies := services.settings.trusted_proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # as Flask's own pages do it
            app.wsgi_app, x_for=n_proxies, x_proto=0, x_host=0
        )
    Compress(app)
    locales.install(app, web)
    icons.install(app)
    assets.install(app, web)
    theme.install(app, services.settings)
    request_log.install(app)
    metrics.install(app, metrics_folder)
    doors = (tracing, admission, security, errors, cors, audit, access)
    for part in (*doors, media, health, api, pages, language_choice):
        part.install(app)
    return app
