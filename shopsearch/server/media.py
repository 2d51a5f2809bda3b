"""Pictures of products, by the hash of their content: what is under an address never changes."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Flask, Response, abort, send_file
from werkzeug.routing import BaseConverter

from shopsearch.server.addresses import THUMBNAIL_SIZES_PX
from shopsearch.server.context import services

_YEAR_S = 365 * 24 * 3600

blueprint = Blueprint("media", __name__)


class ContentHash(BaseConverter):
    """A SHA-256 in lower-case hexadecimal; nothing else gets near the file system."""

    regex = "[0-9a-f]{64}"


def install(app: Flask) -> None:
    """Serve pictures."""
    app.url_map.converters["hash"] = ContentHash
    app.register_blueprint(blueprint)


@blueprint.get("/media/<hash:content_hash>")
def picture(content_hash: str) -> Response:
    """The working copy, a JPEG."""
    path = services().pictures.path(content_hash)
    return _sent(path, etag=content_hash, media_type="image/jpeg")


@blueprint.get("/media/<hash:content_hash>/<int:longest_side_px>")
def thumbnail(content_hash: str, longest_side_px: int) -> Response:
    """A WebP of one of the sizes that pages use; of no other, as each one is kept."""
    if longest_side_px not in THUMBNAIL_SIZES_PX:
        sizes = ", ".join(map(str, THUMBNAIL_SIZES_PX))
        abort(404, f"there are thumbnails of {sizes} pixels only")
    path = services().pictures.thumbnail(content_hash, longest_side_px)
    return _sent(path, etag=f"{content_hash}-{longest_side_px}", media_type="image/webp")


def _sent(path: Path | None, *, etag: str, media_type: str) -> Response:
    if path is None:
        abort(404, "there is no such picture in this catalog")
    response = send_file(
        path.resolve(), mimetype=media_type, conditional=True, etag=etag, max_age=_YEAR_S
    )
    response.cache_control.public = True
    response.cache_control.immutable = True
    return response
