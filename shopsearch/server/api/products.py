"""Products of the API: one, what is similar to it, and where words are found in its picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from flask import Blueprint, Response, jsonify, request
from pydantic import Field

from shopsearch.domain import Recommend, Scope, SimilarTo
from shopsearch.errors import QueryError
from shopsearch.server.api.documents import HitsDocument, ProductDocument
from shopsearch.server.api.etags import product_document, product_etag
from shopsearch.server.api.operations import Answer, operation
from shopsearch.server.api.reading import JOINED, SPLIT, WHOLE, Asked, QueryFlag, read_query
from shopsearch.server.api.showing import (
    ShownField,
    ShownProductField,
    chosen,
    page_document,
    query_id_document,
)
from shopsearch.server.context import services
from shopsearch.server.search_logging import log_search
from shopsearch.server.search_request import MAX_SIZE, MAX_WORDS_CHARS, SearchRequest, read_search

N_SIMILAR = 12
HEATMAP_MAX_AGE_S = 300  # the picture of a product may change

blueprint = Blueprint("products", __name__, url_prefix="/api/v1")


class ProductPath(Asked):
    """The product, in the path. Ids that paths cannot carry ("..", "a//b") go into `?id=`."""

    product_id: str = Field(min_length=1, max_length=128, description="The shop's own id.")


class ProductParameters(Asked):
    """What of a product shall be shown."""

    fields: Annotated[list[ShownProductField], SPLIT] = Field(
        [],
        description="What it shall have beside `product_id`, joined by commas.",
        json_schema_extra={JOINED: True},
    )


class NamedProductParameters(ProductParameters):
    """The product, and what of it shall be shown."""

    id: str = Field(min_length=1, max_length=1000, description="The shop's own id.")


class SimilarParameters(Asked):
    """How many similar products, and what of them shall be shown."""

    k: Annotated[int, Field(ge=1, le=MAX_SIZE), WHOLE] = N_SIMILAR
    why: QueryFlag = Field(False, description="Each hit says why it is one.")
    text_weight: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = Field(
        None, description="0 looks like it, 1 is described like it; as the index weighs without."
    )
    fields: Annotated[list[ShownField], SPLIT] = Field(
        [],
        description="What hits shall have beside `product_id`, joined by commas.",
        json_schema_extra={JOINED: True},
    )


SEEN = r"[^\s\x00-\x1f\x7f]"  # something is there


class HeatmapParameters(Asked):
    """The words."""

    q: str = Field(min_length=1, max_length=MAX_WORDS_CHARS, pattern=SEEN)


@blueprint.get("/products/<product:product_id>")
@operation(
    "product",
    tag="products",
    scope=Scope.SEARCH,
    path=ProductPath,
    query=ProductParameters,
    answers={
        200: Answer("The product.", ProductDocument),
        304: Answer("It is as `If-None-Match` says.", media_type="text/plain"),
        404: Answer("There is none."),
    },
)
def product(product_id: str) -> Response:
    """Show one product."""
    return _shown(product_id, read_query(ProductParameters).fields)


@blueprint.get("/products")
@operation(
    "productById",
    tag="products",
    scope=Scope.SEARCH,
    query=NamedProductParameters,
    answers={
        200: Answer("The product.", ProductDocument),
        304: Answer("It is as `If-None-Match` says.", media_type="text/plain"),
        404: Answer("There is none."),
    },
)
def product_by_parameter() -> Response:
    """Show one product whose id cannot travel in a path, such as ".."."""
    if "id" not in request.args:
        raise QueryError("name the product: /api/v1/products/ID, or ?id=ID")
    asked = read_query(NamedProductParameters)
    return _shown(asked.id, asked.fields)


@blueprint.get("/products/<path:product_id>/similar")
@operation(
    "similar",
    tag="recommend",
    scope=Scope.RECOMMEND,
    path=ProductPath,
    query=SimilarParameters,
    answers={200: Answer("The hits.", HitsDocument), 404: Answer("There is no such product.")},
)
def similar(product_id: str) -> Response:
    """Find the products most like one."""
    asked = read_query(SimilarParameters)
    if asked.text_weight is None:
        page = services().search.similar(product_id, k=asked.k, explain=asked.why)
    elif asked.why:
        raise QueryError("`why` cannot be told with `text_weight`; leave one of them out")
    else:
        wanting = SimilarTo(product_id=product_id, text_weight=asked.text_weight)
        page = (
            services()
            .recommend.recommend(Recommend(wanting=wanting, k=asked.k, collapse=False))
            .page
        )
    query_id = log_search(SearchRequest(product_id=product_id, size=asked.k), page)
    return jsonify({**page_document(page, asked.fields), **query_id_document(query_id)})


@blueprint.get("/products/<path:product_id>/heatmap.png")
@operation(
    "heatmap",
    tag="products",
    scope=Scope.SEARCH,
    path=ProductPath,
    query=HeatmapParameters,
    answers={
        200: Answer("The picture, and how it matches.", media_type="image/png"),
        404: Answer("There is no such product, or it has no picture."),
        501: Answer("The encoder in use cannot tell regions."),
    },
)
def heatmap(product_id: str) -> Response:
    """Draw the picture of a product, and over it which regions match words."""
    if strange := sorted(set(request.args) - {"q"}):
        raise QueryError(f"there is no `{strange[0][:80]}` here; there is `q`")
    words = read_search(request.args.items(multi=True)).text
    drawn = services().heatmaps.draw(product_id, words)
    response = Response(drawn.png(), mimetype="image/png")
    response.headers["X-Cosine"] = f"{drawn.cosine:.4f}"
    response.headers["X-Evidence"] = "some" if drawn.has_evidence else "none"
    response.cache_control.private = True
    response.cache_control.max_age = HEATMAP_MAX_AGE_S
    return response


def _shown(product_id: str, fields: Sequence[str]) -> Response:
    stored = services().search.product(product_id)
    if fields:
        return jsonify(chosen(product_document(stored), fields))
    response = jsonify(product_document(stored))
    response.headers["ETag"] = product_etag(stored)  # of the whole document: writes ask for it
    response.make_conditional(request)
    return response
