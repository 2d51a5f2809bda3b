"""Whether the process is alive, and whether it can answer searches."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, Flask, Response, jsonify

from shopsearch.bootstrap import Services
from shopsearch.errors import ShopsearchError
from shopsearch.server.context import services
from shopsearch.server.errors import Problem, problem_response

blueprint = Blueprint("health", __name__)


def install(app: Flask) -> None:
    """Serve the health checks."""
    app.register_blueprint(blueprint)


@blueprint.get("/healthz")
def alive() -> Response:
    """The process answers."""
    return jsonify(status="alive")


@blueprint.get("/readyz")
def ready() -> Response:
    """The model is in memory and a generation of the index answers.

    Where an older one stands in for a damaged one, searches are answered, so the status is 200 and
    no proxy takes the server away; the answer says `degraded` and why.
    """
    reason = reason_not_ready(services())
    if reason is not None:
        return problem_response(Problem(HTTPStatus.SERVICE_UNAVAILABLE, "not-ready", reason))
    generation_id = services().live.get().manifest.generation_id
    if trouble := services().live.trouble:
        return jsonify(status="degraded", generation=generation_id, detail=trouble)
    return jsonify(status="ready", generation=generation_id)


def reason_not_ready(services: Services) -> str | None:
    """Why searches cannot be answered now; None when they can."""
    if not services.encoder.is_loaded:
        return "the model is not in memory yet; if it stays so, `shopsearch doctor` says why"
    try:
        services.live.get().manifest.check(
            encoder_id=services.embedder.encoder_id, fusion_id=services.embedder.fusion_id
        )
        services.lexical.check()
    except ShopsearchError as error:
        return str(error)
    return None
