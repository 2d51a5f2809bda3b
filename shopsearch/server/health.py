"""Whether the process is alive, and whether it can answer searches."""

from __future__ import annotations

from http import HTTPStatus
from typing import Literal

from flask import Blueprint, Flask, Response, jsonify
from pydantic import BaseModel, ConfigDict

from shopsearch.bootstrap import Services
from shopsearch.errors import ShopsearchError
from shopsearch.server.api.operations import PROBLEM, Answer, operation
from shopsearch.server.context import services
from shopsearch.server.errors import Problem, problem_response

blueprint = Blueprint("health", __name__)


class _Told(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Alive(_Told):
    """The process answers."""

    status: Literal["alive"]


class Check(_Told):
    """One part that searches need."""

    ok: bool
    detail: str  # what is wrong with it; "" where nothing is


class Checks(_Told):
    """All parts that searches need."""

    model: Check
    index: Check
    database: Check

    @property
    def reason_not_ready(self) -> str | None:
        """What is wrong, of the first part that has something; None where none has."""
        parts = (self.model, self.index, self.database)
        return next((one.detail for one in parts if not one.ok), None)


class Ready(_Told):
    """Searches are answered; `degraded`: by an older index, or by words alone, and `detail` says
    why.
    """

    status: Literal["ready", "degraded"]
    generation: str
    checks: Checks
    detail: str | None = None


class NotReady(_Told):
    """Searches cannot be answered; a problem document with the checks."""

    type: str
    title: str
    status: Literal[503]
    detail: str
    code: Literal["not-ready"]
    request_id: str
    checks: Checks


def install(app: Flask) -> None:
    """Serve the health checks."""
    app.register_blueprint(blueprint)


@blueprint.get("/healthz")
@operation(
    "health", tag="operations", scope=None, answers={200: Answer("The process answers.", Alive)}
)
def alive() -> Response:
    """The process answers."""
    return jsonify(status="alive")


@blueprint.get("/readyz")
@operation(
    "readiness",
    tag="operations",
    scope=None,
    answers={
        200: Answer("Searches are answered.", Ready),
        503: Answer("Searches cannot be answered.", NotReady, PROBLEM),
    },
)
def ready() -> Response:
    """The model is in memory and a generation of the index answers.

    Where an older one stands in for a damaged one, or the server of the vectors is out of reach,
    searches are answered, so the status is 200 and no proxy takes the server away; the answer says
    `degraded` and why.
    """
    checks = checks_of(services())
    if (reason := checks.reason_not_ready) is not None:
        problem = Problem(HTTPStatus.SERVICE_UNAVAILABLE, "not-ready", reason)
        return problem_response(problem, checks=checks.model_dump())
    generation_id = services().live.get().manifest.generation_id
    told = {"generation": generation_id, "checks": checks.model_dump()}
    outside = services().outside
    if trouble := services().live.trouble or (outside.trouble if outside is not None else ""):
        return jsonify(status="degraded", **told, detail=trouble)
    return jsonify(status="ready", **told)


def reason_not_ready(services: Services) -> str | None:
    """Why searches cannot be answered now; None when they can."""
    return checks_of(services).reason_not_ready


def checks_of(services: Services) -> Checks:
    """What of all that searches need is there."""
    return Checks(model=_model(services), index=_index(services), database=_database(services))


def _model(services: Services) -> Check:
    if services.encoder.is_loaded:
        return Check(ok=True, detail="")
    reason = "the model is not in memory yet; if it stays so, `shopsearch doctor` says why"
    return Check(ok=False, detail=reason)


def _index(services: Services) -> Check:
    try:
        services.live.get().manifest.check(
            encoder_id=services.embedder.encoder_id, fusion_id=services.embedder.fusion_id
        )
    except ShopsearchError as error:
        return Check(ok=False, detail=str(error))
    return Check(ok=True, detail="")


def _database(services: Services) -> Check:
    try:
        services.store.revision()
        services.lexical.check()
    except ShopsearchError as error:
        return Check(ok=False, detail=str(error))
    return Check(ok=True, detail="")
