"""Spans of OpenTelemetry: one per request, and below it one per stage of a search and per fetch.

Names and attributes follow the semantic conventions for HTTP servers, without what tells who asked
for what: no address, no query.
"""

from __future__ import annotations

import time
from contextvars import Token

import structlog
from flask import Flask, Response, g, request
from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

import shopsearch
from shopsearch.preprocessing.fetch import Fetch
from shopsearch.server.context import services_of
from shopsearch.server.request_log import operation_name, request_id, searches_run
from shopsearch.server.trace_parent import HEADER

_NS = 1_000_000_000
_FIRST_SERVER_ERROR = 500


class Traces:
    """Makes the spans of an application's requests and sends them in a thread of its own.

    A caller's `traceparent` makes its span the parent, and decides whether the request is traced.
    """

    def __init__(self, exporter: SpanExporter, sample: float) -> None:
        resource = Resource.create(
            {"service.name": "shopsearch", "service.version": shopsearch.__version__}
        )
        sampler = ParentBased(TraceIdRatioBased(sample))
        self._provider = TracerProvider(sampler, resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("shopsearch", shopsearch.__version__)
        self._propagator = TraceContextTextMapPropagator()

    def follow(self, app: Flask) -> None:
        """Trace the requests of an application."""
        app.before_request(self._begin)
        app.after_request(self._describe)
        app.teardown_request(self._end)
        services_of(app).query_fetcher.watch(self._fetched)

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()

    def _begin(self) -> None:
        parent = self._propagator.extract({HEADER: request.headers.get(HEADER, "")}, Context())
        span = self._tracer.start_span(operation_name(), parent, SpanKind.SERVER)
        g.span, g.span_token = span, context.attach(trace.set_span_in_context(span, parent))
        structlog.contextvars.bind_contextvars(
            trace_id=trace.format_trace_id(span.get_span_context().trace_id)
        )

    def _describe(self, response: Response) -> Response:
        span: Span = g.span
        if not span.is_recording():
            return response
        span.set_attribute("http.request.method", request.method)
        span.set_attribute("http.response.status_code", response.status_code)
        span.set_attribute("shopsearch.request_id", request_id())
        if request.url_rule is not None:
            span.set_attribute("http.route", request.url_rule.rule)
        if response.status_code >= _FIRST_SERVER_ERROR:
            span.set_status(StatusCode.ERROR)
        if (code := g.get("problem_code")) is not None:
            span.set_attribute("error.type", code)
        for run in searches_run():
            span.set_attribute("shopsearch.generation", run.generation)
            for stage in run.stages.ended:
                self._add(f"search {stage.name}", stage.started_s, stage.ended_s)
        return response

    def _end(self, _error: BaseException | None) -> None:
        span: Span | None = g.pop("span", None)
        if span is not None:
            token: Token[Context] = g.pop("span_token")
            context.detach(token)
            span.end()

    def _fetched(self, fetch: Fetch) -> None:
        """Where it is not known for which request a picture was fetched, there is no span."""
        if trace.get_current_span().is_recording():
            self._add("fetch picture", fetch.started_s, fetch.ended_s, fetch.failure)

    def _add(self, name: str, started_s: float, ended_s: float, failure: str = "") -> None:
        """A span below the current one, of something that is over already."""
        now_s, now_ns = time.perf_counter(), time.time_ns()
        span = self._tracer.start_span(name, start_time=now_ns - int((now_s - started_s) * _NS))
        if failure:
            span.set_status(StatusCode.ERROR)
            span.set_attribute("error.type", failure)
        span.end(now_ns - int((now_s - ended_s) * _NS))
