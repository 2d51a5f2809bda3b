"""Which other sites may ask the API from their visitors' browsers: those the settings name.

Never with cookies or stored passwords, of which there are none. A page of such a site may also show
the pictures.
"""

from __future__ import annotations

from flask import Flask, Response, request
from flask_cors import CORS

from shopsearch.server.context import services_of
from shopsearch.server.rates import EXPOSED

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
ASKED_HEADERS = (
    "Authorization",
    "X-API-Key",
    "Content-Type",
    "X-Request-Id",
    "If-Match",
    "If-None-Match",
    "DNT",
    "Sec-GPC",
)
TOLD_HEADERS = ("ETag", "Location", "Retry-After", "X-Request-Id", "X-Cosine", "X-Evidence")
PREFLIGHT_MAX_AGE_S = 600

_API = "/api/"


def install(app: Flask) -> None:
    """Answer the origins of the settings; where there are none, no browser is let in from afar."""
    origins = services_of(app).settings.cors_origins
    if not origins:
        return
    CORS(
        app,
        resources={rf"{_API}.*": {}},
        origins=list(origins),
        methods=list(METHODS),
        allow_headers=list(ASKED_HEADERS),
        expose_headers=[*TOLD_HEADERS, *EXPOSED],
        max_age=PREFLIGHT_MAX_AGE_S,
        supports_credentials=False,
        send_wildcard=False,
        always_send=False,
        vary_header=False,  # it would leave it out where there is one origin alone
    )
    app.after_request(_tell_caches)


def _tell_caches(answer: Response) -> Response:
    if request.path.startswith(_API):
        answer.vary.add("Origin")
    elif (request.endpoint or "").startswith("media."):
        answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer
