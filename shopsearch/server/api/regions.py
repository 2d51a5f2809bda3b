"""`/api/v1/regions`: which regions of a picture a search may be narrowed to."""

from __future__ import annotations

import time

from flask import Blueprint, Response, abort, jsonify, request
from pydantic import Field

from shopsearch.domain import Scope
from shopsearch.errors import QueryError
from shopsearch.preprocessing.proposals import MAX_PROPOSALS, Proposal, propose
from shopsearch.server.api.documents import Document
from shopsearch.server.api.operations import JSON, MULTIPART, Answer, operation
from shopsearch.server.api.parameters import Said
from shopsearch.server.api.reading import Asked, read_body
from shopsearch.server.context import services
from shopsearch.server.uploads import PART, form_fields

blueprint = Blueprint("regions", __name__, url_prefix="/api/v1")


class RegionsBody(Asked):
    """A picture by its address."""

    image_url: Said


class RegionsForm(Asked):
    """A picture as a file."""

    image: bytes = Field(description="The picture.")


class RegionDocument(Document):
    """A part of the picture, as `crop` of a search takes it."""

    x: float = Field(ge=0.0, lt=1.0)
    y: float = Field(ge=0.0, lt=1.0)
    width: float = Field(gt=0.0, le=1.0)
    height: float = Field(gt=0.0, le=1.0)
    score: float = Field(ge=0.0, le=1.0, description="How much it stands out.")


class RegionsDocument(Document):
    """Regions that may show a product, the best first."""

    regions: list[RegionDocument] = Field(max_length=MAX_PROPOSALS)
    took_ms: float = Field(ge=0.0)


@blueprint.post("/regions")
@operation(
    "regions",
    tag="search",
    scope=Scope.SEARCH,
    bodies={JSON: RegionsBody, MULTIPART: RegionsForm},
    answers={200: Answer("Regions that may show a product.", RegionsDocument)},
)
def regions() -> Response:
    """Propose regions of a picture to search by. The picture is not kept."""
    started = time.perf_counter()
    picture = services().preparer.prepare_query("", _given()).picture
    found = [] if picture is None else [_document(one) for one in propose(picture.load())]
    return jsonify(regions=found, took_ms=round(1000 * (time.perf_counter() - started), 1))


def _given() -> bytes:
    """The picture as it came. Raises `QueryError` and `FetchRejected`."""
    if request.is_json:
        return services().query_fetcher.fetch(read_body(RegionsBody).image_url)
    if request.mimetype != MULTIPART:
        abort(415, "send application/json, or multipart/form-data with a part named `image`")
    if strange := next((name for name, _ in form_fields()), None):
        raise QueryError(f"there is no `{strange[:80]}` here; send a file named `{PART}` alone")
    parts = [(name, part) for name, part in request.files.items(multi=True)]
    if [name for name, _ in parts] != [PART]:
        raise QueryError(f"send one picture, as a file named `{PART}`")
    content: bytes = parts[0][1].read()
    if content:
        return content
    raise QueryError(f"the file `{PART}` is empty; send a picture")


def _document(one: Proposal) -> dict[str, float]:
    region = one.region
    return {
        "x": region.x,
        "y": region.y,
        "width": region.width,
        "height": region.height,
        "score": one.score,
    }
