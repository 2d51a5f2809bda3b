"""The picture of a search: uploaded with it, or fetched for it."""

from __future__ import annotations

from collections.abc import Iterator

from flask import request

from shopsearch.errors import QueryError
from shopsearch.server.context import services
from shopsearch.server.search_request import SearchRequest

PART = "image"


def form_fields() -> Iterator[tuple[str, str]]:
    """The named values of the form at hand, without the picture."""
    for name, value in request.form.items(multi=True):
        if name == PART and value:
            raise QueryError(f"`{PART}` must be a file; an address goes into `image_url`")
        if name != PART:
            yield name, value


def uploaded_picture() -> bytes | None:
    """The bytes of the part `image`; None where no file was chosen. Unchecked."""
    if strange := sorted(name for name in request.files if name != PART):
        raise QueryError(f"there is a file named {strange[0][:80]!r}; name the picture `{PART}`")
    parts = request.files.getlist(PART)
    if len(parts) > 1:
        raise QueryError(f"there are {len(parts)} pictures; search by one at a time")
    return parts[0].read() or None if parts else None


def picture_of(asked: SearchRequest, uploaded: bytes | None) -> bytes | None:
    """The picture to search by. Raises `FetchRejected`.

    Addresses go through the guarded fetcher of the services, as those of feeds do.
    """
    if asked.image_url is None:
        return uploaded
    if uploaded is not None:
        raise QueryError("there are a picture and the address of one; give either")
    return services().query_fetcher.fetch(asked.image_url)
