"""`/api/v1/regions`: where the things in a picture are, to search by one of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Annotated, Any

from flask import Blueprint, Response, abort, jsonify, request
from pydantic import Field

from shopsearch.domain import Scope
from shopsearch.errors import QueryError
from shopsearch.preprocessing.proposals import MAX_PROPOSALS, Proposal
from shopsearch.server.api.documents import Document
from shopsearch.server.api.operations import JSON, MULTIPART, Answer, operation
from shopsearch.server.api.parameters import Said
from shopsearch.server.api.reading import Asked, read_body
from shopsearch.server.context import services
from shopsearch.server.uploads import PART, fetched_picture, form_fields, uploaded_picture

blueprint = Blueprint("regions", __name__, url_prefix="/api/v1")

Part = Annotated[float, Field(ge=0.0, le=1.0)]


class RegionsBody(Asked):
    """The picture, by its address."""

    image_url: Said = Field(description="The address of a picture.")


class RegionsForm(Asked):
    """The picture, as a file."""

    image: bytes = Field(description="The picture.")


class RegionDocument(Document):
    """A region of the upright picture, in parts of its width and height: the `crop` of a search."""

    x: Part = Field(description="Of the left edge, from the left.")
    y: Part = Field(description="Of the upper edge, from the top.")
    width: Part
    height: Part
    score: Part = Field(description="Higher is likelier to hold one thing; no probability.")


class RegionsDocument(Document):
    """Where the things in a picture may be."""

    regions: list[RegionDocument] = Field(
        max_length=MAX_PROPOSALS, description="Best first; no two overlap by more than half."
    )
    took_ms: float = Field(ge=0)


@blueprint.post("/regions")
@operation(
    "proposeRegions",
    tag="search",
    scope=Scope.SEARCH,
    bodies={MULTIPART: RegionsForm, JSON: RegionsBody},
    answers={200: Answer("Regions, best first; none where all is alike.", RegionsDocument)},
)
def propose_regions() -> Response:
    """Propose regions of a picture to search by. Nothing of the picture is kept."""
    picture = _picture()
    started = time.perf_counter()
    proposals = services().preparer.propose_regions(picture)
    took_ms = (time.perf_counter() - started) * 1000
    return jsonify(regions=list(map(region_json, proposals)), took_ms=round(took_ms, 1))


def region_json(proposal: Proposal) -> dict[str, Any]:
    """A proposal as the API tells it."""
    region = proposal.region
    return {
        "x": region.x,
        "y": region.y,
        "width": region.width,
        "height": region.height,
        "score": round(proposal.score, 4),
    }


def _picture() -> bytes:
    """The bytes of the picture, uploaded or fetched."""
    if request.is_json:
        return fetched_picture(read_body(RegionsBody).image_url)
    if request.mimetype != MULTIPART:
        abort(415, "send multipart/form-data with a part named `image`, or application/json")
    if unknown := next(_further_parts(), None):
        raise QueryError(f"there is no `{unknown[:80]}` here; send one file named `{PART}`")
    if PART not in request.files:
        raise QueryError(f"there is no picture; send one as a file named `{PART}`")
    return uploaded_picture() or b""  # an empty file is no picture, and refused as one


def _further_parts() -> Iterator[str]:
    yield from (name for name, _ in form_fields())
    yield from (name for name in request.files if name != PART)
