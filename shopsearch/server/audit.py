"""Notes who wrote to the shop through the API, or was refused; never what was sent."""

from __future__ import annotations

from flask import Flask, Response, current_app, g, request

from shopsearch.domain import PUBLIC
from shopsearch.server.api.operations import operation_of
from shopsearch.server.context import services
from shopsearch.server.request_log import request_id


def install(app: Flask) -> None:
    """Note every operation that is declared to write, once it is answered."""
    app.after_request(_note)


def wrote(target: str | int) -> None:
    """Say what the request at hand writes: a product's id, or how many there are. Where a handler
    does not, it is the id in the address.
    """
    g.written = str(target)


def _note(answer: Response) -> Response:
    operation = operation_of(current_app, request.endpoint)
    if operation is None or not operation.is_write or request.method == "OPTIONS":
        return answer
    key = g.get("api_key")
    services().audit_trail.note(
        PUBLIC if key is None else key.key_id,
        operation.operation_id,
        g.get("written") or _id_in_the_address(),
        request_id=request_id(),
        status=answer.status_code,
    )
    return answer


def _id_in_the_address() -> str:
    return str((request.view_args or {}).get("product_id") or request.args.get("id") or "")
