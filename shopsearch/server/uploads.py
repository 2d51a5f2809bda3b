"""The pictures of a search: uploaded with it, or fetched for it."""

from __future__ import annotations

from collections.abc import Iterator

from flask import request

from shopsearch.domain import NEGATIVE_WEIGHT, Wanted
from shopsearch.errors import QueryError
from shopsearch.server.context import services
from shopsearch.server.search_request import SearchRequest
from shopsearch.server.wish_fields import check_number
from shopsearch.stages import check_deadline
from shopsearch.weighted import read_weighted

PART = "image"
ALSO_PART = "also_image"  # a weight may follow its name, as in `also_image^0.5`
NOT_PART = "not_image"


def form_fields() -> Iterator[tuple[str, str]]:
    """The named values of the form at hand, without pictures. Raises `QueryError`."""
    if not all((*request.form, *request.files)):
        raise QueryError("a part of the form has no name; give each one a name")
    for name, value in request.form.items(multi=True):
        is_picture = name == PART or _is_further(name)
        if is_picture and value:
            address = "image_url" if name == PART else "also_image_url"
            raise QueryError(f"`{name[:80]}` must be a file; an address goes into `{address}`")
        if not is_picture:
            yield name, value


def uploaded_picture() -> bytes | None:
    """The bytes of the part `image`; None where no file was chosen. Unchecked."""
    names = list(request.files)
    if strange := sorted(name for name in names if name != PART and not _is_further(name)):
        raise QueryError(
            f"there is a file named {strange[0][:80]!r}; name the picture `{PART}`, `{ALSO_PART}` "
            f"or `{NOT_PART}`"
        )
    parts = request.files.getlist(PART)
    if len(parts) > 1:
        raise QueryError(
            f"there are {len(parts)} pictures; search by one, and name others `{ALSO_PART}`"
        )
    return parts[0].read() or None if parts else None


def picture_of(asked: SearchRequest, uploaded: bytes | None) -> bytes | None:
    """The picture to search by. Raises `FetchRejected`.

    Addresses go through the guarded fetcher of the services, as those of feeds do.
    """
    if asked.image_url is None:
        return uploaded
    if uploaded is not None:
        raise QueryError("there are a picture and the address of one; give either")
    return fetched_picture(asked.image_url)


def fetched_picture(address: str) -> bytes:
    """The bytes at an address, unchecked. Raises `FetchRejected`."""
    check_deadline()  # several addresses may take long, one after the other
    return services().query_fetcher.fetch(address)


def further_pictures(asked: SearchRequest, picture: bytes | None) -> tuple[Wanted, ...]:
    """The further wishes that are pictures: uploaded, or fetched like the one to search by. All
    together may be as large as one. Raises `FetchRejected` and `QueryError`.
    """
    uploaded = list(_uploaded_wishes())
    check_number(len(asked.also) + len(uploaded))
    limit = services().settings.max_image_bytes
    n_bytes = len(picture or b"") + sum(len(one.image or b"") for one in uploaded)
    for wish in (one for one in asked.also if one.kind == "image_url"):
        content = fetched_picture(wish.value)
        n_bytes += len(content)
        if n_bytes > limit:
            raise QueryError(
                f"the pictures have more than {limit:,} bytes together; scale them down"
            )
        uploaded.append(Wanted(image=content, weight=wish.weight))
    return tuple(uploaded)


def _uploaded_wishes() -> Iterator[Wanted]:
    for name, part in request.files.items(multi=True):
        if _is_further(name) and (content := part.read()):
            weight = -NEGATIVE_WEIGHT if name == NOT_PART else read_weighted(name)[1]
            yield Wanted(image=content, weight=weight)


def _is_further(name: str) -> bool:
    return name == NOT_PART or name.partition("^")[0] == ALSO_PART
