"""Traces: spans as an exporter gets them, and a real OTLP request as a collector gets it."""

from __future__ import annotations

import gzip
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from flask import Flask
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shopsearch.bootstrap import Services
from shopsearch.errors import SettingsError
from shopsearch.server import create_app, tracing
from shopsearch.settings import Settings

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def traced(shop: Services, exporter: InMemorySpanExporter) -> Iterator[Flask]:
    app = create_app(shop)
    tracing.trace_to(app, exporter)
    yield app
    tracing.end(app)


def spans(app: Flask, exporter: InMemorySpanExporter) -> list[ReadableSpan]:
    tracing.end(app)  # sends what is left
    return list(exporter.get_finished_spans())


def test_the_stages_of_a_search_are_spans_below_that_of_the_request(
    traced: Flask, exporter: InMemorySpanExporter
) -> None:
    traced.test_client().get("/api/v1/search?q=red+mug", headers={"traceparent": PARENT})

    *stages, request = spans(traced, exporter)
    assert request.parent is not None
    assert f"{request.parent.trace_id:032x}" == TRACE_ID
    assert request.attributes is not None
    assert request.attributes["http.response.status_code"] == 200
    assert request.attributes["http.route"] == "/api/v1/search"
    assert {"search understand", "search fetch"} <= {one.name for one in stages}
    for one in stages:
        assert one.parent is not None
        assert one.parent.span_id == request.context.span_id
        assert request.start_time is not None
        assert request.end_time is not None
        assert one.start_time is not None
        assert one.end_time is not None
        assert request.start_time <= one.start_time <= one.end_time <= request.end_time


def test_the_fetch_of_a_picture_is_a_span_with_its_failure(
    traced: Flask, exporter: InMemorySpanExporter
) -> None:
    traced.test_client().post("/api/v1/search", json={"image_url": "http://127.0.0.1:9/a.png"})

    fetch, request = spans(traced, exporter)
    assert fetch.name == "fetch picture"
    assert fetch.attributes == {"error.type": "FetchRejected"}
    assert request.attributes is not None
    assert request.attributes["error.type"] == "fetch-rejected"


def test_spans_hold_nothing_of_who_asked_for_what(
    traced: Flask, exporter: InMemorySpanExporter
) -> None:
    traced.test_client().get(
        "/api/v1/search?q=secretwords",
        headers={"User-Agent": "secretagent", "Authorization": "Bearer secretkey"},
        environ_base={"REMOTE_ADDR": "203.0.113.77"},
    )

    told = "".join(one.to_json() for one in spans(traced, exporter))
    assert "secret" not in told
    assert "203.0.113.77" not in told


def test_a_caller_that_does_not_sample_is_heard(
    traced: Flask, exporter: InMemorySpanExporter
) -> None:
    traced.test_client().get("/healthz", headers={"traceparent": PARENT[:-1] + "0"})

    assert spans(traced, exporter) == []


@pytest.mark.parametrize("header", ["", "nonsense", "00-" + "0" * 32 + "-" + "1" * 16 + "-01"])
def test_a_header_that_is_none_begins_a_trace_of_its_own(
    traced: Flask, exporter: InMemorySpanExporter, header: str
) -> None:
    assert traced.test_client().get("/healthz", headers={"traceparent": header}).status_code == 200

    (request,) = spans(traced, exporter)
    assert request.parent is None


class Collector(ThreadingHTTPServer):
    """Takes what is posted to it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Take)
        self.taken: list[tuple[str, bytes]] = []


class _Take(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        is_packed = self.headers.get("Content-Encoding") == "gzip"
        self.server.taken.append((self.path, gzip.decompress(body) if is_packed else body))
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def test_a_collector_gets_the_spans_over_http(services: Services, collector: Collector) -> None:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    endpoint = f"http://127.0.0.1:{collector.server_port}/v1/traces"
    services.settings = services.settings.model_copy(update={"otel_endpoint": endpoint})
    app = create_app(services)
    app.test_client().get("/healthz", headers={"traceparent": PARENT})
    tracing.end(app)

    ((path, body),) = collector.taken
    assert path == "/v1/traces"
    sent = ExportTraceServiceRequest.FromString(body).resource_spans[0]
    assert {a.key: a.value.string_value for a in sent.resource.attributes}["service.name"] == (
        "shopsearch"
    )
    (span,) = sent.scope_spans[0].spans
    assert (span.name, span.trace_id.hex()) == ("health", TRACE_ID)


def test_missing_packages_are_named_with_the_remedy(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("opentelemetry.exporter")]:
        monkeypatch.delitem(sys.modules, name)  # others of this run may have loaded it
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp", None)
    wanted = settings.model_copy(update={"otel_endpoint": "http://127.0.0.1:4318/v1/traces"})

    with pytest.raises(SettingsError, match=r"OTEL_ENDPOINT.*shopsearch\[otel\]"):
        tracing.check(wanted)
    tracing.check(settings)  # without traces nothing is needed


@pytest.mark.parametrize("address", ["127.0.0.1:4318", "grpc://host:4317", "http://", ""])
def test_an_address_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    from shopsearch.settings import load_settings

    monkeypatch.setenv("SHOPSEARCH_OTEL_ENDPOINT", address)
    if not address:  # an empty variable is one that is not set
        assert load_settings().otel_endpoint is None
        return
    with pytest.raises(SettingsError, match="SHOPSEARCH_OTEL_ENDPOINT"):
        load_settings()
