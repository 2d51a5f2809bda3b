"""Catalog writes of the API: one product, or many at once, durable and live when answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from flask import Blueprint, Response, jsonify

from shopsearch.domain import Scope
from shopsearch.errors import ProductChanged, ProductRejected, UnknownProduct
from shopsearch.server.api.catalog_documents import (
    BulkBody,
    BulkDocument,
    BulkHeaders,
    NamedParameters,
    ProductBody,
    RemovedProductDocument,
    RemoveOperation,
    UpsertOperation,
    WriteHeaders,
    WrittenProductDocument,
)
from shopsearch.server.api.etags import asked_precondition, product_document, product_etag
from shopsearch.server.api.idempotency import answered_once
from shopsearch.server.api.operations import JSON, Answer, operation
from shopsearch.server.api.products import ProductPath
from shopsearch.server.api.reading import read_body, read_query
from shopsearch.server.audit import wrote
from shopsearch.server.context import services
from shopsearch.writing import Change, Outcome, Removal, Upsert, WriteStatus, Written

MAX_PRODUCT_BYTES = 1_000_000
MAX_BULK_BYTES = 16_000_000

blueprint = Blueprint("catalog", __name__, url_prefix="/api/v1")

_PUT = {
    200: Answer("The product is in the catalog and in the index.", WrittenProductDocument),
    412: Answer("The product is not what `If-Match` says."),
    422: Answer("The product is bad; the catalog is as it was."),
}
_DELETE = {
    200: Answer("The product is gone.", RemovedProductDocument),
    404: Answer("There is none."),
    412: Answer("The product is not what `If-Match` says."),
}


@blueprint.put("/products/<product:product_id>")
@operation(
    "putProduct",
    tag="catalog",
    scope=Scope.CATALOG,
    path=ProductPath,
    headers=WriteHeaders,
    bodies={JSON: ProductBody},
    answers=_PUT,
    is_write=True,
)
def put_product(product_id: str) -> Response:
    """Write one product, whole: what is left out is empty then."""
    return _put(product_id)


@blueprint.put("/products")
@operation(
    "putProductById",
    tag="catalog",
    scope=Scope.CATALOG,
    query=NamedParameters,
    headers=WriteHeaders,
    bodies={JSON: ProductBody},
    answers=_PUT,
    is_write=True,
)
def put_product_by_parameter() -> Response:
    """Write one product whose id cannot travel in a path, such as ".."."""
    return _put(read_query(NamedParameters).id)


@blueprint.delete("/products/<product:product_id>")
@operation(
    "deleteProduct",
    tag="catalog",
    scope=Scope.CATALOG,
    path=ProductPath,
    headers=WriteHeaders,
    answers=_DELETE,
    is_write=True,
)
def delete_product(product_id: str) -> Response:
    """Take one product out."""
    return _delete(product_id)


@blueprint.delete("/products")
@operation(
    "deleteProductById",
    tag="catalog",
    scope=Scope.CATALOG,
    query=NamedParameters,
    headers=WriteHeaders,
    answers=_DELETE,
    is_write=True,
)
def delete_product_by_parameter() -> Response:
    """Take one product out whose id cannot travel in a path, such as ".."."""
    return _delete(read_query(NamedParameters).id)


@blueprint.post("/products/bulk")
@operation(
    "bulk",
    tag="catalog",
    scope=Scope.CATALOG,
    headers=BulkHeaders,
    bodies={JSON: BulkBody},
    answers={
        200: Answer("What became of each operation, in their order.", BulkDocument),
        409: Answer("The request that came first with this key is under way."),
        422: Answer("The key came with another request before."),
    },
    is_write=True,
)
def bulk() -> Response:
    """Make up to 1,000 changes, in their order. A bad product does not stop the others."""
    asked = read_body(BulkBody, max_bytes=MAX_BULK_BYTES)
    wrote(len(asked.operations))
    return answered_once(lambda: _bulk_response(_made(asked.operations)))


def _put(product_id: str) -> Response:
    body = read_body(ProductBody, max_bytes=MAX_PRODUCT_BYTES)
    product = services().product_fields.read(product_id, body.model_dump())
    written = services().catalog_writer.write([Upsert(product)], asked_precondition())
    outcome = _allowed(written.outcomes[0])
    if outcome.stored is None:
        raise ProductRejected(outcome.reason).about(outcome.field)
    response = jsonify(
        {
            **product_document(outcome.stored),
            "status": outcome.status.value,
            "generation": written.generation,
        }
    )
    response.headers["ETag"] = product_etag(outcome.stored)
    return response


def _delete(product_id: str) -> Response:
    written = services().catalog_writer.write([Removal(product_id)], asked_precondition())
    outcome = _allowed(written.outcomes[0])
    if outcome.status is not WriteStatus.REMOVED:
        raise UnknownProduct(product_id)
    return jsonify(product_id=product_id, status="removed", generation=written.generation)


def _allowed(outcome: Outcome) -> Outcome:
    if outcome.status is WriteStatus.REFUSED:
        raise ProductChanged(
            f"the product {outcome.product_id!r} is not what the condition of the request says; "
            "read it again, and write it with its new ETag"
        )
    return outcome


def _made(operations: Sequence[UpsertOperation | RemoveOperation]) -> Written:
    """What became of each; those whose fields are bad do not come to the writer."""
    read = [_read(one) for one in operations]
    made = services().catalog_writer.write([one for one in read if not isinstance(one, Outcome)])
    outcomes = iter(made.outcomes)
    return Written(tuple(_in_order(read, outcomes)), made.generation)


def _in_order(read: Sequence[Change | Outcome], made: Iterator[Outcome]) -> Iterator[Outcome]:
    for one in read:
        yield one if isinstance(one, Outcome) else next(made)


def _read(asked: UpsertOperation | RemoveOperation) -> Change | Outcome:
    if isinstance(asked, RemoveOperation):
        return Removal(asked.product_id)
    fields = asked.model_dump(exclude={"op", "product_id"})
    try:
        return Upsert(services().product_fields.read(asked.product_id, fields))
    except ProductRejected as error:
        return Outcome(asked.product_id, WriteStatus.REJECTED, str(error), error.field)


def _bulk_response(written: Written) -> Response:
    counts = Counter(one.status for one in written.outcomes)
    return jsonify(
        {
            "results": [_result(one) for one in written.outcomes],
            "indexed": counts[WriteStatus.INDEXED],
            "unchanged": counts[WriteStatus.UNCHANGED],
            "removed": counts[WriteStatus.REMOVED],
            "rejected": counts[WriteStatus.REJECTED],
            "generation": written.generation,
        }
    )


def _result(outcome: Outcome) -> dict[str, str]:
    told = {"product_id": outcome.product_id, "status": outcome.status.value}
    why = {"reason": outcome.reason, "field": outcome.field}
    return {**told, **{name: text for name, text in why.items() if text}}
