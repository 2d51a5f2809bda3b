"""Why a product is among the results: a page of its own, which a page of results shows within."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from http import HTTPStatus

from flask import Response, make_response, render_template

from shopsearch.domain import Hit, Wanted
from shopsearch.errors import QueryError
from shopsearch.server import addresses
from shopsearch.server.context import services
from shopsearch.server.explained import Explained, strength_text
from shopsearch.server.locales import gettext
from shopsearch.server.pages.asked import Asked
from shopsearch.server.pages.blueprint import blueprint
from shopsearch.server.pages.reading import address_fields, as_shown, search_of, without_pictures
from shopsearch.server.search_request import SearchRequest
from shopsearch.server.uploads import form_fields, further_pictures, picture_of, uploaded_picture


@dataclass(frozen=True, slots=True)
class Heat:
    """The picture that shows where words are found, or why there is none."""

    address: str | None = None
    width_px: int = 0
    height_px: int = 0
    missing: str = ""


@blueprint.get("/why")
def why() -> Response:
    """Why a product is on the page of results that the address asks for."""
    product_id, wanted = _read(address_fields())
    return _answer(product_id, Asked.of(without_pictures(wanted)))


@blueprint.post("/why")
def why_by_picture() -> Response:
    """The same for results by a picture, which is not kept."""
    product_id, wanted = _read(form_fields())
    uploaded = uploaded_picture()
    further = further_pictures(wanted, uploaded)
    image = picture_of(wanted, uploaded)
    asked = Asked.of(wanted, pictured=image is not None or bool(further))
    return _answer(product_id, asked, image, further)


def _read(fields: Iterable[tuple[str, str]]) -> tuple[str, SearchRequest]:
    """The product and the search. Raises `QueryError`."""
    given = list(fields)
    ids = [value for name, value in given if name == "id" and value]
    if len(ids) != 1:
        raise QueryError("name one product to explain: /why?q=WORDS&id=ID")
    return ids[0], search_of((name, value) for name, value in given if name != "id")


def _answer(
    product_id: str, asked: Asked, image: bytes | None = None, further: tuple[Wanted, ...] = ()
) -> Response:
    """The very search of the page of results is done again and explained, so that the numbers are
    those of that page; a search for the product alone would weigh it among others.
    """
    stored = services().search.product(product_id)
    request = replace(as_shown(asked.request), explain=True)
    page = services().search.search(request.query(image, further))
    hit = next((one for one in page.hits if one.product.product_id == product_id), None)
    body = render_template(
        "why.html",
        asked=asked,
        page=page,
        stored=stored,
        hit=hit,
        explained=None if hit is None else Explained.of(hit, asked.request),
        heat=None if hit is None else _heat(hit, page.did_you_mean or asked.request.text),
        strength_text=strength_text,
    )
    return make_response(body, HTTPStatus.NOT_FOUND if hit is None else HTTPStatus.OK)


def _heat(hit: Hit, words: str) -> Heat:
    """Where the words are found in the picture. It is drawn when the browser asks for it."""
    if not words:
        return Heat(missing=gettext("No words were asked for that could be found in the picture."))
    size = services().pictures.size(hit.image_hash) if hit.image_hash else None
    if size is None:
        return Heat(missing=gettext("There is no picture of it in which words could be found."))
    address = addresses.heatmap_address(hit.product.product_id, words)
    if address is None or not services().encoder.tells_regions:
        return Heat(
            missing=gettext("This search cannot tell where in the picture the words are found.")
        )
    return Heat(address, *size)
