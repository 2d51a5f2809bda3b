"""`/metrics`: how the server fares, for Prometheus.

Labels are of bounded sets: operations and endpoints, never paths. Whoever counts something else
lets it be followed, once, where it is installed:

    meters = meters_of(app)
    meters.follow_level(meters.load.queue_depth, gate.depth)
    meters.follow_count(meters.load.shed.labels("full"), lambda: gate.n_shed)
    meters.follow_count(meters.load.cache.labels("answers", "hit"), lambda: answers.hits)
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

from flask import Blueprint, Flask, Response, current_app, g, request

from shopsearch.bootstrap import Services
from shopsearch.domain import Scope
from shopsearch.encoders import EncoderUse
from shopsearch.errors import ShopsearchError
from shopsearch.preprocessing.fetch import Fetch
from shopsearch.server.api.operations import Answer, operation
from shopsearch.server.context import services_of
from shopsearch.server.health import reason_not_ready
from shopsearch.server.request_log import operation_name, searches_run

if TYPE_CHECKING:
    from shopsearch.server.meters import Meters

REFRESH_EVERY_S = 5.0  # how old may be what a process tells of itself that is not asked

_NAME = "shopsearch_meters"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

blueprint = Blueprint("metrics", __name__)


def install(app: Flask, folder: Path | None = None) -> None:
    """Measure the requests of an application, and tell of it; `folder` as `Meters` has it."""
    from shopsearch.server.meters import Meters  # not sooner: see there

    services = services_of(app)
    meters = app.extensions[_NAME] = Meters(folder, lambda: _generation_id(services))
    _follow_index(meters, services)
    _follow_parts(meters, services)
    app.before_request(_begin)
    app.after_request(_end)
    app.teardown_request(_forget)
    app.register_blueprint(blueprint)


def meters_of(app: Flask) -> Meters:
    """What an application measures."""
    return cast("Meters", app.extensions[_NAME])


@blueprint.get("/metrics")
@operation(
    "metrics",
    tag="operations",
    scope=Scope.ADMIN,
    answers={200: Answer("Metrics in the format of Prometheus.", media_type="text/plain")},
)
def metrics() -> Response:
    """How the server fares: text for Prometheus, or OpenMetrics where that is accepted."""
    exposed = meters_of(current_app).exposed(request.headers.get("Accept", ""))
    response = Response(exposed.content, content_type=exposed.content_type)
    response.headers["Cache-Control"] = "no-store"
    return response


def _begin() -> None:
    g.in_flight = meters_of(current_app).requests.in_flight
    g.in_flight.inc()


def _end(response: Response) -> Response:
    meters = meters_of(current_app)
    method = request.method if request.method in _METHODS else "other"
    status = f"{response.status_code // 100}xx"
    measured = meters.requests.duration.labels(operation_name(), method, status)
    measured.observe(time.perf_counter() - g.started)
    if (code := g.get("problem_code")) is not None:
        meters.requests.errors.labels(code).inc()
    for run in searches_run():
        for stage, ms in run.stages.ms.items():
            meters.work.stages.labels(stage).observe(ms / 1000.0)
    return response


def _forget(_error: BaseException | None) -> None:
    if (in_flight := g.pop("in_flight", None)) is not None:
        in_flight.dec()


def _follow_index(meters: Meters, services: Services) -> None:
    def created() -> float:
        return datetime.fromisoformat(services.live.get().manifest.created_at).timestamp()

    def behind() -> int:
        return services.store.revision() - services.live.get().manifest.store_revision

    meters.follow_level(meters.index.ready, lambda: float(reason_not_ready(services) is None))
    meters.follow_level(meters.index.products, lambda: services.live.get().manifest.count)
    meters.follow_level(meters.index.created, created)
    meters.follow_level(meters.index.trouble, lambda: float(bool(services.live.trouble)))
    meters.follow_level(meters.index.behind, behind)


def _follow_parts(meters: Meters, services: Services) -> None:
    _follow_encoder(meters, "text", lambda: services.encoder.text_use)
    _follow_encoder(meters, "image", lambda: services.encoder.picture_use)
    for dropped in (lambda: services.logbook.n_dropped, lambda: services.event_book.n_lost):
        meters.follow_count(meters.load.log_dropped, dropped)

    def count(fetch: Fetch) -> None:
        outcome = _kebab(fetch.failure) or "fetched"
        meters.work.fetches.labels(outcome).observe(fetch.ended_s - fetch.started_s)

    meters.work.fetches.labels("fetched")
    for fetcher in (services.fetcher, services.query_fetcher):
        fetcher.watch(count)


def _follow_encoder(meters: Meters, modality: str, use: Callable[[], EncoderUse]) -> None:
    work = meters.work
    meters.follow_count(work.batches.labels(modality), lambda: use().batches)
    meters.follow_count(work.contents.labels(modality), lambda: use().contents)
    meters.follow_count(work.encoding.labels(modality), lambda: use().seconds)


def _generation_id(services: Services) -> str | None:
    try:
        return services.live.get().manifest.generation_id
    except ShopsearchError:
        return None


def _kebab(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()
